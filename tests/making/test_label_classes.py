"""The classes that the command makes give the teacher's logits where these are linear."""

import numpy as np
import pytest

pytest.importorskip("torch")
making = pytest.importorskip("making.label_classes")


def test_a_linear_teacher_is_learned():
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, 6)), np.array([0.5, -1, 2])
    features = [rng.normal(size=(36, 6)) * [1, 2, 3, 1, 1, 0.1] + 4 for _ in range(50)]
    classes = making.fit(((x, x @ weight.T + bias) for x in features), "abc")
    assert classes.names == ("a", "b", "c")
    found = features[0] @ classes.weight.T + classes.bias
    rounded = np.abs(features[0]).sum(1, keepdims=True) * classes.coded.scales / 2  # by int8
    assert (np.abs(found - (features[0] @ weight.T + bias)) <= rounded + 0.02).all()


def test_every_class_of_the_classifier_has_a_name_of_its_own():
    names = making.NAMES.read_text(encoding="utf-8").splitlines()
    assert len(names) == 1000
    assert all(name.strip() for name in names)

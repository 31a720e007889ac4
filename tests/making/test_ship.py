"""A model that ships keeps its weights in float16, and shares classes that lie beside it."""

import numpy as np
import pytest
from making.ship import main
from tests.small import random_weights

from regard.core.model_config import ModelConfig
from regard.model import checkpoint
from regard.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from regard.model.labels import FILE, LabelClasses
from regard.words.vocabulary import Vocabulary


@pytest.mark.parametrize("shared", [True, False])
def test_weights_are_halved_and_classes_shared(tmp_path, monkeypatch, shared):
    monkeypatch.setattr(checkpoint, "_SHIPPED", tmp_path / "weights")
    sizes = {"feature_dim": 6, "embed_dim": 4, "state_dim": 3}
    config = ModelConfig(**sizes, word_encoding="states", labels=True)
    words = Vocabulary.build(["a dog"], 1)
    classes = LabelClasses.of(["dog"], np.ones((1, 6)), np.zeros(1), np.ones((1, 3)))
    weights = random_weights(config, len(words))
    save_checkpoint(tmp_path / "run", Checkpoint(config, weights, words, "", {}, labels=classes))
    (tmp_path / "weights").mkdir()
    if shared:
        classes.save(tmp_path / "weights")
    main(tmp_path / "run", tmp_path / "weights/model")
    assert (tmp_path / "weights/model" / FILE).exists() == (not shared)
    kept, whole = (load_checkpoint(tmp_path / name) for name in ("weights/model", "run"))
    for name, value in kept.weights.items():
        assert value.dtype == np.float16
        np.testing.assert_array_equal(value, whole.weights[name].astype(np.float16))

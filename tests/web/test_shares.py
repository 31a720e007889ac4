"""Shares of many photos at once are those of explaining them one by one."""

import itertools

import numpy as np
import pytest

from regard.core.scoring import Scoring
from regard.explain.numbers import explain
from regard.web.shares import word_shares

KINDS = [
    *itertools.product(["attention"], ["t2i", "i2t"], ["mean", "lse", "max", "sum"]),
    ("sum_max", "t2i", "sum"),
    ("sum_max", "i2t", "sum"),
    ("pooled", "t2i", "mean"),
]


def unit(random, *shape):
    made = random.normal(size=shape).astype(np.float32)
    return made / np.linalg.norm(made, axis=-1, keepdims=True)


@pytest.mark.parametrize(("scorer", "direction", "pooling"), KINDS)
@pytest.mark.parametrize("normalization", ["clipped_l2norm", "softmax"])
def test_shares_are_those_of_the_explanation(scorer, direction, pooling, normalization):
    random = np.random.default_rng(3)
    counts = np.array([7, 1, 5])
    vectors = unit(random, 3, 7, 12)
    for row, count in enumerate(counts):
        vectors[row, count:] = 0
    words = unit(random, 4, 12)
    scoring = Scoring(
        scorer=scorer, direction=direction, pooling=pooling, normalization=normalization
    )
    found = word_shares(vectors, counts, words, scoring)
    for row, count in enumerate(counts):
        one = explain(vectors[row, :count], words, list("abcd"), np.zeros((0, 4)), (1, 1), scoring)
        expected = [word.share for word in one.words]
        np.testing.assert_allclose(found[row], expected, rtol=2e-4, atol=2e-5)
        assert found[row].sum() == pytest.approx(one.similarity, abs=1e-4)

"""A similarity is the sum of its shares, for every kind of backbone and every option."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.backbones.scores import WholeScores, asked_for, directions
from regard.core.scoring import Scoring

SCORINGS = [
    Scoring(pooling="mean", normalization="no_norm", lambda_softmax=20.0),
    Scoring(pooling="lse"),
    Scoring(direction="i2t", pooling="sum"),
]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def photos(rng, count, regions, dim):
    rows = np.zeros((count, 1 + regions, dim + 1), np.float32)
    rows[..., :-1] = unit(rng.normal(size=(count, 1 + regions, dim)))
    return rows


def sentence(rng, words, dim, *, made_of_words):
    rows = np.zeros((1 + words, dim + 1), np.float32)
    rows[1:, :-1] = unit(rng.normal(size=(words, dim)))
    if made_of_words:
        parts = rng.uniform(0, 1, words).astype(np.float32)
        parts /= np.linalg.norm(parts @ rows[1:, :-1])
        rows[1:, -1], rows[0, :-1] = parts, parts @ rows[1:, :-1]
    else:
        rows[0, :-1], rows[0, -1] = unit(rng.normal(size=dim)), 1
    return rows


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 2.0]),
    st.sampled_from(SCORINGS),
)
def test_shares_sum_to_the_similarity(seed, regions, words, made_of_words, weight, scoring):
    rng = np.random.default_rng(seed)
    rows = photos(rng, 3, regions, 8)
    asked = sentence(rng, words, 8, made_of_words=made_of_words)
    scores = WholeScores(weight)
    masks = np.ones((3, 1 + regions), bool), np.ones((1, 1 + words), bool)
    shares = scores.shares(rows, asked[None], *masks, scoring)
    alone = WholeScores(1.0).shares(rows, asked[None], *masks, scoring)
    alone -= WholeScores().shares(rows, asked[None], *masks, scoring)
    whole = (rows[:, 0, :-1] * asked[0, :-1]).sum(-1)
    np.testing.assert_allclose(shares.sum(1), whole + weight * alone.sum(1), atol=1e-5)
    np.testing.assert_allclose(rows[:, 0] @ asked_for(asked), whole, atol=1e-5)
    if not made_of_words and not weight:
        assert not shares[:, 1:].any()
    if made_of_words:
        assert not shares[:, 0].any()
    masks = np.ones((1, 1 + regions), bool), np.ones((1, 1 + words), bool)
    parts = scores.parts(rows[:1], asked[None], *masks, scoring)
    np.testing.assert_allclose(parts.share[0], shares[0], atol=1e-6)
    assert parts.attention[0, 0].tolist() == [1.0] + [0.0] * regions
    assert not parts.attention[0, 1:, 0].any()


def test_padding_has_no_share():
    rng = np.random.default_rng(0)
    rows, asked = photos(rng, 2, 4, 8), sentence(rng, 3, 8, made_of_words=True)
    padded = np.concatenate([asked, rng.normal(size=(2, 9)).astype(np.float32)])
    real = np.array([[True] * 4 + [False] * 2])
    regions = np.concatenate([rows, rng.normal(size=(2, 1, 9)).astype(np.float32)], 1)
    region_mask = np.array([[True] * 5 + [False]] * 2)
    scores = WholeScores(0.5)
    found = scores.shares(regions, padded[None], region_mask, real, SCORINGS[0])
    plain = np.ones((2, 5), bool), np.ones((1, 4), bool)
    wanted = scores.shares(rows, asked[None], *plain, SCORINGS[0])
    np.testing.assert_allclose(found[:, :4], wanted, atol=1e-6)
    assert not found[:, 4:].any()


def test_a_photo_asks_with_its_whole():
    rows = photos(np.random.default_rng(0), 2, 4, 8)
    assert np.array_equal(asked_for(rows), rows[:, 0])
    masks = np.ones((2, 5), bool), np.ones((1, 5), bool)
    shares = WholeScores().shares(rows, rows[:1], *masks, SCORINGS[0])
    assert shares.sum(1) == pytest.approx(rows[:, 0] @ rows[0, 0])


def test_directions_have_no_part():
    asked = sentence(np.random.default_rng(0), 3, 8, made_of_words=True)
    assert not directions(asked)[:, -1].any()
    assert asked[1:, -1].all()

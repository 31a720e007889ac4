"""Ways to explain: each tells what it says it does, gradients by hand and by small steps."""

import sys

import numpy as np
import pytest
from tests.model.test_model import model as small_model
from tests.torch_reach import needs_torch

from regard.core.attention import masked_mean, paired_similarity
from regard.core.scoring import Scoring
from regard.errors import ConfigError
from regard.evaluation.ways import WAYS, from_map, gradients, ways_of
from regard.explain.maps import region_scores
from regard.store.shards import Regions

RANDOM = np.random.default_rng(0)
REGIONS, WORDS = RANDOM.normal(size=(4, 6)), RANDOM.normal(size=(3, 6))


def similarity(regions, words, scoring):
    real = np.ones((1, len(regions)), bool), np.ones((1, len(words)), bool)
    return float(paired_similarity(regions[None], words[None], *real, scoring)[0])


@pytest.fixture(scope="module")
def pair():
    model = small_model()
    features = RANDOM.random((1, 5, 6)).astype(np.float32)
    vectors = model.encode_features(features, np.array([5]))[0]
    boxes = np.float32([[0, 0, 9, 9], [0, 0, 4, 9], [5, 0, 9, 9], [0, 0, 2, 2], [3, 3, 6, 6]])
    photo = Regions(vectors, boxes, np.ones(5, np.float32), 9, 9)
    return model, photo, model.encode_captions(["a dog on the beach"]).caption(0)


def test_shares_are_what_people_are_shown(pair):
    told, why = WAYS["shares"](*pair), pair[0].explain(*pair[1:])
    assert told.similarity == why.similarity
    assert told.shares.tolist() == [word.share for word in why.words]
    np.testing.assert_allclose(told.maps([2, 3]), region_scores(why.words[2:4]))
    assert told.unsupported == [None] * len(why.words)  # this model never tells
    expected = sum(max(word.share, 0) * word.attention for word in why.words)
    np.testing.assert_allclose(told.regions, expected)


@pytest.mark.parametrize("name", ["attention", "cosines"])
def test_attention_and_cosines_are_these_and_share_nothing_out(pair, name):
    told, why = WAYS[name](*pair), pair[0].explain(*pair[1:])
    looked = np.stack([getattr(word, name) for word in why.words])
    assert told.shares is None
    np.testing.assert_allclose(told.regions, looked.sum(0))
    np.testing.assert_allclose(told.evidence, looked.max(1))
    scores = looked if name == "attention" else np.exp(10 * looked)
    np.testing.assert_allclose(told.maps([1, 2]), scores[1:3].mean(0))
    assert (told.maps([1]) >= 0).all()


@needs_torch
@pytest.mark.parametrize(
    "scoring",
    [
        Scoring(),
        Scoring(pooling="weighted"),
        Scoring(direction="i2t", pooling="mean"),
        Scoring(scorer="pooled"),
    ],
)
def test_gradients_are_those_of_small_steps(scoring):
    told, shares, regions, maps = gradients(REGIONS, WORDS, scoring)
    assert told == pytest.approx(similarity(REGIONS, WORDS, scoring))
    step = 1e-6
    for row in range(4):  # along a vector: its length times the slope
        longer, shorter = REGIONS.copy(), REGIONS.copy()
        longer[row] *= 1 + step
        shorter[row] *= 1 - step
        slope = similarity(longer, WORDS, scoring) - similarity(shorter, WORDS, scoring)
        assert regions[row] == pytest.approx(slope / (2 * step), abs=1e-6)
        pieces = [gradients(one, WORDS, scoring)[1] for one in (longer, shorter)]
        np.testing.assert_allclose(maps[:, row], (pieces[0] - pieces[1]) / (2 * step), atol=1e-6)
    for row in range(3):
        longer, shorter = WORDS.copy(), WORDS.copy()
        longer[row] *= 1 + step
        shorter[row] *= 1 - step
        slope = similarity(REGIONS, longer, scoring) - similarity(REGIONS, shorter, scoring)
        assert shares[row] == pytest.approx(slope / (2 * step), abs=1e-6)


@needs_torch
def test_gradients_of_a_cosine_of_means_are_the_formula_and_sum_to_nothing():
    told, shares, regions, _ = gradients(REGIONS, WORDS, Scoring(scorer="pooled"))
    mean, real = REGIONS.mean(0), np.ones((1, 4), bool)
    photo = masked_mean(REGIONS[None], real)[0]
    sentence = masked_mean(WORDS[None], real[:, :3])[0]
    expected = REGIONS @ (sentence - told * photo) / (4 * np.linalg.norm(mean))
    np.testing.assert_allclose(regions, expected, atol=1e-7)
    assert abs(shares.sum()) < 1e-6 < abs(told)  # which is why they are no shares of it


@needs_torch
def test_gradients_tell_like_the_others(pair):
    told = WAYS["gradients"](*pair)
    assert (told.maps([2]) >= 0).all()
    assert told.unsupported == [None] * len(told.shares)
    assert told.regions.shape == (5,)


def test_gradients_without_torch_say_what_brings_it(pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"gradients must have it. .*regard\[train\]"):
        WAYS["gradients"](*pair)


def test_ways_go_by_name_and_maps_point(pair):
    assert list(ways_of(["cosines", "shares"])) == ["cosines", "shares"]
    with pytest.raises(ConfigError, match="one of shares, attention, cosines, gradients"):
        ways_of(["magic"])
    answer = from_map(np.array([0, 0, 1, 0, 0.0]), pair[1].boxes, (9, 9))
    assert answer.region == 2
    assert answer.point[0] > 5

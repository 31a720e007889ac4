"""What a model says with its background and its curves alone: supports, and what is taken off."""

import numpy as np
import pytest

from regard.core.scoring import Scoring
from regard.model.background import Background
from regard.model.encoded import EncodedCaptions
from regard.model.judging import Judging
from regard.store.region_store import Regions

WORDS = (
    ("<start>", "dog", "cat", "the", "<end>"),
    ("<start>", "cat", "cat", "<end>"),
    ("<start>", "a", "<end>"),
)


class Judge(Judging):
    """Has nothing else."""

    scoring = Scoring()

    def __init__(self, info=(), background=None):
        self.info, self.background = dict(info), background


def units(rng, *shape):
    vectors = rng.normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def photo(vectors):
    return Regions(vectors, np.zeros((0, 4)), np.ones(len(vectors)), 60, 40)


def captions(rng):
    vectors = np.zeros((3, 5, 8), np.float32)
    for row, words in zip(vectors, WORDS, strict=True):
        row[: len(words)] = units(rng, len(words), 8)
    return EncodedCaptions(vectors, np.array(list(map(len, WORDS))), WORDS)


def test_support_of_words_that_name_something():
    rng = np.random.default_rng(0)
    background = Background.of(units(rng, 90, 8), units(rng, 90, 8))
    curve = {"slope": 10.0, "intercept": -5.0, "mean": -8.0, "deviation": 3.0}
    judge = Judge({"word_support": curve}, background)
    some, regions = captions(rng), photo(units(rng, 3, 8))
    words = some.vectors[0]
    cosines = words @ (background.photos @ background.directions.T).T
    logits = 10 * (words @ regions.vectors.T).max(1) - 8 * cosines.mean(1) + 3 * cosines.std(1) - 5
    other = photo(units(rng, 5, 8))
    supports, others = judge.supports([regions, other], some.caption(0))
    assert judge.supports([other], some.caption(0)) == [others] != [supports]
    wanted = 1 / (1 + np.exp(-logits))
    assert supports[1:3] == [pytest.approx(one, abs=1e-4) for one in wanted[1:3]]
    assert [supports[row] for row in (0, 3, 4)] == [None, None, None]
    assert Judge().supports([regions], some.caption(0)) == [[None] * 5]


def test_without_a_background_the_largest_product_tells():
    judge = Judge({"word_support": {"slope": 2.0, "intercept": -1.0, "mean": 9.0}})
    evidence = judge.evidence(np.eye(2, 4), [np.array([[0.5, 0.1, 0, 0], [0.2, 0.4, 0, 0]])])
    np.testing.assert_allclose(evidence, [[[0.5, 0, 0], [0.4, 0, 0]]])


def test_unsupported_words_are_named_once_a_sentence():
    rng = np.random.default_rng(1)
    judge = Judge({"word_support": {"slope": 0.0, "intercept": -9.0}})
    assert judge.unsupported(photo(units(rng, 3, 8)), captions(rng)) == [
        ["dog", "cat"],
        ["cat"],
        [],
    ]
    assert Judge().unsupported(photo(units(rng, 3, 8)), captions(rng)) == [[], [], []]


def test_the_fewer_words_count_the_less_is_taken_off_for_the_photo_where_words_attend():
    rng = np.random.default_rng(2)
    background = Background.of(units(rng, 90, 8), units(rng, 90, 8))
    sums, words = units(rng, 4, 8), units(rng, 3, 8)
    counted = np.array([2, 8, 12])
    of_pairs = Judge((), background).discounts_of_sums(sums, words, counted)
    of_photos = background.photo_discounts(sums)
    of_sentences = background.sentence_discounts(words, counted)
    wanted = of_photos[:, None] * [1 / 3, 1, 1] + of_sentences
    np.testing.assert_allclose(of_pairs, wanted, atol=1e-6)
    by_regions = Judge((), background)
    by_regions.scoring = Scoring(direction="i2t")
    of_pairs = by_regions.discounts_of_sums(sums, words, counted)
    np.testing.assert_allclose(of_pairs, of_photos[:, None] + of_sentences, atol=1e-6)
    assert not Judge().discounts_of_sums(sums, words, counted).any()

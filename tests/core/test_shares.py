"""Shares sum to the similarity and follow the paper's maths, for every way of scoring."""

import itertools

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.core.attention import paired_similarity
from regard.core.scoring import Scoring
from regard.core.shares import word_parts, word_shares

DIRECTIONS, POOLINGS = ("t2i", "i2t"), ("lse", "mean", "max", "sum", "weighted")
SCORERS = ("attention", "sum_max", "hard", "pooled")
NORMALIZATIONS = (
    "clipped_l2norm", "l2norm", "clipped_l1norm", "l1norm", "clipped", "no_norm", "softmax",
)  # fmt: skip
COUNTS = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 6)), min_size=1, max_size=4)


def units(rng, count, dim=8):
    vectors = rng.normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def padded(sides, rng):
    """Vectors of several lengths with rubbish after them, and which are real."""
    longest = max(map(len, sides)) + 1
    vectors = 3 * rng.normal(size=(len(sides), longest, sides[0].shape[1]))
    for row, side in zip(vectors, sides, strict=True):
        row[: len(side)] = side
    return vectors, np.arange(longest) < np.array([[len(side)] for side in sides])


def one_pair(regions, words, **scoring):
    real = np.ones((1, len(regions)), bool), np.ones((1, len(words)), bool)
    parts = word_parts(regions[None], words[None], *real, Scoring(**scoring))
    return type(parts)(*(part[0] for part in parts))


@settings(max_examples=150, deadline=None)
@given(
    counts=COUNTS,
    seed=st.integers(0, 2**31),
    direction=st.sampled_from(DIRECTIONS),
    pooling=st.sampled_from(POOLINGS),
    scorer=st.sampled_from(SCORERS),
    normalization=st.sampled_from(NORMALIZATIONS),
    lambda_softmax=st.floats(0.5, 20),
    lambda_lse=st.floats(0.5, 20),
)
def test_shares_sum_to_the_similarity_and_padding_changes_nothing(counts, seed, **options):
    rng = np.random.default_rng(seed)
    regions = [units(rng, count) for count, _ in counts]
    words = [units(rng, count) for _, count in counts]
    (many_regions, region_mask), (many_words, word_mask) = padded(regions, rng), padded(words, rng)
    scoring = Scoring(**options)
    asked = many_regions, many_words, region_mask, word_mask, scoring
    parts, shares = word_parts(*asked), word_shares(*asked)
    np.testing.assert_allclose(shares.sum(1), paired_similarity(*asked), atol=1e-9)
    np.testing.assert_allclose(parts.share, shares, atol=1e-12)
    assert not shares[~word_mask].any()
    assert not parts.relevance[~word_mask].any()
    assert not parts.attention[~(word_mask[..., None] & region_mask[:, None])].any()
    assert (parts.attention >= 0).all()
    for row, (region_count, word_count) in enumerate(counts):
        alone = one_pair(regions[row], words[row], **options)
        np.testing.assert_allclose(parts.share[row, :word_count], alone.share, atol=1e-9)
        np.testing.assert_allclose(parts.relevance[row, :word_count], alone.relevance, atol=1e-9)
        attention = parts.attention[row, :word_count, :region_count]
        np.testing.assert_allclose(attention, alone.attention, atol=1e-9)
        sums = attention.sum(1)
        can_be_unseen = scorer_is_one_hot(options)
        assert np.allclose(sums[~(can_be_unseen & (sums == 0))], 1)


def scorer_is_one_hot(options):
    return options["scorer"] in ("sum_max", "hard") and options["direction"] == "i2t"


@pytest.mark.parametrize(
    ("direction", "pooling", "scorer"), [*itertools.product(DIRECTIONS, POOLINGS, SCORERS)]
)
def test_one_sentence_for_many_photos_in_float32(direction, pooling, scorer):
    rng = np.random.default_rng(3)
    photos, words = [units(rng, count) for count in (7, 1, 5)], units(rng, 4)
    vectors, mask = padded(photos, rng)
    options = {"direction": direction, "pooling": pooling, "scorer": scorer}
    shares = word_shares(
        vectors.astype(np.float32),
        words[None].astype(np.float32),
        mask,
        np.ones((1, 4), bool),
        Scoring(**options),
    )
    assert shares.dtype == np.float32
    for row, regions in zip(shares, photos, strict=True):
        similarity = reference.pair_similarity(regions, words, **options)
        assert row.sum() == pytest.approx(similarity, abs=1e-5)
        np.testing.assert_allclose(row, one_pair(regions, words, **options).share, atol=1e-5)


@pytest.mark.parametrize("pooling", ["lse", "mean", "max", "sum"])
def test_words_that_attend_have_the_papers_numbers(pooling):
    rng = np.random.default_rng(1)
    regions, words = units(rng, 6), units(rng, 4)
    parts = one_pair(regions, words, pooling=pooling, lambda_softmax=7.0, lambda_lse=5.0)
    relevance = reference.relevances(words, regions, lam=7.0)
    assert parts.relevance == pytest.approx(relevance, abs=1e-6)
    weights = reference.attention(words, regions, "clipped_l2norm", 7.0)
    assert parts.attention == pytest.approx(weights, abs=1e-6)
    powers = np.exp(5.0 * relevance)
    total = reference.pooled(relevance, pooling, 5.0)
    wanted = {
        "mean": relevance / 4,
        "sum": relevance,
        "max": np.where(relevance == relevance.max(), total, 0),
        "lse": powers / powers.sum() * total,
    }[pooling]
    assert parts.share == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_word_of_length_zero_adds_nothing_where_it_may_be_left_out(pooling, direction, scorer):
    rng = np.random.default_rng(4)
    options = {"direction": direction, "pooling": pooling, "scorer": scorer}
    if not Scoring(**options).skips_zeros:
        pytest.skip("words of length 0 count in this similarity")
    regions, words = units(rng, 5), units(rng, 4) * np.array([[0.6], [0], [0.3], [0.1]])
    with_zero, without = (
        one_pair(regions, words, **options),
        one_pair(regions, words[[0, 2, 3]], **options),
    )
    assert with_zero.share[1] == 0
    assert with_zero.share[[0, 2, 3]] == pytest.approx(without.share, abs=1e-9)
    similarity = reference.pair_similarity(regions, words, **options)
    assert with_zero.share.sum() == pytest.approx(similarity, abs=1e-7)


def test_weights_are_lengths():
    rng = np.random.default_rng(5)
    regions, words = units(rng, 6), units(rng, 2)
    weights = np.array([0.9, 0.1])
    parts = one_pair(regions, words * weights[:, None], pooling="weighted")
    assert parts.share == pytest.approx(parts.relevance * weights, abs=1e-9)
    attended = parts.attention @ regions
    cosines = (attended * words).sum(1) / np.linalg.norm(attended, axis=1)
    assert parts.relevance == pytest.approx(cosines, abs=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "lse"])
def test_regions_that_attend_hand_their_shares_on(pooling):
    rng = np.random.default_rng(2)
    regions, words = units(rng, 5), units(rng, 3)
    relevance = reference.relevances(regions, words, lam=4.0)
    weights = reference.attention(regions, words, "clipped_l2norm", 4.0)
    total = reference.pooled(relevance, pooling, 6.0)
    powers = np.exp(6.0 * relevance)
    region_share = relevance / 5 if pooling == "mean" else powers / powers.sum() * total
    parts = one_pair(regions, words, direction="i2t", pooling=pooling, lambda_softmax=4.0)
    for j in range(3):
        handed_on = [region_share[i] * weights[i, j] for i in range(5)]
        favour = np.array([max(part, 0) for part in handed_on])
        assert parts.share[j] == pytest.approx(sum(handed_on), abs=1e-6)
        assert parts.attention[j] == pytest.approx(favour / favour.sum(), abs=1e-6)
        assert parts.relevance[j] == pytest.approx(favour / favour.sum() @ relevance, abs=1e-6)


def test_sum_max_by_hand():
    regions = np.array([[1.0, 0.0], [0.6, 0.8]])
    words = np.array([[0.0, 1.0], [0.8, 0.6], [-1.0, 0.0]])  # cosines 0 .8, .8 .96, -1 -.6
    asks = one_pair(regions, words, scorer="sum_max")
    assert asks.share == pytest.approx([0.8, 0.96, -0.6])
    assert asks.attention.tolist() == [[0, 1]] * 3
    answers = one_pair(regions, words, scorer="sum_max", direction="i2t")
    assert answers.share == pytest.approx([0, 0.8 + 0.96, 0])
    assert answers.attention[1] == pytest.approx(np.array([0.8, 0.96]) / 1.76)
    assert not answers.attention[0].any()  # no region chose it


def test_pooled_by_hand():
    regions = np.array([[1.0, 0.0], [0.0, 1.0]])
    words = np.array([[1.0, 0.0], [-1.0, 0.0], [0.6, 0.8]])
    parts = one_pair(regions, words, scorer="pooled")
    mean = words.mean(0) / np.linalg.norm(words.mean(0))
    assert parts.share.sum() == pytest.approx(float(mean @ [0.5**0.5, 0.5**0.5]), abs=1e-6)
    wanted = [0.5**0.5, -(0.5**0.5), 1.4 * 0.5**0.5]
    assert parts.relevance == pytest.approx(wanted, abs=1e-6)
    assert parts.attention[:2].tolist() == [[1, 0], [0.5, 0.5]]
    assert parts.attention[2] == pytest.approx([0.6 / 1.4, 0.8 / 1.4])


def test_a_word_that_nothing_speaks_for_shows_what_attends_to_it():
    regions, words = np.array([[1.0, 0.0], [0.8, 0.6]]), np.array([[-1.0, 0.0]])
    parts = one_pair(regions, words, direction="i2t", pooling="mean")
    assert parts.share[0] < 0
    assert parts.attention[0].tolist() == [0.5, 0.5]  # both regions have this word alone


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_order_of_regions_changes_nothing_else(direction):
    rng = np.random.default_rng(3)
    regions, words, order = units(rng, 6), units(rng, 4), rng.permutation(6)
    one = one_pair(regions, words, direction=direction)
    other = one_pair(regions[order], words, direction=direction)
    assert other.share == pytest.approx(one.share)
    assert other.attention == pytest.approx(one.attention[:, order])

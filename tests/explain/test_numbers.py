"""Shares sum to the similarity and follow the paper's maths, for every way of scoring."""

import itertools
import json

import numpy as np
import pytest
import reference

from regard.core.scoring import Scoring
from regard.errors import ShapeError
from regard.explain import explain
from regard.model.judgement import Calibration

DIRECTIONS, POOLINGS = ("t2i", "i2t"), ("lse", "mean", "max", "sum")
SCORERS = ("attention", "sum_max", "pooled")
SIZE = (60, 40)


def units(rng, count, dim=8):
    vectors = rng.normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def texts(count):
    return ["<start>", *(f"word{n}" for n in range(count - 2)), "<end>"][:count]


def boxes(count, rng):
    corner = rng.uniform(0, 20, (count, 2))
    return np.hstack([corner, corner + rng.uniform(5, 20, (count, 2))])


def taken_apart(regions, words, **scoring):
    where = boxes(len(regions), np.random.default_rng(0))
    return explain(regions, words, texts(len(words)), where, SIZE, Scoring(**scoring))


@pytest.mark.parametrize(
    ("direction", "pooling", "scorer"), [*itertools.product(DIRECTIONS, POOLINGS, SCORERS)]
)
@pytest.mark.parametrize("counts", [(7, 5), (1, 3), (6, 1), (36, 40)])
def test_shares_sum_to_the_reference_similarity(direction, pooling, scorer, counts):
    rng = np.random.default_rng(sum(counts))
    regions, words = (units(rng, count) for count in counts)
    ways = {"direction": direction, "pooling": pooling, "scorer": scorer}
    found = taken_apart(regions, words, **ways)
    assert found.similarity == pytest.approx(
        reference.pair_similarity(regions, words, **ways), abs=1e-6
    )
    assert sum(word.share for word in found.words) == pytest.approx(found.similarity, abs=1e-9)
    for word in found.words:
        assert (word.attention >= 0).all()
        unseen = scorer == "sum_max" and direction == "i2t" and not word.attention.any()
        assert word.attention.sum() == pytest.approx(0 if unseen else 1)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_words_that_attend_have_the_papers_numbers(pooling):
    rng = np.random.default_rng(1)
    regions, words = units(rng, 6), units(rng, 4)
    found = taken_apart(regions, words, pooling=pooling, lambda_softmax=7.0, lambda_lse=5.0)
    relevance = reference.relevances(words, regions, lam=7.0)
    assert [word.relevance for word in found.words] == pytest.approx(relevance, abs=1e-6)
    weights = reference.attention(words, regions, "clipped_l2norm", 7.0)
    assert np.stack([word.attention for word in found.words]) == pytest.approx(weights, abs=1e-6)
    powers = np.exp(5.0 * relevance)
    total = reference.pooled(relevance, pooling, 5.0)
    wanted = {
        "mean": relevance / 4,
        "sum": relevance,
        "max": np.where(relevance == relevance.max(), total, 0),
        "lse": powers / powers.sum() * total,
    }[pooling]
    assert [word.share for word in found.words] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "lse"])
def test_regions_that_attend_hand_their_shares_on(pooling):
    rng = np.random.default_rng(2)
    regions, words = units(rng, 5), units(rng, 3)
    relevance = reference.relevances(regions, words, lam=4.0)
    weights = reference.attention(regions, words, "clipped_l2norm", 4.0)
    total = reference.pooled(relevance, pooling, 6.0)
    powers = np.exp(6.0 * relevance)
    region_share = relevance / 5 if pooling == "mean" else powers / powers.sum() * total
    found = taken_apart(regions, words, direction="i2t", pooling=pooling, lambda_softmax=4.0)
    for j, word in enumerate(found.words):
        parts = [region_share[i] * weights[i, j] for i in range(5)]
        favour = np.array([max(part, 0) for part in parts])
        assert word.share == pytest.approx(sum(parts), abs=1e-6)
        assert word.attention == pytest.approx(favour / favour.sum(), abs=1e-6)
        assert word.relevance == pytest.approx(favour / favour.sum() @ relevance, abs=1e-6)


def test_sum_max_by_hand():
    regions = np.array([[1.0, 0.0], [0.6, 0.8]])
    words = np.array([[0.0, 1.0], [0.8, 0.6], [-1.0, 0.0]])  # cosines 0 .8, .8 .96, -1 -.6
    asks = taken_apart(regions, words, scorer="sum_max")
    assert [word.share for word in asks.words] == pytest.approx([0.8, 0.96, -0.6])
    assert [word.attention.tolist() for word in asks.words] == [[0, 1]] * 3
    answers = taken_apart(regions, words, scorer="sum_max", direction="i2t")
    assert [word.share for word in answers.words] == pytest.approx([0, 0.8 + 0.96, 0])
    assert answers.words[1].attention == pytest.approx(np.array([0.8, 0.96]) / 1.76)
    assert not answers.words[0].attention.any()  # no region chose it


def test_pooled_by_hand():
    regions = np.array([[1.0, 0.0], [0.0, 1.0]])
    words = np.array([[1.0, 0.0], [-1.0, 0.0], [0.6, 0.8]])
    found = taken_apart(regions, words, scorer="pooled")
    mean = words.mean(0) / np.linalg.norm(words.mean(0))
    assert found.similarity == pytest.approx(float(mean @ [0.5**0.5, 0.5**0.5]), abs=1e-6)
    assert [word.relevance for word in found.words] == pytest.approx(
        [0.5**0.5, -(0.5**0.5), 1.4 * 0.5**0.5], abs=1e-6
    )
    assert [word.attention.tolist() for word in found.words[:2]] == [[1, 0], [0.5, 0.5]]
    assert found.words[2].attention == pytest.approx([0.6 / 1.4, 0.8 / 1.4])


def test_a_word_that_nothing_speaks_for_shows_what_attends_to_it():
    regions, words = np.array([[1.0, 0.0], [0.8, 0.6]]), np.array([[-1.0, 0.0]])
    found = taken_apart(regions, words, direction="i2t", pooling="mean")
    assert found.words[0].share < 0
    assert found.words[0].attention.tolist() == [0.5, 0.5]  # both regions have this word alone


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_order_of_regions_changes_nothing_else(direction):
    rng = np.random.default_rng(3)
    regions, words, order = units(rng, 6), units(rng, 4), rng.permutation(6)
    one = taken_apart(regions, words, direction=direction)
    other = taken_apart(regions[order], words, direction=direction)
    for a, b in zip(one.words, other.words, strict=True):
        assert b.share == pytest.approx(a.share)
        assert b.attention == pytest.approx(a.attention[order])
        assert b.cosines == pytest.approx(a.cosines[order])


def test_strength_weighs_regions_and_words():
    rng = np.random.default_rng(4)
    found = taken_apart(units(rng, 5), units(rng, 6))
    assert [word.word for word in found.sentence_words] == ["word0", "word1", "word2", "word3"]
    shares = np.array([word.share for word in found.sentence_words])
    assert found.importance == pytest.approx(np.maximum(shares, 0) / shares.max())
    assert found.sentence_ends_share == pytest.approx(found.similarity - shares.sum())
    assert found.strength.max() == 1
    strongest = found.sentence_words[int(shares.argmax())].attention
    assert found.strength[shares.argmax()] == pytest.approx(strongest / strongest.max())
    assert found.strength.max(1) == pytest.approx(found.importance)


def test_json_form_is_what_others_build_on():
    regions, words = np.eye(3)[:2], np.eye(3)
    where = np.array([[0, 0, 10, 20.123], [5, 5, 60, 40]])
    found = explain(regions, words, ["<start>", "dog", "<end>"], where, SIZE, Scoring())
    tree = json.loads(json.dumps(found.to_tree()))
    assert list(tree) == ["similarity", "words", "unsupported"]
    keys = ["word", "relevance", "share", "support", "regions"]
    assert [list(word) for word in tree["words"]] == [keys] * 3
    assert tree["words"][1]["word"] == "dog"
    attention = found.words[1].attention
    assert tree["words"][1]["regions"] == [
        [0, 0, 10, 20.12, pytest.approx(attention[0], abs=1e-6)],
        [5, 5, 60, 40, pytest.approx(attention[1], abs=1e-6)],
    ]
    assert sum(word["share"] for word in tree["words"]) == pytest.approx(tree["similarity"])


def test_support_of_words_that_name_something():
    curve = Calibration(10.0, -5.0)
    regions = np.array([[1.0, 0.0], [0.0, 1.0]])
    words = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0], [0.0, -1.0]])
    names = ["<start>", "dog", "cat", "the"]
    boxes = np.zeros((0, 4))
    found = explain(regions, words, names, boxes, SIZE, Scoring(), word_curve=curve)
    wanted = [None, 1 / (1 + np.exp(5 - 8)), 1 / (1 + np.exp(5)), None]
    assert [word.support for word in found.words] == [w and pytest.approx(w) for w in wanted]
    assert found.unsupported == ["cat"]  # its largest cosine is 0
    without = explain(regions, words, names, boxes, SIZE, Scoring())
    assert without.unsupported == []


def test_unknown_boxes_leave_the_numbers():
    found = explain(np.eye(2), np.eye(2), ["a", "b"], np.zeros((0, 4)), (0, 0), Scoring())
    assert [word["regions"] for word in found.to_tree()["words"]] == [[], []]


@pytest.mark.parametrize(
    ("regions", "words", "names", "where", "told"),
    [
        (0, 2, 2, 0, "0 regions"),
        (2, 0, 0, 2, "0 words"),
        (2, 2, 3, 2, "3 word texts for 2 word vectors"),
        (2, 2, 2, 1, "1 boxes for 2 regions"),
    ],
)
def test_what_does_not_fit_is_refused(regions, words, names, where, told):
    with pytest.raises(ShapeError, match=told):
        explain(
            np.ones((regions, 4)), np.ones((words, 4)), texts(names), np.ones((where, 4)), SIZE,
            Scoring(),
        )  # fmt: skip

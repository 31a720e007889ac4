"""What joins regions, words, curves, discounts and the pointer to one explanation."""

import itertools

import numpy as np
import pytest
import reference

from regard.core.scoring import Scoring
from regard.errors import ShapeError
from regard.model.encoded import EncodedCaption
from regard.model.explaining import explain
from regard.model.pointer import SHAPES, Pointer
from regard.store.region_store import Regions

SIZE = (60, 40)
NAMES = ("<start>", "dog", "cat", "the", "<end>")


def units(rng, count, dim=8):
    vectors = rng.normal(size=(count, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def photo(vectors, boxes=None):
    vectors = np.asarray(vectors)
    boxes = np.zeros((0, 4)) if boxes is None else np.asarray(boxes)
    return Regions(vectors, boxes, np.ones(len(vectors)), *SIZE)


@pytest.mark.parametrize(
    ("direction", "pooling", "scorer"),
    [
        *itertools.product(
            ["t2i", "i2t"],
            ["lse", "mean", "max", "sum"],
            ["attention", "sum_max", "hard", "pooled"],
        )
    ],
)
def test_an_explanation_is_the_similarity_less_its_discount(direction, pooling, scorer):
    rng = np.random.default_rng(0)
    regions, words = units(rng, 7), units(rng, 5)
    ways = {"direction": direction, "pooling": pooling, "scorer": scorer}
    explanation = explain(
        photo(regions), EncodedCaption(NAMES, words), Scoring(**ways), discount=0.2
    )
    wanted = reference.pair_similarity(regions, words, **ways) - 0.2
    assert explanation.similarity == pytest.approx(wanted, abs=1e-6)
    shares = [word.share for word in explanation.words]
    assert sum(shares) == pytest.approx(explanation.similarity, abs=1e-9)
    raw = explain(photo(regions), EncodedCaption(NAMES, words), Scoring(**ways))
    assert shares == pytest.approx([word.share - 0.2 / 5 for word in raw.words])
    for word, vector in zip(explanation.words, words, strict=True):
        np.testing.assert_allclose(word.cosines, regions @ vector, atol=1e-12)


def test_a_discount_is_taken_off_words_by_their_weights():
    rng = np.random.default_rng(1)
    weights = np.array([0.3, 0.5, 0.2, 0.0, 0.0])
    caption = EncodedCaption(NAMES, units(rng, 5) * weights[:, None])
    regions, scoring = photo(units(rng, 7)), Scoring(pooling="weighted")
    raw = [word.share for word in explain(regions, caption, scoring).words]
    lowered = explain(regions, caption, scoring, discount=0.2)
    shares = [word.share for word in lowered.words]
    np.testing.assert_allclose(shares, raw - 0.2 * weights, atol=1e-9)
    assert sum(shares) == pytest.approx(lowered.similarity, abs=1e-9)
    assert shares[3:] == [0, 0]


def test_support_is_said_of_the_words_it_is_given_for():
    regions = photo([[1.0, 0.0], [0.0, 1.0]])
    caption = EncodedCaption(NAMES, np.eye(5, 2) + 0.1)
    supports = [None, 0.95, 0.01, None, None]
    explanation = explain(regions, caption, Scoring(), supports=supports)
    assert [word.support for word in explanation.words] == supports
    assert explanation.unsupported == ["cat"]
    assert explain(regions, caption, Scoring()).unsupported == []


def test_words_that_name_something_point_where_boxes_are_known():
    rng = np.random.default_rng(2)
    pointer = Pointer(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)), np.ones(SHAPES))
    vectors, boxes = units(rng, 2), [[0, 0, 10, 20], [5, 5, 60, 40]]
    caption = EncodedCaption(NAMES, units(rng, 5))
    explanation = explain(photo(vectors, boxes), caption, Scoring(), pointer=pointer)
    assert [word.pointing is not None for word in explanation.words] == [False, True, True] + [
        False
    ] * 2
    scores = pointer.scores(caption.vectors, vectors, np.asarray(boxes), SIZE)
    np.testing.assert_allclose(explanation.words[1].pointing, scores[1], rtol=1e-5)
    nowhere = explain(photo(vectors), caption, Scoring(), pointer=pointer)
    assert all(word.pointing is None for word in nowhere.words)


@pytest.mark.parametrize(
    ("regions", "words", "names", "boxes", "message"),
    [
        (0, 2, 2, 0, "0 regions"),
        (2, 0, 0, 2, "0 words"),
        (2, 2, 3, 2, "3 words for 2 word vectors"),
        (2, 2, 2, 1, "1 boxes for 2 regions"),
    ],
)
def test_what_does_not_fit_is_refused(regions, words, names, boxes, message):
    caption = EncodedCaption(NAMES[:names], np.ones((words, 4)))
    with pytest.raises(ShapeError, match=message):
        explain(photo(np.ones((regions, 4)), np.ones((boxes, 4))), caption, Scoring())

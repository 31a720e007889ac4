"""Somebody else's vectors are scored and explained exactly as a model's own."""

import numpy as np
import pytest
from tests.evaluation.test_faithfulness import NOUNS, Photos
from tests.model.test_model import model as small_model

import regard
from regard.core.scoring import Scoring
from regard.errors import ShapeError
from regard.evaluation.faithfulness import judge_explanations
from regard.model.encoded import EncodedImages
from regard.model.vectors import VectorModel
from regard.store.shards import Regions
from regard.words.tokens import tokenize

RANDOM = np.random.default_rng(0)
PROJECTION = RANDOM.normal(size=(6, 4)).astype(np.float32)


def named(sentence):
    """A vector for each noun, the same small one for what names nothing."""
    words = tokenize(sentence)
    vectors = np.full((len(words), 6), 1e-3)
    for row, word in enumerate(words):
        if word in NOUNS:
            vectors[row, NOUNS.index(word)] = 1
    return words, vectors


def shaped(sentence):
    words, vectors = named(sentence)
    return words, vectors @ PROJECTION


@pytest.mark.parametrize("pooling", ["lse", "mean", "weighted"])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_shares_sum_to_the_similarity_that_ranks(direction, pooling):
    scoring = Scoring(direction=direction, pooling=pooling)
    ours = VectorModel(lambda features: features @ PROJECTION, shaped, scoring)
    features = RANDOM.random((2, 5, 6))
    vectors = ours.encode_features(features, [5, 3])
    assert vectors.shape == (2, 5, 4)
    assert not vectors[1, 3:].any()
    images = EncodedImages(vectors, np.array([5, 3]), (), ())
    similarities = ours.similarity(images, ours.encode_captions(["a dog", "the horse runs"]))
    why = ours.explain_features(features[1, :3], "the horse runs", np.zeros((3, 4)), (8, 6))
    assert why.similarity == pytest.approx(similarities[1, 1], abs=1e-6)
    assert sum(word.share for word in why.words) == pytest.approx(why.similarity, abs=1e-6)
    assert (why.boxes.shape, why.size) == ((3, 4), (8, 6))


def test_a_model_s_own_vectors_give_its_own_explanation():
    model = small_model()
    features = RANDOM.random((4, model.config.feature_dim)).astype(np.float32)

    def words(sentence):
        caption = model.encode_captions([sentence]).caption(0)
        return caption.words, caption.vectors

    ours = VectorModel(
        lambda rows: model.encode_features(rows[None], np.array([len(rows)]))[0],
        words,
        model.scoring,
    )
    vectors = model.encode_features(features[None], np.array([4]))[0]
    photo = Regions(vectors, np.empty((0, 4), np.float32), np.ones(4, np.float32), 0, 0)
    own = model.explain(photo, model.encode_captions(["a dog"]).caption(0))
    told = ours.explain_features(features, "a dog")
    assert told.similarity == pytest.approx(own.similarity, abs=1e-6)
    for mine, theirs in zip(told.words, own.words, strict=True):
        assert mine.share == pytest.approx(theirs.share, abs=1e-6)
        assert np.allclose(mine.attention, theirs.attention, atol=1e-6)


def test_what_it_looks_at_is_what_matters():
    ours = VectorModel(lambda features: features, named, Scoring(pooling="mean"))
    tree = judge_explanations(ours, Photos(), 6)
    assert tree["max_share_error"] < 1e-6
    assert tree["deletion"]["0.1"]["wins"] == tree["insertion"]["0.1"]["wins"] == 100
    assert tree["exchanged"]["told"] is None  # it never tells


@pytest.mark.parametrize("given", [np.ones((2, 6)), np.ones(6), np.ones((0, 6))])
def test_a_function_that_forgets_a_vector_is_named(given):
    with pytest.raises(
        ShapeError, match=r"a row for each\. Correct the function that gives regions"
    ):
        VectorModel(lambda _: given, named).encode_features(np.ones((1, 3, 6)), [3])
    with pytest.raises(ShapeError, match="Correct the function that gives words"):
        regard.VectorModel(lambda f: f, lambda _: (["a"] * 3, given)).encode_captions("a b c")

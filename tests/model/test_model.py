"""The model as people use it gives what the network and the reference give."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.small import random_checkpoint
from threadpoolctl import threadpool_info, threadpool_limits

from regard.core.attention import similarity
from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.errors import CheckpointError, ConfigError, DataError, ShapeError
from regard.kernels.workers import set_threads, thread_count
from regard.model.background import Background
from regard.model.encoded import EncodedCaption, EncodedImages
from regard.model.judgement import Judgement
from regard.model.model import Model, load
from regard.photos.decode import read_photo
from regard.photos.samples import FOLDER
from regard.store.shards import Regions
from regard.words.vocabulary import Vocabulary

SENTENCES = ["a dog", "two red birds sit on a wire .", "a dog"]


POOLING = {"t2i": "weighted", "i2t": "mean"}


def unit_rows(count, dim):
    rows = np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def states_of(captions):
    """A state a word that depends on its letters alone."""
    longest = max(map(len, captions)) + 2
    out = np.zeros((len(captions), longest, 4), np.float32)
    for row, words in enumerate(captions):
        for place, word in enumerate(words, 1):
            out[row, place] = np.sin(np.arange(1, 5) * sum(map(ord, word)))
    return out


def model(encoding="gru", sizes=(), **scoring):
    vocabulary = Vocabulary.build(SENTENCES, 1)
    config = ModelConfig(
        feature_dim=6,
        embed_dim=8,
        word_dim=5,
        state_dim=4,
        word_hidden=6,
        word_encoding=encoding,
        scoring=Scoring(**scoring),
        **dict(sizes),
    )
    return Model(random_checkpoint(config, vocabulary, "elsewhere"), states=states_of)


@pytest.mark.parametrize("encoding", ["gru", "states"])
def test_captions_are_embedded_in_their_order_whatever_their_length(encoding):
    matcher = model(encoding)
    encoded = matcher.encode_captions(SENTENCES)
    assert encoded.lengths.tolist() == [4, 10, 4]
    assert encoded.words[0] == ("<start>", "a", "dog", "<end>")
    np.testing.assert_array_equal(encoded.vectors[0], encoded.vectors[2])
    alone = matcher.encode_captions(SENTENCES[1])
    np.testing.assert_allclose(encoded.vectors[1], alone.vectors[0], atol=1e-6)
    assert (encoded.vectors[0, 4:] == 0).all()


WEIGHS = {"word_weights": True, "whole_weight": 0.25}


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_the_whole_sentence_and_words_that_name_something_make_up_a_similarity(direction):
    matcher = model("states", WEIGHS, direction=direction, pooling=POOLING[direction])
    caption = matcher.encode_captions("the dog sits on a wire .").caption(0)
    counted = [word for word, vector in zip(*caption, strict=True) if vector.any()]
    assert counted == ["<sentence>", "dog", "sits", "wire"]
    photo = Regions(unit_rows(5, 8), np.zeros((0, 4)), np.ones(5), 0, 0)
    explanation = matcher.explain(photo, caption)
    shares = {word.word: word.share for word in explanation.words}
    assert {word for word, share in shares.items() if abs(share) > 1e-7} == set(counted)
    assert sum(shares.values()) == pytest.approx(explanation.similarity, abs=1e-6)


def test_the_whole_sentence_has_the_weight_it_is_given():
    matcher = model("states", WEIGHS, pooling="weighted")
    vectors = matcher.encode_captions("the dog sits on a wire .").caption(0).vectors
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[0] / lengths.sum() == pytest.approx(0.25, abs=1e-6)
    assert np.linalg.norm(vectors.sum(0)) == pytest.approx(1, abs=1e-6)


def test_what_only_says_that_a_photo_is_meant_changes_nothing():
    matcher = model("states", WEIGHS)
    whole, rest = (
        matcher.encode_captions(text).caption(0) for text in ("a photo of the dog .", "the dog .")
    )
    counted = [word for word, vector in zip(*whole, strict=True) if vector.any()]
    assert counted == ["<sentence>", "dog"]
    np.testing.assert_allclose(whole.vectors.sum(0), rest.vectors.sum(0), atol=1e-6)


def test_a_few_sentences_are_embedded_on_one_thread():
    """A second thread spins for longer than their products take."""
    seen = []

    def states(captions):
        blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        own = [pool["num_threads"] for pool in blas if "numpy" in pool["filepath"]]
        seen.append(set(own))  # a library that another package brought is none of numpy's
        return states_of(captions)

    matcher = Model(model("states").checkpoint, states=states)
    with threadpool_limits(2, "blas"):
        matcher.encode_captions(["a dog"])
        matcher.encode_captions(["a dog"] * 17)
    assert seen == [{1}, {2}]


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_similarity_is_the_reference_s(direction):
    matcher = model(direction=direction)
    counts = np.array([4, 2])
    features = np.random.default_rng(0).random((2, 4, 6), np.float32)
    vectors = matcher.encode_features(features, counts)
    assert (vectors[1, 2:] == 0).all()
    captions = matcher.encode_captions(SENTENCES)
    boxes = tuple(np.zeros((n, 4), np.float32) for n in counts)
    similarities = matcher.similarity(
        EncodedImages(vectors, counts, boxes, ((0, 0), (0, 0))), captions
    )
    region_mask = np.arange(4)[None] < counts[:, None]
    word_mask = np.arange(10)[None] < captions.lengths[:, None]
    expected = similarity(vectors, captions.vectors, region_mask, word_mask, matcher.scoring)
    np.testing.assert_allclose(similarities, expected, atol=1e-5)


def test_unknown_words_differ_with_states_and_not_without():
    for encoding, same in (("gru", True), ("states", False)):
        vectors = model(encoding).encode_captions(["a zebra", "a walrus"]).vectors
        assert np.allclose(vectors[0], vectors[1]) == same


def test_photos_of_a_model_with_unknown_features_cannot_be_read():
    with pytest.raises(CheckpointError, match="trained on features of 'elsewhere'"):
        _ = model().extractor


def test_nothing_to_encode_is_an_error():
    with pytest.raises(DataError, match="sentences are empty"):
        model().encode_captions([])
    with pytest.raises(DataError, match="photos are empty"):
        model().encode_images([])


def test_one_photo_is_taken_as_well_as_several(tmp_path):
    matcher = load("flickr8k")
    path = tmp_path / "p.png"
    image = Image.new("RGB", (64, 48), (200, 30, 30))
    image.save(path)
    photo = read_photo(path, matcher.extractor.short_side)
    expected = matcher.encode_images([path]).vectors
    assert len(expected) == 1
    for one in (str(path), path, image, photo, matcher.extractor(photo)):
        np.testing.assert_array_equal(matcher.encode_images(one).vectors, expected)


@pytest.mark.parametrize("photos", [np.zeros((9, 9, 3), np.uint8), [np.zeros(3)], b"p.jpg", [None]])
def test_what_is_no_photo_is_refused(photos):
    with pytest.raises(DataError, match=r"photo is of type (ndarray|bytes|NoneType); it must be"):
        model().encode_images(photos)


@pytest.mark.parametrize("shape", [(2, 3, 7), (3, 6)])
def test_features_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match=r"it must be \(photos, regions, 6\)"):
        model().encode_features(np.zeros(shape, np.float32), np.array([3, 3]))


def test_probability_is_there_where_a_curve_was_fitted():
    plain = model()
    asked = [EncodedCaption(("<start>", "dog", "<end>"), np.ones((3, 8), np.float32))]
    photos = plain.embed([regions_of(plain, 3)]) * 3
    assert plain.judge([0.5], photos[:1], asked, "photos", 1) == [Judgement(None, None)]
    plain.info["calibration"] = {"slope": 10.0, "intercept": -5.0}
    judgements = plain.judge([-1e3, 0.5, 1e3], photos, asked, "photos", 1)
    np.testing.assert_allclose([one.probability for one in judgements], [0, 0.5, 1])
    assert {one.match_probability for one in judgements} == {None}


def test_identity_changes_with_the_weights():
    one, other = model(), model()
    assert one.identity == other.identity
    bias = other.weights["regions.linear.bias"] + 1e-3
    other = Model(replace(other.checkpoint, weights={**other.weights, "regions.linear.bias": bias}))
    assert one.identity != other.identity


def test_a_shipped_model_judges_pairs_and_answers():
    shipped = load("flickr8k")
    asked = [shipped.encode_captions(["a dog"]).caption(0)]
    photos = shipped.embed([regions_of(shipped, 36)]) * 2
    low, high = shipped.judge([0.0, 0.5], photos, asked, "photos", 20)
    assert 0 <= low.probability < high.probability <= 1
    assert 0 <= low.match_probability < high.match_probability <= 1
    (many,) = shipped.judge([0.5], photos[:1], asked, "photos", 2000)
    assert many.match_probability < high.match_probability


def test_a_photo_is_judged_by_what_is_asked_for_however_it_is_put():
    shipped = load("flickr8k")
    captions = shipped.encode_captions(["a photo of a dog", "dog", "grass"])
    asked, gist, other = (captions.caption(row) for row in range(3))
    images = shipped.encode_images([FOLDER / "grass.jpg", FOLDER / "coffee.jpg"])
    photos = [images.photo(row) for row in range(2)]
    similarities = shipped.similarity(images, captions)
    found = shipped.judge(similarities[:, 0].tolist(), photos, [asked], "photos", 2, gist)
    plain = shipped.judge(similarities[:, 1].tolist(), photos, [gist], "photos", 2)
    for one, same in zip(found, plain, strict=True):
        assert one.match_probability == pytest.approx(same.match_probability, abs=1e-4)
    lawn = shipped.judge(similarities[:, 2].tolist(), photos, [other], "photos", 2)
    assert lawn[0].match_probability > found[0].match_probability


def test_agreement_takes_off_as_much_of_what_ranks_as_was_chosen():
    shipped = load("flickr8k")
    images, captions = shipped.encode_images([FOLDER / "grass.jpg"]), ["a dog", "green grass"]
    plain = shipped.similarity(images, captions, background=False)
    ranking = shipped.similarity(images, captions)
    regions, sentence = images.photo(0), shipped.encode_captions(captions).caption(1)
    for lowered in (0.0, 0.25, 1.0):
        shipped.info = {**shipped.info, "agreement": {"lowered": lowered}}
        wanted = plain + lowered * (ranking - plain)
        np.testing.assert_allclose(shipped.agreement(images, captions), wanted, atol=1e-6)
        (found,) = shipped.agreements([ranking[0, 1]], [regions], [sentence])
        assert found == pytest.approx(wanted[0, 1], abs=1e-5)
        explained = shipped.explain_photo(FOLDER / "grass.jpg", captions[1])
        assert explained.similarity == pytest.approx(wanted[0, 1], abs=1e-5)
        (judged,) = shipped.judge([ranking[0, 1]], [regions], [sentence], "photos", 1)
        curve = shipped.curves.pair
        assert judged.probability == pytest.approx(curve.probability(wanted[0, 1]), abs=1e-4)


def regions_of(matcher, count):
    features = np.random.default_rng(count).random((count, matcher.config.feature_dim), np.float32)
    return Regions(features, np.zeros((count, 4), np.float32), np.ones(count, np.float32), 9, 9)


def test_photos_and_sentences_are_scored_as_they_are():
    matcher = model()
    photos = [regions_of(matcher, count) for count in (3, 1, 4)]
    expected = matcher.similarity(matcher.encode_images(photos), matcher.encode_captions(SENTENCES))
    np.testing.assert_array_equal(matcher.similarity(photos, SENTENCES), expected)
    np.testing.assert_array_equal(matcher.similarity(iter(photos), iter(SENTENCES)), expected)
    one = matcher.similarity(photos[0], SENTENCES[1])
    np.testing.assert_allclose(one, expected[:1, 1:2], atol=1e-6)


def test_what_a_background_takes_off_is_a_choice_of_the_call():
    matcher = model()
    photos, captions = [regions_of(matcher, 3)], matcher.encode_captions(SENTENCES)
    plain = matcher.similarity(photos, captions)
    sides = np.random.default_rng(0).normal(size=(2, 9, matcher.dim)).astype(np.float32)
    matcher.background = Background.of(*sides)
    assert abs(matcher.similarity(photos, captions) - plain).max() > 1e-3
    np.testing.assert_array_equal(matcher.similarity(photos, captions, background=False), plain)


@pytest.mark.parametrize("encoding", ["gru", "states"])
def test_batches_change_nothing_and_progress_is_told(encoding):
    matcher = model(encoding)
    photos = [regions_of(matcher, count) for count in (3, 1, 4, 2, 2)]
    done = []
    encoded = matcher.encode_images(photos, batch_size=2, progress=lambda *step: done.append(step))
    assert done == [(2, 5), (4, 5), (5, 5)]
    np.testing.assert_allclose(encoded.vectors, matcher.encode_images(photos).vectors, atol=1e-6)
    done.clear()
    encoded = matcher.encode_captions(
        SENTENCES, batch_size=2, progress=lambda *step: done.append(step)
    )
    assert done == [(2, 3), (3, 3)]
    np.testing.assert_allclose(
        encoded.vectors, matcher.encode_captions(SENTENCES).vectors, atol=1e-6
    )


def test_what_is_printed_tells_what_it_is():
    matcher = model()
    kind = "t2i attention, lse pooling, 6 to 8 numbers, 13 words"
    assert repr(matcher) == f"Model(''; {kind})"
    assert repr(matcher.checkpoint) == f"Checkpoint({kind})"
    images = matcher.encode_images([regions_of(matcher, 3)])
    assert repr(images) == "EncodedImages(1 photo, at most 3 vectors of 8 numbers each)"
    captions = matcher.encode_captions(SENTENCES)
    assert repr(captions) == "EncodedCaptions(3 sentences, at most 10 vectors of 8 numbers each)"


def test_threads_are_those_of_the_process():
    load("flickr8k", threads=1)
    try:
        assert thread_count(None) == 1
    finally:
        set_threads(1)  # as all tests
    with pytest.raises(ConfigError, match="threads is 0; it must be at least 1"):
        load("flickr8k", threads=0)

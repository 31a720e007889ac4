"""The form that says where words point: by hand, on disk, and in explanations."""

import numpy as np
import pytest
from small import save_model

from regard.errors import CheckpointError
from regard.model.model import load
from regard.model.pointer import FILE, SHAPES, Pointer, describe
from regard.regions.extractor import Regions

BOXES = np.array([[0, 0, 100, 50], [50, 0, 100, 25]], np.float32)
SIZE = (100, 50)


def random_pointer(dim, rank=3, seed=0):
    random = np.random.default_rng(seed)
    rows = (random.normal(size=shape).astype(np.float32) for shape in ((dim, rank), (dim, rank)))
    return Pointer(*rows, random.normal(size=SHAPES).astype(np.float32))


def test_a_box_by_hand():
    half = np.log(0.5)
    assert describe(BOXES, SIZE) == pytest.approx(
        np.array([[0] * 8, [half, half, 0.25, -0.25, half**2, half**2, 0.0625, 0.0625]])
    )


def test_scores_by_hand():
    pointer, random = random_pointer(4), np.random.default_rng(1)
    words, regions = random.normal(size=(3, 4)), random.normal(size=(2, 4))
    scores = pointer.scores(words, regions, BOXES, SIZE)
    for w, word in enumerate(words):
        for r, region in enumerate(regions):
            form = word @ pointer.words @ pointer.regions.T @ region
            assert scores[w, r] == pytest.approx(
                form + describe(BOXES[r], SIZE) @ pointer.shape, rel=1e-5
            )


def test_scores_of_a_phrase_are_the_mean_of_its_words():
    pointer, words = random_pointer(4), np.random.default_rng(1).normal(size=(3, 4))
    regions = np.random.default_rng(2).normal(size=(2, 4))
    mean = pointer.scores(words.mean(0, keepdims=True), regions, BOXES, SIZE)
    assert pointer.scores(words, regions, BOXES, SIZE).mean(0) == pytest.approx(mean[0])


def test_a_models_pointer_is_in_its_folder_and_in_its_explanations(tmp_path):
    folder = save_model(tmp_path / "model")
    plain = load(folder)
    assert plain.pointer is None
    pointer = random_pointer(plain.dim)
    pointer.save(folder)
    matcher = load(folder)
    for ours, theirs in zip(matcher.pointer, pointer, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=np.abs(theirs).max() / 250)  # int8
    width = plain.config.feature_dim
    features = np.random.default_rng(3).random((2, width), np.float32)
    regions = Regions(features, BOXES, np.ones(2, np.float32), *SIZE)
    before, after = (m.explain_photo(regions, "a red dog") for m in (plain, matcher))
    assert before.similarity == after.similarity
    assert all(word.pointing is None for word in before.words)
    words, vectors = (
        matcher.encode_captions(["a red dog"]),
        matcher.encode_images([regions]).vectors[0],
    )
    wanted = matcher.pointer.scores(words.vectors[0], vectors, BOXES, SIZE)
    for word, scores in zip(after.words, wanted, strict=True):
        if word.word in ("red", "dog"):
            np.testing.assert_allclose(word.pointing, scores, rtol=1e-5)
        else:  # <start>, a and <end> name nothing
            assert word.pointing is None
    matcher.save_pretrained(tmp_path / "again")
    assert load(tmp_path / "again").pointer is not None


def test_a_damaged_file_is_told(tmp_path):
    folder = save_model(tmp_path / "model")
    (folder / FILE).write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="must be a model's pointer"):
        load(folder)

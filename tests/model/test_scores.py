"""Encodings and scores of torch on a device are the processor's, tile by tile."""

import numpy as np
import pytest
from tests.model.test_model import SENTENCES, model, regions_of

pytest.importorskip("torch")


@pytest.fixture
def far(monkeypatch):
    """Devices of this machine's memory are taken for others; gives what is scored there."""
    seen = []
    monkeypatch.setattr(
        "regard.kernels.checks.as_array", lambda values: seen.append(values) or values
    )
    return seen


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize(("memory", "at_once"), [(None, 3), (8 * 4 * 8 * 4 * 2, 2), (100, 1)])
def test_scores_are_those_of_the_processor(far, direction, memory, at_once):
    matcher = model(direction=direction)
    photos = matcher.encode_images([regions_of(matcher, count) for count in (3, 1, 4)])
    captions = matcher.encode_captions(SENTENCES)
    expected = matcher.similarity(photos, captions)
    far.clear()
    matcher.device, matcher.memory = "cpu:0", memory
    similarities = matcher.similarity(photos, captions)
    assert type(far[0]).__name__ == "Tensor"
    assert len(far[0]) == at_once
    assert isinstance(similarities, np.ndarray)
    np.testing.assert_allclose(similarities, expected, atol=1e-5)


@pytest.mark.parametrize("encoding", ["gru", "last", "states"])
def test_encodings_are_those_of_the_processor(encoding):
    matcher = model(encoding)
    features = np.random.default_rng(0).normal(size=(2, 3, 6)).astype(np.float16)
    photos = matcher.encode_features(features, np.array([3, 2]))
    captions = matcher.encode_captions(SENTENCES)
    there = model(encoding)
    there.device = "cpu:0"
    np.testing.assert_allclose(there.encode_features(features, np.array([3, 2])), photos, atol=1e-6)
    found = there.encode_captions(SENTENCES)
    np.testing.assert_allclose(found.vectors, captions.vectors, atol=1e-6)
    assert found.words == captions.words

"""Similarities of real photos and captions are those of the readable networks, in torch.

Light run time keeps its weights in fewer bits and runs them otherwise. How the recording was made:
tests/golden/record_val.py.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

import regard
from regard.photos.decode import read_photo

RECORDING = Path(__file__).parents[1] / "golden/flickr8k_val.npz"
FLICKR8K = SHARED / "data/flickr8k"


@pytest.fixture(scope="module")
def recording():
    if not FLICKR8K.is_dir():
        pytest.skip(f"Flickr8k is not here ({FLICKR8K})")
    return np.load(RECORDING)


@pytest.fixture(scope="module")
def dataset():
    return json.loads((FLICKR8K / "dataset_flickr8k.json").read_text(encoding="utf-8"))["images"]


@pytest.fixture(scope="module")
def regions(recording, dataset):
    """Regions of the recorded photos; both models read the same."""
    extractor = regard.load().extractor
    file_of = {image["imgid"]: FLICKR8K / "images" / image["filename"] for image in dataset}
    paths = [file_of[imgid] for imgid in recording["imgid"]]
    return [extractor(read_photo(path, extractor.short_side)) for path in paths]


@pytest.fixture(scope="module")
def sentences(recording, dataset):
    text_of = {one["sentid"]: one["raw"] for image in dataset for one in image["sentences"]}
    return [text_of[sentid] for sentid in recording["sentid"]]


@pytest.mark.parametrize("name", ["flickr8k", "flickr8k-i2t"])
def test_similarities_are_those_recorded(name, recording, regions, sentences):
    model = regard.load(name, background=False)
    similarity = model.similarity(model.encode_images(regions), model.encode_captions(sentences))
    # The sentence encoder's table of pieces is in int8: a few pairs with rare words move further.
    assert (np.abs(similarity - recording[name]) < 2e-3).mean() > 0.99
    np.testing.assert_allclose(similarity, recording[name], atol=8e-3)
    for ours, theirs in ((similarity, recording[name]), (similarity.T, recording[name].T)):
        lists = [np.sort(np.argsort(-side, axis=1)[:, :10], axis=1) for side in (ours, theirs)]
        assert (lists[0] == lists[1]).all(axis=1).mean() >= 0.95

"""Similarities of real photos and captions are those recorded when the encoders ran on torch.

The recording knows no labels and no background, which the models were given since.

How the recording was made: tests/golden/record_val.py.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

import regard
from regard.model.checkpoint import load_checkpoint
from regard.model.model import Model
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


def plain(name):
    """A shipped model without its labels and without its background."""
    shipped = load_checkpoint(name, background=False)
    weights = {key: value for key, value in shipped.weights.items() if "labels" not in key}
    config = replace(shipped.config, labels=False)
    return Model(replace(shipped, config=config, weights=weights, labels=None), source=name)


@pytest.mark.parametrize("name", ["flickr8k", "flickr8k-i2t"])
def test_similarities_are_those_recorded(name, recording, regions, sentences):
    model = plain(name)
    similarity = model.similarity(model.encode_images(regions), model.encode_captions(sentences))
    # The sentence encoder's table of pieces is in int8: a few pairs with rare words move further.
    assert (np.abs(similarity - recording[name]) < 2e-3).mean() > 0.99
    np.testing.assert_allclose(similarity, recording[name], atol=8e-3)
    for ours, theirs in ((similarity, recording[name]), (similarity.T, recording[name].T)):
        lists = [np.sort(np.argsort(-side, axis=1)[:, :10], axis=1) for side in (ours, theirs)]
        assert (lists[0] == lists[1]).all(axis=1).mean() >= 0.95

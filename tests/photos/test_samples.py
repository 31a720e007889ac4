"""Sample photos: there, licensed, small, and what their sentences ask for."""

import re

import numpy as np
import pytest

import regard
from regard.photos.decode import read_photo
from regard.photos.samples import FOLDER, SENTENCES, copy_samples

PHOTOS = sorted(FOLDER.glob("*.jpg"))
FIRST = ("astronaut", "cat", "coffee", "camera", "rocket", "brick-wall")


def test_every_photo_has_its_licence():
    text = (FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\S+\.jpg) \|.*\| (public domain|CC0) \|", text, re.MULTILINE))
    assert sorted(rows) == [path.name for path in PHOTOS]


def test_they_are_photos_and_few_bytes():
    assert len(PHOTOS) >= 10
    assert sum(path.stat().st_size for path in PHOTOS) < 1_200_000
    for path in PHOTOS:
        assert min(read_photo(path).image.size) >= 300, path.name


def test_a_copy_leaves_what_is_there(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"mine")
    copies = copy_samples(tmp_path)
    assert [path.name for path in copies] == [path.name for path in PHOTOS]
    assert (tmp_path / "cat.jpg").read_bytes() == b"mine"
    assert (tmp_path / "coffee.jpg").read_bytes() == (FOLDER / "coffee.jpg").read_bytes()


@pytest.fixture(scope="module")
def ranked():
    model = regard.load()
    similarity = model.similarity(model.encode_images(PHOTOS), model.encode_captions(SENTENCES))
    return [PHOTOS[row].stem for row in np.argmax(similarity, 0)]


def test_each_sentence_finds_its_photo_first(ranked):
    assert tuple(ranked) == FIRST

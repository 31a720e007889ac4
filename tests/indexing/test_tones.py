"""Colours of whole photos in an index: measured with the photos, added to older indexes."""

import sqlite3

import pytest
from PIL import Image
from small import save_model

from regard.errors import ConfigError, PhotoError
from regard.indexing import add_photo, update, update_index
from regard.model.model import load
from regard.search import Filters, Index

PLAIN = {"sea": "#3070d0", "rose": "#d01818", "old": "#707070"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(save_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def index(tmp_path, model):
    """Three plain photos: blue, red and grey."""
    (tmp_path / "photos").mkdir()
    for name, colour in PLAIN.items():
        Image.new("RGB", (90, 60), colour).save(tmp_path / f"photos/{name}.png")
    update_index(tmp_path / "index", tmp_path / "photos", model, workers=1)
    return tmp_path / "index"


def named(index, model, tone):
    with Index.open(index, model) as opened:
        return sorted(record.path.stem for record in opened.photos(Filters(tone=tone)))


def forget(index, names):
    """As an older version left the index, or one that was interrupted."""
    with sqlite3.connect(index / "manifest.sqlite") as database:
        for name in names:
            database.execute(
                "DELETE FROM tones WHERE content = (SELECT content FROM files WHERE path LIKE ?)",
                [f"%{name}.png"],
            )


def test_photos_are_found_by_the_colour_of_the_whole(index, model):
    assert named(index, model, "blue") == ["sea"]
    assert named(index, model, "red") == ["rose"]
    assert named(index, model, "black and white") == ["old"]
    assert named(index, model, "green") == []
    with pytest.raises(ConfigError, match="tone is 'mauve'"):
        Filters(tone="mauve")


def test_an_older_index_is_read_without_and_gets_them_when_updated(index, model):
    with sqlite3.connect(index / "manifest.sqlite") as database:
        database.execute("DROP TABLE tones")
    with Index.open(index, model) as opened:
        assert not opened.has_tones()
        assert opened.search("a dog", 3).hits
    assert named(index, model, "blue") == []
    seen = []
    update_index(
        index, index.parent / "photos", model, workers=1, progress=lambda *told: seen.append(told)
    )
    assert seen == [(3, 3)]
    assert named(index, model, "blue") == ["sea"]


def test_what_was_measured_is_not_measured_again(index, model, monkeypatch):
    forget(index, ["sea"])
    read = []
    monkeypatch.setattr(update, "read_photo", lambda path, _side: read.append(path.stem) or fail())
    add_photo(index, index.parent / "photos/old.png", model)
    assert read == []  # one photo is added without a look at all others
    update_index(index, index.parent / "photos", model, workers=1)
    assert read == ["sea"]  # which cannot be read, and costs nothing else
    monkeypatch.undo()
    update_index(index, index.parent / "photos", model, workers=1)
    assert named(index, model, "blue") == ["sea"]


def test_colours_of_photos_that_are_gone_are_forgotten(index, model):
    (index.parent / "photos/sea.png").unlink()
    update_index(index, index.parent / "photos", model, workers=1)
    with sqlite3.connect(index / "manifest.sqlite") as database:
        assert database.execute("SELECT COUNT(*) FROM tones").fetchone() == (2,)


def fail():
    raise PhotoError("broken")

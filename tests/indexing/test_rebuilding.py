"""An index is made anew beside the one that is searched, and takes its place at once."""

import os
from types import SimpleNamespace

import pytest
from small import draw, save_model

from regard.errors import BusyError
from regard.indexing import rebuilding, update_index
from regard.model.model import load
from regard.search import Index
from regard.store import takeover
from regard.store.manifest import lock
from regard.store.region_store import RegionStore


@pytest.fixture
def other(tmp_path):
    return load(save_model(tmp_path / "other", seed=5))


@pytest.fixture
def place(photos, model, tmp_path):
    """Of an index of the photos."""
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"


def interrupted(place, photos, model):
    """Make all of an index anew but the last step; gives its number of photos."""
    try:
        with rebuilding(place, model) as fresh:
            count = update_index(fresh, photos, model, workers=1).added
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return count


def order(index):
    return [hit.photo.id for hit in index.search("a dog", 100).hits]


def test_an_interrupted_one_goes_on_and_the_index_before_is_searched(place, photos, model, other):
    count = interrupted(place, photos, other)
    with Index.open(place, model) as before:
        found = order(before)
        draw(photos / "new.png", 77)
        with rebuilding(place, other) as fresh:
            report = update_index(fresh, photos, other, workers=1)
            assert order(before) == found
            with Index.open(place, model) as opened:
                assert order(opened) == found
        assert (report.unchanged, report.added) == (count, 1)
        assert order(before) == found
    with Index.open(place, other) as after:
        assert len(order(after)) == len(after) == count + 1
        assert after.folders() == [photos]
    assert not (place / "next").exists()
    assert len(list(place.glob("shard-*"))) == 2


def test_what_was_begun_for_another_model_or_has_taken_over_is_thrown_away(
    place, photos, model, other, monkeypatch
):
    assert interrupted(place, photos, model)
    monkeypatch.setattr(takeover, "shutil", SimpleNamespace(rmtree=lambda _: None))
    for compressed in (False, True, True):
        with rebuilding(place, other, compressed=compressed) as fresh:
            assert not fresh.exists()
            update_index(fresh, photos, other, compressed=compressed, workers=1)
        assert takeover.is_taken_over(place, place / "next")
        with RegionStore(place) as store:
            assert store.compressed == compressed
            assert store.check() == {}


def test_one_at_a_time_and_none_while_somebody_writes(place, model, other):
    with rebuilding(place, model), pytest.raises(BusyError), rebuilding(place, other):
        pass
    held = lock(place)
    with pytest.raises(BusyError), rebuilding(place, other):
        pass
    held.release()


def test_a_drive_without_links_gets_copies(place, photos, other, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    with rebuilding(place, other) as fresh:
        count = update_index(fresh, photos, other, workers=1).added
    with Index.open(place, other) as index:
        assert len(order(index)) == count
        assert index.is_latest()

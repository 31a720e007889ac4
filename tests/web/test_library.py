"""Records, folders, filters, and changes of the index that requests take up."""

import os
from datetime import date, datetime
from pathlib import Path

import pytest
from search.conftest import draw

from regard.indexing import update_index
from regard.search import Filters, Index
from regard.web.library import Library
from regard.web.problems import ProblemError


@pytest.fixture
def library(index):
    return Library(index)


def test_photos_are_told_without_paths(library, index, world):
    told = [library.describe(record).model_dump_json() for record in index.photos()]
    assert len(told) == 11
    assert not [text for text in told if str(world.photos) in text]


def test_newest_come_first_and_undated_last(library):
    taken = [record.taken for record in library.newest(Filters())]
    dated = [when for when in taken if when is not None]
    assert dated == sorted(dated, reverse=True)
    assert taken == dated + [None] * 4
    assert library.newest(Filters()) is library.newest(Filters())


def test_overview(library):
    found = library.overview()
    assert [(folder.name, folder.photos) for folder in found.folders] == [("", 7), ("trip [1]", 4)]
    assert found.first_taken == datetime(2020, 1, 1, 8)
    assert found.last_taken == datetime(2021, 5, 12, 10, 11, 12)


def test_folders_filter_though_they_look_like_patterns(library):
    filters = library.filters("trip [1]", None, None, None)
    assert {library.folder_of(r.path) for r in library.newest(filters)} == {"trip [1]"}
    with pytest.raises(ProblemError, match="one of those"):
        library.filters("../..", None, None, None)


def test_days_are_whole(library):
    filters = library.filters("", date(2020, 1, 2), date(2020, 1, 3), None)
    assert [record.taken.day for record in library.newest(filters)] == [3, 2]
    assert len(library.newest(library.filters("", date(2020, 1, 1), date.max, None))) == 7


def test_shapes(library):
    assert len(library.newest(library.filters("", None, None, "portrait"))) == 4


def test_unknown_photos_are_404(library):
    with pytest.raises(ProblemError) as error:
        library.record("0" * 16)
    assert error.value.status == 404


def test_two_folders_keep_their_names(fresh_world, tmp_path):
    draw(tmp_path / "more/deep/a.png", 50)
    update_index(fresh_world.index, tmp_path / "more", fresh_world.model, workers=1)
    with Index.open(fresh_world.index, fresh_world.model) as index:
        names = [folder.name for folder in Library(index).overview().folders]
    assert names == ["more/deep", "photos", "photos/trip [1]"]


def test_changes_are_taken_up(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        library = Library(index)
        assert not library.follow()
        gone = next(record for record in index.photos() if record.path.name == "0.png")
        assert library.record(gone.id) == gone
        draw(fresh_world.photos / "new.png", 77)
        Path(gone.path).unlink()
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        assert library.follow()
        assert not library.follow()
        names = {record.path.name for record in library.newest(Filters())}
        assert "new.png" in names
        assert "0.png" not in names
        with pytest.raises(ProblemError):
            library.record(gone.id)


def test_a_touched_manifest_is_looked_at(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        library = Library(index)
        os.utime(fresh_world.index / "manifest.sqlite", (1, 1))
        assert library.follow()

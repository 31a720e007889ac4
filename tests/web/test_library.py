"""Records, folders, filters, and changes of the index that requests take up."""

import os
import threading
from datetime import date, datetime
from pathlib import Path

import pytest
from search.conftest import draw

from regard.indexing import update_index
from regard.search import Filters, Index
from regard.search.catalog import Catalog
from regard.search.snapshot import Snapshot
from regard.web.library import Library, name_roots
from regard.web.problems import ProblemError


@pytest.fixture
def library(index):
    return Library(index)


def test_photos_are_told_without_paths(library, index, world):
    texts = [library.describe(record).model_dump_json() for record in index.photos()]
    assert len(texts) == 11
    assert not [text for text in texts if str(world.photos) in text]


def test_newest_come_first_and_undated_last(library):
    taken = [record.taken for record in library.newest(Filters())]
    dated = [when for when in taken if when is not None]
    assert dated == sorted(dated, reverse=True)
    assert taken == dated + [None] * 4
    assert library.newest(Filters()) is library.newest(Filters())


def test_overview(library):
    overview = library.overview()
    assert [(folder.name, folder.photos) for folder in overview.folders] == [
        ("", 7),
        ("trip [1]", 4),
    ]
    assert overview.first_taken == datetime(2020, 1, 1, 8)
    assert overview.last_taken == datetime(2021, 5, 12, 10, 11, 12)


def test_folders_filter_though_they_look_like_patterns(library):
    filters = library.filters("trip [1]", None, None, None)
    assert {library.folder_of(r.path) for r in library.newest(filters)} == {"trip [1]"}
    with pytest.raises(ProblemError, match="not a folder of the index"):
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


@pytest.mark.parametrize(
    ("roots", "names"),
    [
        (["/a/photos"], ["photos"]),
        (["/a/photos", "/b/more"], ["photos", "more"]),
        (["/a/photos", "/b/photos", "/c/more"], ["photos (a)", "photos (b)", "more"]),
        (["/a/x/photos", "/b/x/photos"], ["photos (a, x)", "photos (b, x)"]),
        (["/photos", "/b/photos"], ["photos (/)", "photos (b)"]),
        (["/a/t", "/b/t", "/c/t (a)"], ["t (a)", "t (b)", "t (a)*"]),
    ],
)
def test_indexed_folders_have_names_of_their_own(roots, names):
    assert list(name_roots([Path(root) for root in roots]).values()) == names


def test_folders_of_one_name_are_two_in_the_filter(fresh_world, tmp_path):
    draw(tmp_path / "2019/photos/a.png", 50)
    update_index(fresh_world.index, tmp_path / "2019/photos", fresh_world.model, workers=1)
    with Index.open(fresh_world.index, fresh_world.model) as index:
        library = Library(index)
        counts = {folder.name: folder.photos for folder in library.overview().folders}
        here = f"photos ({tmp_path.name})"
        assert counts == {"photos (2019)": 1, here: 7, f"{here}/trip [1]": 4}
        for name, photos in (("photos (2019)", 1), (here, 11)):
            filters = library.filters(name, None, None, None)
            assert len(library.newest(filters)) == photos


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


def test_what_was_committed_before_the_first_look_is_taken_up(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        draw(fresh_world.photos / "new.png", 77)
        update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
        library = Library(index)
        assert library.follow()
        assert len(index) == 12


ASKED = {
    "newest": lambda library: [record.path.name for record in library.newest(Filters())],
    "overview": lambda library: [folder.photos for folder in library.overview().folders],
    "roots": lambda library: list(library.roots()),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_read_while_the_index_changes_is_not_kept(fresh_world, tmp_path, what, monkeypatch):
    """A list begun before a change and done after it must not be served from then on."""
    reading, go_on = threading.Event(), threading.Event()
    answers = []
    with Index.open(fresh_world.index, fresh_world.model) as index:
        library = Library(index)

        def waiting(read):
            def wait(self, *args):
                value = read(self, *args)
                if not reading.is_set():
                    reading.set()
                    assert go_on.wait(60)
                return value

            return wait

        for kind, name in ((Catalog, "photos"), (Snapshot, "folders")):
            monkeypatch.setattr(kind, name, waiting(getattr(kind, name)))
        slow = threading.Thread(target=lambda: answers.append(ASKED[what](library)))
        slow.start()
        assert reading.wait(60)
        draw(tmp_path / "more/a.png", 50)
        update_index(fresh_world.index, tmp_path / "more", fresh_world.model, workers=1)
        assert library.follow()
        go_on.set()
        slow.join()
        after = ASKED[what](library)
        assert after != answers[0]
        assert after == ASKED[what](Library(index))


def test_a_touched_manifest_is_looked_at(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        library = Library(index)
        os.utime(fresh_world.index / "manifest.sqlite", (1, 1))
        assert library.follow()

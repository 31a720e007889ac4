"""An index follows its folder: only what is new or changed is read."""

import os
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from small import draw, save_model

from regard.errors import BusyError, DataError, StoreError
from regard.indexing import add_photo, update_index
from regard.indexing import update as update_module
from regard.model.model import load
from regard.search import Index
from regard.store.region_store import RegionStore


@pytest.fixture
def index(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def run(index, photos, model):
    """Bring the index up to date; gives the counts that are not zero, and what was skipped."""

    def update(folder=photos, **options):
        report = update_index(index, folder, model, workers=1, **options)
        counts = report._asdict()
        skipped = counts.pop("skipped")
        return {name: n for name, n in counts.items() if n}, skipped

    return update


@pytest.fixture
def extracted(monkeypatch):
    """Names of the files that are extracted from now on."""
    names = []
    real = update_module.extract_stream

    def watch(photos, *rest):
        def told():
            for key, path in photos:
                names.append(path.name)
                yield key, path

        return real(told(), *rest)

    monkeypatch.setattr(update_module, "extract_stream", watch)
    return names


def paths(index, model):
    with Index.open(index, model) as opened:
        return sorted(photo.path.name for photo in opened.photos())


def test_everything_is_new_at_first(run, index, model):
    assert run() == ({"added": 6}, {})
    assert paths(index, model) == [f"{n}.png" for n in range(6)]


def test_nothing_is_read_when_nothing_changed(run, monkeypatch):
    run()
    monkeypatch.setattr(update_module, "digest_file", None)  # would fail if called
    assert run() == ({"unchanged": 6}, {})


def test_a_new_file_is_the_only_one_read(run, photos, extracted):
    run()
    extracted.clear()
    draw(photos / "new.png", 9)
    assert run() == ({"added": 1, "unchanged": 6}, {})
    assert extracted == ["new.png"]


def test_a_touched_file_is_unchanged_and_then_not_hashed_again(run, photos, extracted, monkeypatch):
    run()
    extracted.clear()
    os.utime(photos / "0.png", ns=(1, 1))
    assert run() == ({"unchanged": 6}, {})
    assert extracted == []
    monkeypatch.setattr(update_module, "digest_file", None)
    assert run() == ({"unchanged": 6}, {})


def test_a_renamed_file_is_moved_without_extraction(run, photos, extracted, index, model):
    run()
    extracted.clear()
    (photos / "0.png").rename(photos / "below/renamed.png")
    assert run() == ({"moved": 1, "unchanged": 5}, {})
    assert extracted == []
    assert paths(index, model) == ["1.png", "2.png", "3.png", "4.png", "5.png", "renamed.png"]


def test_a_renamed_folder_is_all_moves(run, photos, extracted):
    run()
    extracted.clear()
    (photos / "below").rename(photos / "other")
    assert run() == ({"moved": 2, "unchanged": 4}, {})
    assert extracted == []


def test_photos_moved_to_another_indexed_folder_are_moves(run, photos, tmp_path, extracted):
    run()
    extracted.clear()
    (photos / "below").rename(tmp_path / "elsewhere")
    assert run(tmp_path / "elsewhere") == ({"moved": 2}, {})
    assert run() == ({"unchanged": 4}, {})
    assert extracted == []


def test_a_changed_file_is_updated(run, photos, index, model):
    run()
    with Index.open(index, model) as opened:
        before = {photo.path.name: photo.id for photo in opened.photos()}
    draw(photos / "0.png", 100)
    assert run() == ({"updated": 1, "unchanged": 5}, {})
    with Index.open(index, model) as opened:
        after = {photo.path.name: photo.id for photo in opened.photos()}
        assert len(opened) == 6
    assert after.pop("0.png") != before.pop("0.png")
    assert after == before


def test_a_deleted_file_is_removed(run, photos, index, model):
    run()
    (photos / "0.png").unlink()
    shutil.rmtree(photos / "below")
    assert run() == ({"removed": 3, "unchanged": 3}, {})
    assert paths(index, model) == ["1.png", "2.png", "3.png"]
    with RegionStore(index) as store:
        assert len(store) == 3


def test_files_with_one_content_share_one_entry(run, photos, extracted, index, model):
    shutil.copy(photos / "0.png", photos / "copy.png")
    assert run() == ({"added": 7}, {})
    assert sorted(extracted) == [f"{n}.png" for n in range(6)]
    shutil.copy(photos / "1.png", photos / "later.png")
    assert run() == ({"added": 1, "unchanged": 7}, {})
    with Index.open(index, model) as opened:
        assert len(opened) == 6
        assert len(opened.search("a dog", 100).hits) == 6
    (photos / "0.png").unlink()
    assert run() == ({"removed": 1, "unchanged": 7}, {})
    assert "copy.png" in paths(index, model)


def test_the_last_copy_takes_the_entry_with_it(run, photos, index, model):
    shutil.copy(photos / "0.png", photos / "copy.png")
    run()
    (photos / "0.png").unlink()
    (photos / "copy.png").unlink()
    assert run() == ({"removed": 2, "unchanged": 5}, {})
    assert len(paths(index, model)) == 5


def test_a_file_edited_after_it_was_copied(run, photos, index, model):
    run()
    shutil.copy(photos / "0.png", photos / "z-copy.png")
    draw(photos / "0.png", 100)
    assert run() == ({"added": 1, "updated": 1, "unchanged": 5}, {})
    assert len(paths(index, model)) == 7


def test_broken_files_are_skipped_named_and_not_read_again(run, photos, extracted):
    (photos / "broken.jpg").write_bytes(b"no photo")
    (photos / "empty.jpg").write_bytes(b"")
    counts, skipped = run()
    assert counts == {"added": 6}
    assert sorted(skipped) == [str(photos / "broken.jpg"), str(photos / "empty.jpg")]
    assert "broken.jpg is not a photo" in skipped[str(photos / "broken.jpg")]
    extracted.clear()
    again = run()
    assert again == ({"unchanged": 6}, skipped)
    assert extracted == []


def test_a_broken_file_that_was_mended_is_read(run, photos):
    (photos / "broken.png").write_bytes(b"no photo")
    run()
    draw(photos / "broken.png", 50)
    assert run() == ({"updated": 1, "unchanged": 6}, {})


def test_two_broken_files_of_one_content_are_both_named(run, photos):
    for name in ("x.jpg", "y.jpg"):
        (photos / name).write_bytes(b"no photo")
    _, skipped = run()
    assert all(path in reason for path, reason in skipped.items())
    assert len(skipped) == 2


def test_files_without_permission_are_tried_again(run, photos, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(update_module, "digest_file", refuse)
        counts, skipped = run()
    assert counts == {}
    assert len(skipped) == 6
    assert "Permission denied" in skipped[str(photos / "0.png")]
    assert run() == ({"added": 6}, {})


def test_a_file_that_vanishes_before_it_is_hashed_is_skipped(run, photos, monkeypatch):
    real = update_module.digest_file

    def vanish(path):
        if path.endswith("2.png"):
            Path(path).unlink()
        return real(path)

    monkeypatch.setattr(update_module, "digest_file", vanish)
    counts, skipped = run()
    assert counts == {"added": 5}
    assert "cannot be opened" in skipped[str(photos / "2.png")]


def test_copies_of_a_file_that_changes_while_it_is_read_are_read_for_themselves(
    run, photos, extracted, monkeypatch
):
    for name in ("2-copy.png", "below/2-copy.png"):
        shutil.copy(photos / "2.png", photos / name)
    real = update_module.extract_stream

    def meddle(*arguments):
        for outcome in real(*arguments):
            draw(photos / "2.png", 77)
            yield outcome

    with monkeypatch.context() as patch:
        patch.setattr(update_module, "extract_stream", meddle)
        progress_told = []
        counts, skipped = run(progress=lambda done, total: progress_told.append((done, total)))
    assert list(skipped) == [str(photos / "2.png")]
    assert counts == {"added": 7}
    assert progress_told[-1] == (8, 8)
    assert run() == ({"added": 1, "unchanged": 7}, {})


@pytest.mark.parametrize("name", ["broken.jpg", "gone.jpg"])
def test_copies_of_a_file_that_fails_because_it_changes_are_read_too(
    run, photos, monkeypatch, name
):
    """What was read half written, or not at all, says nothing of whole copies."""
    shutil.copy(photos / "2.png", photos / name)
    shutil.copy(photos / "2.png", photos / "whole.jpg")
    (photos / "2.png").unlink()
    real = update_module.extract_stream

    def meddle(stream, *rest):
        def meddled():
            for key, path in stream:
                if path.name == "broken.jpg":
                    path.write_bytes(b"half")
                if path.name == "gone.jpg":
                    path.unlink()
                yield key, path

        yield from real(meddled(), *rest)

    monkeypatch.setattr(update_module, "extract_stream", meddle)
    counts, skipped = run()
    assert counts == {"added": 6}
    assert list(skipped) == [str(photos / name)]


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(run, photos, monkeypatch):
    real = update_module.extract_stream

    def meddle(*arguments):
        for outcome in real(*arguments):
            draw(photos / "2.png", 77)
            yield outcome

    with monkeypatch.context() as patch:
        patch.setattr(update_module, "extract_stream", meddle)
        counts, skipped = run()
    assert "changed while it was read" in skipped[str(photos / "2.png")]
    assert counts == {"added": 5}
    assert run() == ({"added": 1, "unchanged": 5}, {})


def test_excluded_files_leave_the_index_and_patterns_are_remembered(run, index, model):
    run()
    assert run(excludes=["below/", "0.*"]) == ({"removed": 3, "unchanged": 3}, {})
    assert run() == ({"unchanged": 3}, {})
    assert run(excludes=[]) == ({"added": 3, "unchanged": 3}, {})


def test_hidden_files_are_left_out_unless_taken_back(run, photos):
    draw(photos / ".hidden/7.png", 7)
    draw(photos / ".8.png", 8)
    assert run() == ({"added": 6}, {})
    assert run(excludes=["!.*"]) == ({"added": 2, "unchanged": 6}, {})


def test_several_folders_share_an_index(run, photos, tmp_path, index, model):
    draw(tmp_path / "photos2/more.png", 9)
    run()
    assert run(tmp_path / "photos2") == ({"added": 1}, {})
    assert run() == ({"unchanged": 6}, {})
    with Index.open(index, model) as opened:
        assert opened.folders() == [photos, tmp_path / "photos2"]
        assert len(opened) == 7


def test_an_empty_folder_makes_an_empty_index(run, tmp_path, index, model):
    (tmp_path / "empty").mkdir()
    counts, skipped = run(tmp_path / "empty")
    assert counts == {}
    assert "may be a drive that is not mounted" in skipped[f"{tmp_path / 'empty'}/"]
    with Index.open(index, model) as opened:
        assert len(opened) == 0


def test_a_missing_folder_is_an_error(run, tmp_path):
    with pytest.raises(DataError, match="must exist"):
        run(tmp_path / "none")


def test_progress_ends_at_the_number_of_files_to_read(run, photos):
    (photos / "broken.jpg").write_bytes(b"no photo")
    shutil.copy(photos / "0.png", photos / "copy.png")
    progress_told = []
    run(progress=lambda done, total: progress_told.append((done, total)))
    assert progress_told == [(n, 8) for n in range(1, 9)]


@pytest.mark.slow
def test_in_processes_as_in_this_one(photos, model, tmp_path):
    for seed in range(10, 14):
        draw(photos / f"{seed}.png", seed)
    for name, workers in (("one", 1), ("two", 2)):
        assert update_index(tmp_path / name, photos, model, workers=workers).added == 10
    with RegionStore(tmp_path / "one") as one, RegionStore(tmp_path / "two") as two:
        assert list(one) == list(two)
        for key in one:
            assert np.array_equal(one[key].vectors, two[key].vectors)


def test_one_writer_at_a_time(run, index, model):
    run()
    with RegionStore(index, writable=True), pytest.raises(BusyError, match="one writer"):
        run()


def test_another_model_is_refused_with_the_command_that_mends(run, index, photos, tmp_path):
    run()
    other = load(save_model(tmp_path / "other", seed=1))
    with pytest.raises(StoreError, match=f"--model {other.source} --rebuild"):
        update_index(index, photos, other)
    with pytest.raises(StoreError, match="regard index --index"):
        Index.open(index, other)


def test_a_region_store_is_not_taken_for_an_index(photos, model, tmp_path):
    with RegionStore(tmp_path / "store", "something", 16, writable=True):
        pass
    with pytest.raises(StoreError, match="is not an index"):
        update_index(tmp_path / "store", photos, model)
    with pytest.raises(StoreError, match="is not an index"):
        Index.open(tmp_path / "store", model)


@pytest.mark.parametrize("name", ["version", "index_version"])
def test_a_newer_index_is_refused(run, index, model, name):
    run()
    with RegionStore(index, writable=True) as store, store.transaction() as database:
        database.execute("UPDATE meta SET value = '99' WHERE name = ?", (name,))
    for use in (run, lambda: Index.open(index, model)):
        with pytest.raises(StoreError, match=r"format 99.*pip install --upgrade"):
            use()


def test_small_shards_are_put_together(run, photos, index, model, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 3)
    for seed in range(10, 13):
        draw(photos / f"{seed}.png", seed)
        run()
    with RegionStore(index) as store:
        assert len({store.place(key).shard for key in store}) == 1
        assert len(list(index.glob("shard-*"))) == 1
        assert store.check() == {}
    assert len(paths(index, model)) == 9


@pytest.mark.parametrize("year", [1880, 2300, 2446])
def test_files_of_far_off_times_are_indexed_and_known_again(run, photos, year):
    seconds = (year - 1970) * 31_556_952
    try:
        os.utime(photos / "0.png", (seconds, seconds))
    except OSError:
        pytest.skip("this file system keeps no such times")
    assert run() == ({"added": 6}, {})
    assert run() == ({"unchanged": 6}, {})


def test_what_it_made_itself_is_never_indexed(photos, model):
    """An index that lies among the photos, with its thumbnails, and one beside it."""
    index = photos / "index"
    for _ in range(2):
        report = update_index(index, photos, model, workers=1)
        draw(index / f"thumbnails/320/{report.added}.png", 70 + report.added)
    assert (report.added, report.unchanged) == (0, 6)
    assert report.passed_over == {"folders with manifest.sqlite": 1}
    assert update_index(photos, photos, model, workers=1).added == 6
    draw(photos / "thumbnails/320/t.png", 90)
    assert update_index(photos, photos, model, workers=1).unchanged == 6


def test_what_lies_beside_photos_is_counted(photos, model, index):
    (photos / "phone.mov").touch()
    assert update_index(index, photos, model, workers=1).passed_over == {".mov": 1}


def test_a_full_disk_is_told(run, photos, monkeypatch):
    def fail(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(update_module.Update, "_commit", fail)
    with pytest.raises(StoreError, match=r"cannot be used \(database or disk is full\)"):
        run()


def test_one_photo_is_added_without_a_look_at_the_rest(run, photos, index, model):
    run()
    draw(photos / "new.png", 50)
    draw(photos / "other.png", 51)
    add_photo(index, photos / "new.png", model)
    assert "new.png" in paths(index, model)
    assert "other.png" not in paths(index, model)
    assert run() == ({"added": 1, "unchanged": 7}, {})

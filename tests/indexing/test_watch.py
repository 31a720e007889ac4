"""Watching folders: every change of photos is looked into once things are quiet, nothing else."""

import shutil
import threading
import time
from contextlib import contextmanager

import pytest
from small import draw

from regard.errors import BusyError, DataError, RegardError
from regard.indexing import watch
from regard.indexing.watch import Concerned, watch_folders

WAIT = 20.0  # seconds at most for what takes one or two


class Looks:
    """What was brought up to date, and what lay there then."""

    def __init__(self, folder):
        self.folder, self.seen = folder, []

    def __call__(self, photos):
        assert photos == str(self.folder)
        self.seen.append(sorted(path.name for path in self.folder.rglob("*.png")))

    def until(self, names):
        end = time.monotonic() + WAIT
        while not self.seen or self.seen[-1] != names:
            assert time.monotonic() < end, self.seen
            time.sleep(0.02)


@contextmanager
def following(folder, update, index=None, excludes=(), **options):
    stop = threading.Event()
    errors = []

    def work():
        try:
            folders = {str(folder): list(excludes)}
            watch_folders(folders, index or folder / ".i", update, stop=stop, **options)
        except RegardError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join(WAIT)
    assert not thread.is_alive()


@pytest.fixture
def folder(tmp_path):
    draw(tmp_path / "photos/a.png", 0)
    return tmp_path / "photos"


def test_every_kind_of_change_is_seen(folder, tmp_path):
    looks = Looks(folder)
    draw(tmp_path / "other/sub/d.png", 1)
    with following(folder, looks) as errors:
        looks.until(["a.png"])
        draw(folder / "b.png", 1)
        looks.until(["a.png", "b.png"])
        (folder / "b.png").rename(folder / "c.png")
        looks.until(["a.png", "c.png"])
        (tmp_path / "other").rename(folder / "other")  # its files send no word of themselves
        looks.until(["a.png", "c.png", "d.png"])
        draw(folder / "other/sub/e.png", 2)
        looks.until(["a.png", "c.png", "d.png", "e.png"])
        shutil.rmtree(folder / "other")
        looks.until(["a.png", "c.png"])
        before = len(looks.seen)
        draw(folder / "c.png", 3)  # another content
        while len(looks.seen) == before:
            time.sleep(0.02)
    assert errors == []


@pytest.mark.parametrize("told_apart", [True, False])
def test_a_folder_made_anew_is_followed(folder, tmp_path, monkeypatch, told_apart):
    """Also where it was given the numbers of the one before."""
    if not told_apart:
        monkeypatch.setattr(watch, "_identities", lambda folders: dict.fromkeys(folders, (1, 2)))
    looks = Looks(folder)
    with following(folder, looks, tmp_path / "index") as errors:
        looks.until(["a.png"])
        shutil.rmtree(folder)
        draw(folder / "b.png", 1)
        looks.until(["b.png"])
        time.sleep(2 * watch._QUIET)
        draw(folder / "c.png", 2)
        looks.until(["b.png", "c.png"])
    assert errors == []


def test_what_is_no_photo_s_change_wakes_nobody(folder, tmp_path):
    looks = Looks(folder)
    index = folder / "index"
    with following(folder, looks, index, ["thumbs/"]):
        looks.until(["a.png"])
        (folder / "notes.txt").write_text("no photo")
        draw(index / "inside.png", 1)
        draw(folder / "thumbs/t.png", 1)
        draw(folder / ".hidden/h.png", 1)
        time.sleep(3 * watch._QUIET)
        assert len(looks.seen) == 1
        draw(folder / "z.png", 4)
        looks.until(["a.png", "h.png", "inside.png", "t.png", "z.png"])


def test_no_end_of_changes_does_not_put_it_off_for_ever(folder, monkeypatch):
    monkeypatch.setattr(watch, "_PATIENCE", 2.0)
    looks = Looks(folder)
    with following(folder, looks):
        looks.until(["a.png"])
        end = time.monotonic() + WAIT
        while len(looks.seen) < 2:
            assert time.monotonic() < end
            draw(folder / "b.png", int(1e3 * end) % 7)  # ten times a second
            time.sleep(0.1)


def test_a_busy_index_is_tried_again(folder, monkeypatch):
    monkeypatch.setattr(watch, "_PATIENCE", 1.5)
    looks, told = Looks(folder), []

    def update(photos):
        if len(told) < 2:
            raise BusyError("another process is writing")
        looks(photos)

    with following(folder, update, busy=told.append):
        looks.until(["a.png"])
    assert [str(error) for error in told] == ["another process is writing"] * 2


def test_other_errors_end_it(folder):
    def update(_):
        raise DataError("the folder is gone")

    with following(folder, update) as errors:
        end = time.monotonic() + WAIT
        while not errors:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert str(errors[0]) == "the folder is gone"


def test_concerned(tmp_path):
    outer, inner = tmp_path / "photos", tmp_path / "photos/trips"
    draw(inner / "rome.png", 0)
    (outer / "list.txt").write_text("")
    folders = {str(outer): ["/raw/**", "!.*"], str(inner): []}
    concerned = Concerned(folders, outer / "index")
    both = {str(outer), str(inner)}
    assert concerned(str(inner / "rome.png")) == both
    assert concerned(str(inner)) == both
    assert concerned(str(inner / "gone-folder")) == both
    assert concerned(str(outer / "x.jpg")) == {str(outer)}
    assert concerned(str(outer)) == {str(outer)}
    assert concerned(str(outer / "raw/x.jpg")) == set()
    assert concerned(str(outer / ".h/x.jpg")) == {str(outer)}
    assert concerned(str(inner / ".h/x.jpg")) == {str(outer)}
    assert concerned(str(outer / "list.txt")) == set()
    assert concerned(str(outer / "index/shard.png")) == set()
    assert concerned(str(tmp_path / "elsewhere.png")) == set()


def test_concerned_by_a_path_without_links(tmp_path):
    draw(tmp_path / "real/a.png", 0)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    concerned = Concerned({str(tmp_path / "link"): ["b.png"]}, tmp_path / "index")
    assert concerned(str(tmp_path / "real/a.png")) == {str(tmp_path / "link")}
    assert concerned(str(tmp_path / "real/b.png")) == set()

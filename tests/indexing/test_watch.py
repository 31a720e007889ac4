"""Following folders: every change of photos is looked into once things are quiet, nothing else.

Most of it is told in steps, with a clock of our own; two tests ask the system itself, and wait for
what happens, however long it takes.
"""

import shutil
import threading
from contextlib import contextmanager

import pytest
import watchfiles
from small import draw

from regard.errors import BusyError, DataError
from regard.indexing import watch
from regard.indexing.watch import Concerned, watch_folders

ADDED, DELETED = watchfiles.Change.added, watchfiles.Change.deleted
AT_MOST = 120.0  # seconds for what takes one or two; a machine may be busy


@pytest.fixture
def folder(tmp_path):
    draw(tmp_path / "photos/a.png", 0)
    return tmp_path / "photos"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def follow(folder, monkeypatch):
    """Follow a folder through some steps; gives what lay there at every look.

    A step is a number of seconds that pass, or a path that changed, alone or with what happened.
    """

    def run(*steps, excludes=(), update=None, watched=None, drive="ext4", **options):
        clock, looks, steps = Clock(), [], list(steps)
        monkeypatch.setattr("regard.indexing.watch.time", clock)
        monkeypatch.setattr("regard.indexing.following.time", clock)

        def changes(_folders, _quiet, stop):
            while steps:
                step = steps.pop(0)
                if isinstance(step, int | float):
                    clock.now += step
                    yield set()
                elif isinstance(step, str):
                    yield step
                else:
                    yield {step if isinstance(step, tuple) else (ADDED, str(step))}
            stop.set()

        def look(photos):
            assert photos == str(folder)
            if update is not None:
                update(photos)
            looks.append((clock.now - 1000, sorted(path.name for path in folder.rglob("*.png"))))

        monkeypatch.setattr(watch, "changes", changes)
        monkeypatch.setattr("regard.indexing.following.number_watched", lambda: watched)
        monkeypatch.setattr("regard.indexing.following.drive_of", lambda _: drive)
        watch_folders({str(folder): list(excludes)}, folder / "index", look, **options)
        return looks

    return run


def test_the_first_look_comes_at_once_and_the_next_when_things_are_quiet(follow, folder):
    draw(folder / "b.png", 1)
    looks = follow(0, 5, folder / "b.png", 0.5, folder / "b.png", 0.5, 0.4, 0.2, 9)
    assert [round(second, 3) for second, _ in looks] == [0, 6.6]
    assert looks[-1][1] == ["a.png", "b.png"]


def test_what_is_no_photo_s_change_wakes_nobody(follow, folder):
    (folder / "notes.txt").write_text("no photo")
    draw(folder / "index/inside.png", 1)
    draw(folder / "thumbs/t.png", 1)
    draw(folder / ".hidden/h.png", 1)
    others = ("notes.txt", "index/inside.png", "thumbs/t.png", ".hidden/h.png")
    steps = [step for name in others for step in (folder / name, 5)]
    assert len(follow(0, *steps, excludes=["thumbs/"])) == 1
    assert len(follow(0, *steps, folder / "z.png", 5)) == 3


def test_no_end_of_changes_does_not_put_it_off_for_ever(follow, folder):
    steps = [step for _ in range(80) for step in (folder / "b.png", 0.5)]
    looks = follow(0, *steps)
    assert len(looks) == 2
    assert looks[1][0] <= watch._PATIENCE + 1


def test_a_busy_index_is_tried_again(follow):
    messages = []

    def update(_):
        if len(messages) < 2:
            raise BusyError("another process is writing")

    looks = follow(0, 1, 30, 1, 30, 1, update=update, busy=messages.append)
    assert [str(error) for error in messages] == ["another process is writing"] * 2
    assert len(looks) == 1


def test_other_errors_end_it(follow):
    def update(_):
        raise DataError("the folder is gone")

    with pytest.raises(DataError, match="the folder is gone"):
        follow(0, update=update)


def test_a_folder_that_was_deleted_is_listened_to_anew(follow, folder):
    """Also where the new one was given the numbers of the one before."""
    looks = follow(0, 5, (DELETED, str(folder)), 0, 5)
    assert len(looks) == 2


def test_a_folder_that_is_gone_is_brought_up_to_date_which_says_so(folder):
    shutil.rmtree(folder)

    def update(photos):
        raise DataError(f"{photos} is gone")

    with pytest.raises(DataError, match="photos is gone"):
        watch_folders({str(folder): []}, folder / ".i", update)


# ---- what the system does not tell


def test_where_nothing_is_told_folders_are_looked_through_now_and_then(follow):
    messages = []
    steps = ["no folder can be followed (Too many open files)", 0, *[1.0] * 60]
    looks = follow(*steps, tell=messages.append)
    assert 4 <= len(looks) <= 7
    (text,) = messages
    assert text.startswith(
        "no folder can be followed (Too many open files); all are looked through"
    )
    assert "fs.inotify.max_user_watches" in text
    assert "WATCHFILES_FORCE_POLLING=true" in text


def test_where_not_all_folders_are_followed_it_is_said_with_numbers(follow, folder):
    for name in ("b", "c/d"):
        (folder / name).mkdir(parents=True)
    messages = []
    looks = follow(0, *[1.0] * 25, tell=messages.append, watched=2)
    assert messages[0].startswith("only 2 of 4 folders can be followed; ")
    assert len(messages) == 1
    assert len(looks) == 3
    assert len(follow(0, *[1.0] * 25, tell=messages.append, watched=4)) == 1
    assert len(messages) == 1


def test_a_network_drive_is_looked_through_now_and_then(follow):
    messages = []
    assert len(follow(0, *[1.0] * 25, tell=messages.append, drive="nfs4")) == 3
    assert "network drive (nfs4)" in messages[0]


def test_a_watcher_that_cannot_be_made_leaves_quiet_moments(folder, monkeypatch):
    from regard.indexing import following

    def refuse(*_folders, **_options):
        raise RuntimeError("Too many open files")
        yield

    monkeypatch.setattr(following.watchfiles, "watch", refuse)
    stop = threading.Event()
    news = following.changes([str(folder)], 0.01, stop)
    assert next(news) == "no folder can be followed (Too many open files)"
    assert next(news) == set()
    stop.set()
    assert list(news) == []


def test_drives_by_what_the_system_mounts(tmp_path, monkeypatch):
    from regard.indexing import following

    assert following.drive_of(str(tmp_path)) not in following._OF_OTHERS
    (tmp_path / "mounts").write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/p /mnt/my\\040photos nfs4 rw 0 0\n/dev/sdb /mnt xfs rw 0 0\n"
    )
    monkeypatch.setattr(following, "_OWN", tmp_path)
    monkeypatch.setattr("os.path.realpath", str)
    assert following.drive_of("/mnt/my photos/2019") == "nfs4"
    assert following.drive_of("/mnt/my photos 2") == "xfs"
    assert following.drive_of("/home") == "ext4"
    assert following.number_watched() is None
    (tmp_path / "fdinfo").mkdir()
    (tmp_path / "fdinfo/3").write_text("pos:\t0\ninotify wd:1 ino:1\ninotify wd:2 ino:2\n")
    (tmp_path / "fdinfo/4").write_text("pos:\t0\n")
    assert following.number_watched() == 2


# ---- the system itself


class Looks:
    """What lay in a folder whenever it was brought up to date; can be waited for."""

    def __init__(self, folder):
        self.folder, self.seen = folder, []
        self.news = threading.Condition()
        self.error = None

    def __call__(self, _):
        with self.news:
            self.seen.append(sorted(path.name for path in self.folder.rglob("*.png")))
            self.news.notify_all()

    def until(self, names):
        with self.news:
            assert self.news.wait_for(self.is_there(names), AT_MOST), self.seen
            if self.error is not None:
                raise self.error

    def is_there(self, names):
        return lambda: self.error is not None or (self.seen and self.seen[-1] == names)


@contextmanager
def following(folder, index, monkeypatch):
    monkeypatch.setattr(watch, "_QUIET", 0.2)
    looks, stop = Looks(folder), threading.Event()

    def work():
        try:
            watch_folders({str(folder): []}, index, looks, stop=stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must wait for more
            with looks.news:
                looks.error = error
                looks.news.notify_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        stop.set()
        thread.join(AT_MOST)


@pytest.mark.slow
def test_every_kind_of_change_is_told_by_the_system(folder, tmp_path, monkeypatch):
    draw(tmp_path / "other/sub/d.png", 1)
    with following(folder, tmp_path / "index", monkeypatch) as looks:
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


@pytest.mark.slow
def test_a_folder_made_anew_is_followed(folder, tmp_path, monkeypatch):
    with following(folder, tmp_path / "index", monkeypatch) as looks:
        looks.until(["a.png"])
        shutil.rmtree(folder)
        draw(folder / "b.png", 1)
        looks.until(["b.png"])
        draw(folder / "c.png", 2)
        looks.until(["b.png", "c.png"])


# ---- whom a change concerns


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

"""What is made once: found again, made anew for other things, whole wherever making is killed."""

import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest

from regard.store.artefact import digest_of, made_once

ROOT = Path(__file__).parents[2]
KILLED = """
import sys
from pathlib import Path
from regard.store.artefact import digest_of, made_once
from tests.store.killing import kill_everywhere

folder = Path(sys.argv[1])

def wanted(of):
    return folder / f"thing-{digest_of(of)}"

def make(of):
    def fill(place):
        for name in ("a", "b"):
            (place / name).write_text(of * 1000)
    return lambda: made_once(folder, "thing", of, fill)

def check():
    for of in ("old", "new"):
        place = wanted(of)
        if place.exists():
            held = {file.name: file.read_text() for file in place.iterdir()}
            assert held == dict.fromkeys("ab", of * 1000)

make("old")()
kills = kill_everywhere(make("new"), "regard/store/a", check)
assert wanted("new").exists()
assert not wanted("old").exists()
assert {file.name for file in folder.iterdir()} == {wanted("new").name, "thing.lock"}
print(kills)
"""


def writes(text):
    def fill(place):
        (place / "file").write_text(text)

    return fill


def never(place):
    raise AssertionError("it was made again")


def test_it_is_made_once_and_replaced_for_other_things(tmp_path):
    folder = tmp_path / "cache"
    first = made_once(folder, "thing", ["photos", 1], writes("one"))
    assert made_once(folder, "thing", ["photos", 1], never) == first
    neighbour = made_once(folder, "thing-2", ["photos", 1], writes("two"))
    second = made_once(folder, "thing", ["photos", 2], writes("other"))
    assert (second / "file").read_text() == "other"
    assert not first.exists()
    assert (neighbour / "file").read_text() == "two"


def test_killed_anywhere_nothing_that_is_not_whole_has_its_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_making_that_fails_is_begun_anew(tmp_path):
    def fail(place):
        (place / "half").touch()
        raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        made_once(tmp_path, "thing", 1, fail)
    place = made_once(tmp_path, "thing", 1, writes("whole"))
    assert [file.name for file in place.iterdir()] == ["file"]


def test_two_that_want_it_at_once_make_it_once(tmp_path):
    makings, start = [], Barrier(2)

    def fill(place):
        makings.append(place)
        (place / "file").write_text("whole")

    def want():
        start.wait()
        made_once(tmp_path, "thing", 1, fill)

    threads = [Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makings) == 1


def test_a_digest_knows_values_and_not_the_order_of_names():
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])

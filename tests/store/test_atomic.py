"""Files written whole or not at all: interrupted, failing, or two at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regard.store import atomic
from regard.store.atomic import replacing, write_bytes

ROOT = Path(__file__).parents[2]
KILLED = """
import sys
from pathlib import Path
from regard.store.atomic import write_bytes
from tests.store.killing import kill_everywhere

path, old, new = Path(sys.argv[1]), b"old" * 1000, b"new" * 1000
path.write_bytes(old)

def check():
    assert path.read_bytes() in (old, new)

kills = kill_everywhere(lambda: write_bytes(path, new), "regard/store/atomic", check)
assert path.read_bytes() == new
print(kills)
"""


def test_killed_anywhere_the_old_or_the_new_is_there_whole(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "file")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def half_written():
        with replacing(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_written()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path = tmp_path / "file"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
        assert not path.exists()
    assert path.read_text() == "first"  # its block ended last
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_file_is_as_open_as_any_and_a_replaced_one_as_before(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "file"
    plain.touch()
    with replacing(path) as partial:  # as a library does that keeps its files to their owner
        partial.unlink()
        os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    write_bytes(path, b"again")
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_told_by_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere/file.$"):
        write_bytes(tmp_path / "nowhere" / "file", b"")


def test_what_must_last_is_on_the_disk_before_it_is_shown(tmp_path, monkeypatch):
    seen = []
    path = tmp_path / "file"
    monkeypatch.setattr(atomic, "sync", lambda which: seen.append((which, path.exists())))
    write_bytes(path, b"x", durable=False)
    assert seen == []
    path.unlink()
    write_bytes(path, b"x")
    (first, shown), (second, _) = seen
    assert first.name.endswith(".partial")
    assert not shown
    assert second == tmp_path

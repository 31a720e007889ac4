"""Where the system refuses, the message says which file, why, and what helps."""

import errno
import os

import filelock
import pytest

from regard.errors import StoreError
from regard.store import manifest
from regard.store.atomic import replacing


def refuse(monkeypatch, error):
    def acquire(*_arguments, **_options):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)


@pytest.mark.parametrize("name", ["ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"])
def test_a_drive_without_locks(tmp_path, monkeypatch, name):
    number = getattr(errno, name)
    refuse(monkeypatch, OSError(number, os.strerror(number)))
    with pytest.raises(StoreError, match="is on a drive without locks") as caught:
        manifest.lock(tmp_path / "index")
    assert str(tmp_path / "index") in str(caught.value)
    assert "--index" in str(caught.value)
    assert "photos may stay where they are" in str(caught.value)


def test_a_lock_that_the_library_cannot_take(tmp_path, monkeypatch):
    refuse(monkeypatch, NotImplementedError("use SoftFileLock instead"))
    with pytest.raises(StoreError, match="is on a drive without locks"):
        manifest.lock(tmp_path / "index")


def test_other_errors_name_the_file(tmp_path, monkeypatch):
    refuse(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match="No space left") as caught:
        manifest.lock(tmp_path / "index")
    assert caught.value.filename == str(tmp_path / "index/writer.lock")


def test_a_full_disk_names_the_file(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "shard"):
        raise full
    assert caught.value.filename == str(tmp_path / "shard")
    assert list(tmp_path.iterdir()) == []

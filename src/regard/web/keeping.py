"""Uploads a reader asks to keep: written into a folder of photos, and indexed at once.

A file's name is made of its content, so it is never the sender's, never a path, and the same for
the same photo. No file is ever written over.
"""

import hashlib
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from regard.errors import BusyError, ConfigError, DataError
from regard.indexing import add_photo, update_index
from regard.search import Index
from regard.search.catalog import ID_DIGITS
from regard.web import models
from regard.web.decode import suffix_of
from regard.web.problems import ProblemError


def prepare_folder(folder: Path, index: Index) -> Path:
    """The folder uploads are kept in, made and indexed where it is not yet.

    Raises:
        ConfigError: it cannot be written to, or is the index's own.
        BusyError: it must be indexed and another process is writing to the index.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_fit = os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        is_fit = False
    real = folder.resolve()
    if not is_fit or real.is_relative_to(index.folder.resolve()):
        raise ConfigError(
            f"keep-uploads is {str(folder)!r}; it must be a folder for photos that can be written "
            "to, outside the index. Choose another."
        )
    for root in index.folders():
        if real.is_relative_to(root.resolve()):
            return root / real.relative_to(root.resolve())  # as `regard index` names it
    update_index(index.folder, real, index.model)
    index.refresh()
    return real


class Keeper:
    """Writes photos into a folder and tells the index.

    Args:
        folder: from `prepare_folder`.
    """

    def __init__(self, folder: Path, index: Index) -> None:
        self._folder = folder
        self._index = index
        self._lock = threading.Lock()

    def keep(self, data: bytes) -> models.Kept:
        """Keep a photo as it was sent.

        Args:
            data: of a photo that was decoded before.

        Raises:
            ProblemError: 409, the folder cannot be written to.
        """
        photo_id = hashlib.sha256(data).hexdigest()[:ID_DIGITS]
        with self._lock:
            try:
                known = self._index.photo(photo_id)
            except DataError:
                path = self._write(data, f"regard-{photo_id}", suffix_of(data))
                is_indexed = self._add(path)
                return models.Kept(id=photo_id, name=path.name, is_new=True, is_indexed=is_indexed)
        return models.Kept(id=photo_id, name=known.path.name, is_new=False, is_indexed=True)

    def _write(self, data: bytes, stem: str, suffix: str) -> Path:
        """A new file with these bytes, or the one that has them and was not indexed yet."""
        for path in _names(self._folder / stem, suffix):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                if path.is_file() and path.read_bytes() == data:
                    return path
                continue
            except OSError as error:
                raise _cannot(error) from error
            try:
                with open(descriptor, "wb") as file:  # noqa: PTH123 - opened as new only
                    file.write(data)
            except OSError as error:
                path.unlink(missing_ok=True)
                raise _cannot(error) from error
            return path
        raise AssertionError("names do not end")

    def _add(self, path: Path) -> bool:
        """Index one file, without a look at the rest of its folder; whether that was possible."""
        try:
            add_photo(self._index.folder, path, self._index.model)
        except BusyError:
            return False
        return True


def _names(start: Path, suffix: str) -> Iterator[Path]:
    yield start.with_name(start.name + suffix)
    for number in itertools.count(2):
        yield start.with_name(f"{start.name}-{number}{suffix}")


def _cannot(error: OSError) -> ProblemError:
    return ProblemError(
        409,
        f"the photo cannot be kept ({error.strerror})",
        "the server's folder for uploads must have room and be writable",
        "Make room, or choose another with --keep-uploads.",
    )

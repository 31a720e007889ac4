"""What is in a folder of photos right now: paths, sizes and times of change.

Reads no photo.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from regard.errors import DataError
from regard.photos.decode import SUFFIXES
from regard.photos.ignore import Ignore


class FoundFile(NamedTuple):
    """One photo file."""

    path: str
    """Absolute."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Time of the last change, in nanoseconds since 1970."""


class Scan(NamedTuple):
    """Photo files below a folder, in name order, and what could not be looked into."""

    files: list[FoundFile]
    unreadable: dict[str, str]
    """Folders and files, with the reasons."""


def scan_folder(folder: Path, excludes: Sequence[str] = ()) -> Scan:
    """Find the photos below a folder.

    Links to files are followed, links to folders are not, so that nothing goes round in circles.

    Args:
        excludes: patterns as in `.gitignore`, relative to the folder.

    Raises:
        DataError: the folder does not exist.
        ConfigError: a pattern says nothing.
    """
    if not folder.is_dir():
        raise DataError(f"photo folder is {str(folder)!r}; it must exist. Check the path.")
    root = os.path.abspath(folder)  # noqa: PTH100 - keeps links' names
    scan = Scan([], {})
    _walk(root, "", Ignore(excludes), scan)
    return scan


def _walk(root: str, inside: str, ignore: Ignore, scan: Scan) -> None:
    """Add what is in one folder and below; `inside` is its path from the root, with a slash."""
    try:
        with os.scandir(os.path.join(root, inside)) as entries:  # noqa: PTH118 - many of them
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        where = f"{root}/{inside}"
        scan.unreadable[where] = (
            f"{where} cannot be looked into ({error.strerror}); it must be a folder you may "
            "read. Change its permissions, or leave it out with --exclude."
        )
        return
    if not found and not inside:
        scan.unreadable[f"{root}/"] = (
            f"{root} is empty; it must hold photos, and may be a drive that is not mounted. What "
            f"was indexed of it stays; if it is gone for good: regard index --forget {root}"
        )
    for entry in found:
        path = inside + entry.name
        if entry.is_dir(follow_symlinks=False):
            if not ignore(path, is_folder=True):
                _walk(root, f"{path}/", ignore, scan)
        elif entry.name.lower().endswith(SUFFIXES) and not ignore(path, is_folder=False):
            _add(entry, scan)


def _add(entry: "os.DirEntry[str]", scan: Scan) -> None:
    """Add one file, unless it is a broken link, no file at all, or has a name no text can hold."""
    try:
        entry.path.encode()
        if entry.is_file():
            state = entry.stat()
            scan.files.append(FoundFile(entry.path, state.st_size, state.st_mtime_ns))
    except UnicodeEncodeError:
        name = os.fsencode(entry.path).decode(errors="replace")
        scan.unreadable[name] = f"{name} has a name that is not UTF-8; it must be. Rename the file."
    except OSError as error:
        scan.unreadable[entry.path] = (
            f"{entry.path} cannot be looked at ({error.strerror}); it must be a file you may "
            "read. Change its permissions, or leave it out with --exclude."
        )

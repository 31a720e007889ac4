"""What is in a folder of photos right now: paths, sizes and times of change.

The one scanner of every command, for folders and for object storage. Reads no photo. What it
passes over is counted by kind, what it cannot look at is named.
"""

import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from regard.errors import DataError
from regard.photos.formats import ending_of, is_photo_name, parts_of_photos
from regard.photos.ignore import Ignore
from regard.photos.names import is_text, readable, why_not_text

_INDEX_MARK = "manifest.sqlite"  # in the folder of every index and region store
_MARKS = (_INDEX_MARK, ".nomedia", "CACHEDIR.TAG")  # in folders whose pictures are nobody's photos
_BY_PRODUCTS = {"thumbnails", "incoming"}  # of an index that shares its folder with photos
_LATEST = 2**63 - 1  # nanoseconds; what databases can hold


class State(Protocol):
    """What a file system tells of a file."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """Time of the last change, in nanoseconds since 1970."""


class Entry(Protocol):
    """A name in a folder: an `os.DirEntry`, or its like in object storage."""

    @property
    def name(self) -> str:
        """Without its folder."""

    @property
    def path(self) -> str:
        """The whole name."""

    def is_dir(self) -> bool:
        """Whether it is a folder, or a link to one."""

    def is_file(self) -> bool:
        """Whether it is a file, or a link to one."""

    def is_symlink(self) -> bool:
        """Whether it is a link."""

    def stat(self) -> State:
        """Size and time of the file."""


class PhotoFile(NamedTuple):
    """One photo file."""

    path: str
    """Absolute."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Time of the last change, in nanoseconds since 1970, within 63 bits: only compared."""

    @classmethod
    def of(cls, path: str, state: State) -> "PhotoFile":
        """A file as the system describes it."""
        return cls(path, state.st_size, min(max(state.st_mtime_ns, -_LATEST), _LATEST))


class Scan(NamedTuple):
    """Photo files below a folder, in name order, and what was left."""

    files: list[PhotoFile]
    unreadable: dict[str, str]
    """Folders (with a slash at the end) and files that could not be looked at: the reasons."""
    passed_over: Counter[str]
    """How many of what else lay there, by kind: endings, other programs' folders, links."""


def scan_folder(folder: Path, excludes: Sequence[str] = ()) -> Scan:
    """Find the photos below a folder.

    Hidden files, what the patterns name, indexes, and other programs' folders of small copies
    and thrown away files are left out. Links to files are followed, links to folders are not,
    so that nothing goes round in circles.

    Args:
        excludes: patterns as in `.gitignore`, relative to the folder.

    Raises:
        DataError: the folder does not exist, or has a name that is not UTF-8.
        ConfigError: a pattern says nothing.
    """
    if not folder.is_dir():
        raise DataError(f"photo folder is {str(folder)!r}; it must exist. Check the path.")
    root = os.path.abspath(folder)  # noqa: PTH100 - keeps links' names
    if not is_text(root):
        raise DataError(why_not_text(root, "folder"))

    def entries_of(inside: str) -> list[Entry]:
        with os.scandir(os.path.join(root, inside)) as entries:  # noqa: PTH118 - many of them
            return list(entries)

    scan = scan_tree(root, entries_of, excludes)
    if (
        not scan.files
        and not scan.unreadable
        and not scan.passed_over
        and not any(folder.iterdir())
    ):
        scan.unreadable[f"{root}/"] = (
            f"{root} is empty; it must hold photos, and may be a drive that is not mounted. What "
            f"was indexed of it stays; if it is gone for good: "
            f"regard index --forget {shlex.quote(root)}"
        )
    return scan


def scan_tree(
    root: str, entries_of: Callable[[str], Iterable[Entry]], excludes: Sequence[str] = ()
) -> Scan:
    """The same below whatever can list its folders.

    Args:
        root: for messages.
        entries_of: what is in a folder, given by its path from the root with a slash at its end;
            an OSError where it cannot be looked into.
    """
    scanner = _Scanner(root, entries_of, Ignore(excludes))
    way = [scanner.enter("")]
    while way:
        below = next(way[-1], None)
        if below is None:
            way.pop()
        else:
            way.append(scanner.enter(below))
    return scanner.scan


class _Scanner:
    """Goes through one folder at a time, so that no depth is too deep."""

    def __init__(
        self, root: str, entries_of: Callable[[str], Iterable[Entry]], ignore: Ignore
    ) -> None:
        self._root, self._entries_of, self._ignore = root, entries_of, ignore
        self.scan = Scan([], {}, Counter())

    def enter(self, inside: str) -> Iterator[str]:
        """Note the files of a folder, and yield the folders in it where their turn is."""
        try:
            entries = sorted(self._entries_of(inside), key=lambda entry: entry.name)
        except OSError as error:
            where = f"{self._root}/{inside}"
            self.scan.unreadable[where] = (
                f"{where} cannot be looked into ({error.strerror}); it must be a folder you may "
                "read. Change its permissions, or leave it out with --exclude."
            )
            return
        names = {entry.name for entry in entries}
        mark = next((mark for mark in _MARKS if mark in names), None)
        if mark and inside:
            self.scan.passed_over[f"folders with {mark}"] += 1
            return
        left = parts_of_photos(names) | (_BY_PRODUCTS if mark == _INDEX_MARK else set())
        for entry in entries:
            try:
                if entry.name not in left and self._is_folder_to_enter(entry, inside + entry.name):
                    yield f"{inside}{entry.name}/"
            except OSError as error:
                self.scan.unreadable[entry.path] = (
                    f"{entry.path} cannot be looked at ({error.strerror}); it must be a file you "
                    "may read. Change its permissions, or leave it out with --exclude."
                )

    def _is_folder_to_enter(self, entry: Entry, path: str) -> bool:
        """Whether an entry is a folder to look into; a file is noted instead.

        Raises:
            OSError: it cannot be looked at.
        """
        is_folder = entry.is_dir()
        is_link = is_folder and entry.is_symlink()
        is_left_out = self._ignore(path, is_folder=is_folder and not is_link)
        if is_left_out:
            if is_folder and (others := self._ignore.others(path)):
                self.scan.passed_over[others] += 1
        elif not is_text(entry.name):
            kind = "folder" if is_folder else "file"
            self.scan.unreadable[readable(entry.path)] = why_not_text(entry.path, kind)
        elif is_link:
            self.scan.passed_over["links to folders"] += 1
        elif is_folder:
            return True
        else:
            self._note(entry)
        return False

    def _note(self, entry: Entry) -> None:
        """Add a file if it is a photo; count it by its kind if not."""
        if not is_photo_name(entry.name):
            self.scan.passed_over[ending_of(entry.name)] += 1
        elif entry.is_file():
            self.scan.files.append(PhotoFile.of(entry.path, entry.stat()))
        else:
            is_link = entry.is_symlink()
            self.scan.passed_over["broken links" if is_link else "devices and pipes"] += 1

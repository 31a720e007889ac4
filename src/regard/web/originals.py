"""The files themselves: their bytes, several as one zip, and where they lie, shown by the system.

Whoever sits at this machine gets files as they are. Others get the same picture as a JPEG in full
size, which tells nothing but what it shows.
"""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from regard.search.catalog import PhotoRecord
from regard.web.pictures import inside, read_indexed, reduce
from regard.web.problems import ProblemError

_WHOLE = 100_000  # pixels high: every photo as large as it is
_SHOW_ITEMS = (
    *("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.FileManager1"),
    *("/org/freedesktop/FileManager1", "org.freedesktop.FileManager1.ShowItems"),
)


class File(NamedTuple):
    """A photo to be sent."""

    name: str
    media_type: str
    data: bytes


def read_file(record: PhotoRecord, roots: Iterable[Path], *, local: bool) -> File:
    """A photo's own bytes, or for a reader elsewhere its pixels alone.

    Raises:
        ProblemError: 404 it is gone or outside the indexed folders, 409 not what was indexed.
    """
    path = inside(record.path, roots)
    data = read_indexed(path, record)
    if not local:
        return File(f"{path.stem}.jpg", "image/jpeg", reduce(data, _WHOLE))
    Image.init()
    kind = Image.EXTENSION.get(path.suffix.lower(), "")
    return File(path.name, Image.MIME.get(kind, "application/octet-stream"), data)


def zip_of(
    records: Iterable[PhotoRecord], roots: Iterable[Path], *, local: bool
) -> Iterator[bytes]:
    """A zip of photos, a piece at a time; those that are gone meanwhile are left out."""
    pieces = _Pieces()
    names: set[str] = set()
    roots = list(roots)
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as archive:
        for record in records:
            try:
                file = read_file(record, roots, local=local)
            except ProblemError:
                continue
            archive.writestr(_unlike(names, file.name), file.data)
            yield pieces.taken()
    yield pieces.taken()


def show(path: Path) -> None:
    """Show a file in the system's file manager.

    Raises:
        ProblemError: 409, there is none that can be told to.
    """
    for command in _show_commands(path):
        if shutil.which(command[0]) is None:
            continue
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 or command[0] == "explorer":  # which always says 1
            return
    raise ProblemError(
        409,
        "no file manager could be opened",
        "this machine seems to have none",
        f"The photo is in {path.parent}.",
    )


def _show_commands(path: Path) -> list[list[str]]:
    """What shows a file, the best way first."""
    if sys.platform == "darwin":
        return [["open", "-R", str(path)]]
    if sys.platform == "win32":
        return [["explorer", f"/select,{path}"]]
    items = f"array:string:{path.as_uri()}"
    return [[*_SHOW_ITEMS, items, "string:"], ["xdg-open", str(path.parent)]]


def _unlike(taken: set[str], name: str) -> str:
    """A name that no other file of a zip has."""
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 2
    while name.lower() in taken:
        name, number = f"{stem} ({number}){suffix}", number + 1
    taken.add(name.lower())
    return name


class _Pieces:
    """A file that is only written, and hands out what was written since it last did."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is to be released."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._written)
        self._written.clear()
        return data

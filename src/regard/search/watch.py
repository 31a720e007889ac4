"""Following folders of photos: which of them should be brought up to date, and when.

Knows paths only; what is new in a folder is found by looking through it.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event

import watchfiles

from regard.errors import BusyError
from regard.regions.photos import SUFFIXES
from regard.search.ignore import Ignore

_QUIET = 1.0  # seconds without a change after which folders are looked through
_PATIENCE = 30.0  # seconds after which they are, whatever goes on; or tried again


def watch_folders(
    folders: Mapping[str, Sequence[str]],
    index: Path,
    update: Callable[[str], None],
    *,
    busy: Callable[[BusyError], None] = lambda _: None,
    stop: Event | None = None,
) -> None:
    """Bring folders up to date: all of them first, then each when something changes below it.

    Changes are listened for before the first look, so that none is missed between the two.

    Args:
        folders: absolute, with their exclude patterns as in `.gitignore`.
        index: its folder; what happens inside is no change of photos.
        update: brings one of the folders up to date.
        busy: told that another process is writing to the index; the folder is tried again.
        stop: ends the watch when it is set.

    Raises:
        DataError: from `update`, when a folder is gone.
    """
    concerned = Concerned(folders, index)
    pending, first, due = set(folders), 0.0, 0.0
    for changes in watchfiles.watch(
        *folders,
        watch_filter=None,
        debounce=int(1e3 * _QUIET),
        rust_timeout=int(1e3 * _QUIET),
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    ):
        now = time.monotonic()
        found = set().union(*(concerned(path) for _, path in changes))
        if found:
            first = first if pending else now
            due = min(now + _QUIET, first + _PATIENCE)
            pending |= found
        if now < due:
            continue
        for folder in sorted(pending):
            try:
                update(folder)
            except BusyError as error:
                busy(error)
                due = time.monotonic() + _PATIENCE
            else:
                pending.discard(folder)


class Concerned:
    """Tells which folders a changed path concerns.

    Args:
        folders: absolute, with their exclude patterns.
        index: folder whose own files concern nobody.
    """

    def __init__(self, folders: Mapping[str, Sequence[str]], index: Path) -> None:
        self._ignores = {folder: Ignore(patterns) for folder, patterns in folders.items()}
        self._index = os.path.abspath(index)  # noqa: PTH100 - as the folders are

    def __call__(self, path: str) -> set[str]:
        """Folders that a photo, or a folder that may hold some, lies in and is not left out of.

        What is gone may have been a folder, so its name is not asked for.
        """
        if _inside(path, self._index) is not None:
            return set()
        if Path(path).is_file() and not path.lower().endswith(SUFFIXES):
            return set()
        return {folder for folder in self._ignores if self._kept(folder, path)}

    def _kept(self, folder: str, path: str) -> bool:
        inside = _inside(path, folder)
        if not inside:
            return inside is not None
        parts = inside.split("/")
        parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
        ignore = self._ignores[folder]
        return not (
            any(ignore(parent, is_folder=True) for parent in parents)
            or ignore(inside, is_folder=Path(path).is_dir())
        )


def _inside(path: str, folder: str) -> str | None:
    """A path relative to a folder it lies in or is, with forward slashes.

    Some systems tell changes by paths without links.
    """
    for root in (folder, os.path.realpath(folder)):
        if path == root:
            return ""
        start = root.rstrip(os.sep) + os.sep
        if path.startswith(start):
            return path[len(start) :].replace(os.sep, "/")
    return None

"""Following folders of photos: which of them should be brought up to date, and when.

Knows paths only; what is new in a folder is found by looking through it.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import watchfiles

from regard.errors import BusyError
from regard.indexing.following import Changes, Unfollowed, changes
from regard.photos.formats import is_photo_name
from regard.photos.ignore import Covered, inside

_QUIET = 1.0  # seconds without a change after which folders are looked through
_PATIENCE = 30.0  # seconds after which they are, whatever goes on; or tried again


def watch_folders(
    folders: Mapping[str, Sequence[str]],
    index: Path,
    update: Callable[[str], None],
    *,
    busy: Callable[[BusyError], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
    stop: Event | None = None,
) -> None:
    """Bring folders up to date: all of them first, then each when something changes below it.

    Changes are listened for before the first look, so that none is missed between the two. Where
    the system does not tell of all changes, all folders are looked through now and then.

    Args:
        folders: absolute, with their exclude patterns as in `.gitignore`.
        index: its folder; what happens inside is no change of photos.
        update: brings one of the folders up to date.
        busy: told that another process is writing to the index; the folder is tried again.
        tell: given a sentence when changes may go unnoticed, once for each reason.
        stop: ends the watch when it is set.

    Raises:
        DataError: from `update`, when a folder is gone.
    """
    concerned, stop = Concerned(folders, index), stop or Event()
    unfollowed = Unfollowed(folders, tell)
    while not stop.is_set():
        known = _identities(folders)
        for folder in (folder for folder, identity in known.items() if identity is None):
            update(folder)  # says that it is gone
        waiting = _Waiting(set(folders))
        for news in changes(folders, _QUIET, stop):
            if isinstance(news, str):
                unfollowed.note(news)
                continue
            waiting.add(set().union(*(concerned(path) for _, path in news)))
            if unfollowed.take_turn():
                waiting.add(set(folders))
            if waiting.is_over():
                begun = time.monotonic()
                waiting.bring(update, busy)
                unfollowed.looked(time.monotonic() - begun)
            if _identities(folders) != known or _deleted(folders, news):
                break  # of a folder made anew nothing more would be heard


def _identities(folders: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    """What tells a folder from another of the same name; None where there is none."""
    identities: dict[str, tuple[int, int] | None] = {}
    for folder in folders:
        try:
            state = os.stat(folder)  # noqa: PTH116 - both numbers at once
            identities[folder] = (state.st_dev, state.st_ino)
        except OSError:
            identities[folder] = None
    return identities


def _deleted(folders: Iterable[str], news: Changes) -> bool:
    """Whether one of the folders itself was, even if one that looks the same is there again."""
    gone = [path for change, path in news if change is watchfiles.Change.deleted]
    return any(inside(path, folder) == "" for path in gone for folder in folders)


@dataclass
class _Waiting:
    """Folders to be brought up to date, and when."""

    folders: set[str]
    first: float = 0.0
    """When the first of their changes was seen."""
    due: float = 0.0

    def add(self, folders: set[str]) -> None:
        """Something has changed in some folders just now."""
        if not folders:
            return
        now = time.monotonic()
        self.first = self.first if self.folders else now
        self.due = min(now + _QUIET, self.first + _PATIENCE)
        self.folders |= folders

    def is_over(self) -> bool:
        """Whether some wait and it is time."""
        return bool(self.folders) and time.monotonic() >= self.due

    def bring(self, update: Callable[[str], None], busy: Callable[[BusyError], None]) -> None:
        """Bring them up to date; while another process is writing they go on waiting."""
        for folder in sorted(self.folders):
            try:
                update(folder)
            except BusyError as error:
                busy(error)
                self.due = time.monotonic() + _PATIENCE
            else:
                self.folders.discard(folder)


class Concerned:
    """Tells which folders a changed path concerns.

    Args:
        folders: absolute, with their exclude patterns.
        index: folder whose own files concern nobody.
    """

    def __init__(self, folders: Mapping[str, Sequence[str]], index: Path) -> None:
        self._covered = {folder: Covered(folder, excludes) for folder, excludes in folders.items()}
        self._index = os.path.abspath(index)  # noqa: PTH100 - as the folders are

    def __call__(self, path: str) -> set[str]:
        """Folders that a photo, or a folder that may hold some, lies in and is not left out of.

        What is gone may have been a folder, so its name is not asked for.
        """
        if inside(path, self._index) is not None:
            return set()
        if Path(path).is_file() and not is_photo_name(path):
            return set()
        return {folder for folder, covered in self._covered.items() if covered(path)}

"""Which changes the system tells of: of some folders it does not, and then they are looked through.

Knows folders, limits and drives; nothing of photos.
"""

import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event

import watchfiles

Changes = set[tuple[watchfiles.Change, str]]
_EVERY, _REST = 10.0, 20.0  # seconds between looks, and at least so many times as long as one takes
_OWN = Path("/proc/self")
_OF_OTHERS = (  # file systems in which others make changes that this machine is not told of
    *("9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"),
    *("fuse.glusterfs", "fuse.rclone", "fuse.sshfs", "fuse.s3fs", "vboxsf", "drvfs"),
)


def changes(folders: Iterable[str], quiet: float, stop: Event) -> Iterator[Changes | str]:
    """What changes below some folders, as the system tells it; nothing every quiet moment.

    Where it tells nothing at all the reason comes first, and then only quiet moments.

    Args:
        quiet: seconds; changes that are so close come together.
        stop: ends it when it is set.
    """
    try:
        yield from watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=int(1e3 * quiet),
            rust_timeout=int(1e3 * quiet),
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,
        )
    except (RuntimeError, OSError) as error:  # the watcher's own; no folder is watched
        yield f"no folder can be followed ({error})"
        while not stop.wait(quiet):
            yield set()


class Unfollowed:
    """Knows whether changes may go unnoticed, says so, and when to look for them.

    Args:
        folders: absolute.
        tell: given what is to be said, once for each reason.
    """

    def __init__(self, folders: Iterable[str], tell: Callable[[str], None]) -> None:
        self._folders, self._tell = list(folders), tell
        self._reasons: set[str] = set()
        self._next = time.monotonic()

    def note(self, reason: str) -> None:
        """Some changes are not told of."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._tell(
                f"{reason}; all are looked through now and then instead. On Linux, raise "
                "fs.inotify.max_user_watches (or max_user_instances), or set "
                "WATCHFILES_FORCE_POLLING=true."
            )

    def looked(self, seconds: float) -> None:
        """All folders were looked through, which took so long; see what is followed by now."""
        self._next = time.monotonic() + max(_EVERY, _REST * seconds)
        for folder in self._folders:
            kind = drive_of(folder)
            if kind in _OF_OTHERS:
                self.note(f"{folder} is on a network drive ({kind}), of which not all is told")
        watched = number_watched()
        if watched is None or self._reasons:
            return
        there = sum(number_below(folder) for folder in self._folders)
        if watched < there:
            self.note(f"only {watched} of {there} folders can be followed")

    def take_turn(self) -> bool:
        """Whether it is time to look through all of them; said once for each look."""
        is_due = bool(self._reasons) and time.monotonic() >= self._next
        if is_due:
            self._next = math.inf
        return is_due


def number_watched() -> int | None:
    """How many folders Linux watches for this process; None where that cannot be known."""
    if os.environ.get("WATCHFILES_FORCE_POLLING") or not (_OWN / "fdinfo").is_dir():
        return None
    count = 0
    for file in (_OWN / "fdinfo").iterdir():
        with contextlib.suppress(OSError):
            count += sum(line.startswith("inotify ") for line in file.read_text().splitlines())
    return count


def number_below(folder: str) -> int:
    """Folders that can be listed below a folder, itself among them."""
    return sum(1 for _ in os.walk(folder)) or 1


def drive_of(folder: str) -> str:
    """The kind of file system a folder is in; empty where the system does not say."""
    kind, longest, real = "", -1, os.path.realpath(folder)
    with contextlib.suppress(OSError):
        for line in (_OWN / "mounts").read_text(errors="surrogateescape").splitlines():
            _, place, name, *_ = line.split(" ")
            place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place)
            is_in = f"{real}/".startswith(place.rstrip("/") + "/")
            if is_in and len(place) >= longest:
                kind, longest = name, len(place)
    return kind

"""One run over some photo files: only what is new or changed is read.

A file is known by path, size and time of change, and when one of these differs, by the sha256
of its bytes: so a renamed file keeps its entry, and several files with one content share it.
Photos and what is known of their files are committed together, some at a time; a process killed
at any point leaves the last commit, and the next run goes on from there.
"""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from regard.errors import PhotoError
from regard.kernels.hardware import available_cores
from regard.model.model import Model
from regard.photos.decode import read_photo
from regard.photos.find import PhotoFile, Scan
from regard.photos.ignore import Covered, inside
from regard.photos.tones import Tones, measure
from regard.progress import Progress, silent
from regard.regions.pipeline import Outcome, extract_stream, workers_for
from regard.search.catalog import Catalog, FileRow
from regard.store.region_store import RegionStore

_COMMIT_PHOTOS = 128
_TONE_SIDE = 64  # pixels that are enough to tell colours by
_COMMIT_FILES = 10_000  # files that need no extraction are committed so many at a time


class IndexReport(NamedTuple):
    """What an update did, counted in files."""

    added: int
    """Files that were not in the index, copies of indexed photos among them."""
    updated: int
    """Files whose content has changed."""
    moved: int
    """Files known by their content that have another path."""
    removed: int
    """Files that are gone."""
    unchanged: int
    """Files that are as they were, and were not opened."""
    skipped: dict[str, str]
    """Files and folders that could not be read, with the reasons."""
    passed_over: dict[str, int]
    """How many of what else lay in the folders, by kind: endings, other programs' folders."""


class Update:
    """One run over some files: what is known, what is under way, what was done."""

    def __init__(self, store: RegionStore, catalog: Catalog, model: Model) -> None:
        self._store, self._catalog, self._model = store, catalog, model
        self.known = catalog.files()
        self._paths_of: dict[str, list[str]] = {}
        for row in self.known.values():
            if row.content is not None:
                self._paths_of.setdefault(row.content, []).append(row.path)
        self.skipped: dict[str, str] = {}
        self._passed_over: dict[str, int] = {}
        self._count = dict.fromkeys(("added", "updated", "moved", "removed", "unchanged"), 0)
        self._gone: set[str] = set()
        self._left: set[str] = set()  # old paths of moved files
        self._waiting: dict[str, list[PhotoFile]] = {}  # files of contents under way
        self._again: list[PhotoFile] = []  # copies of one that changed or went while it was read
        self._batch: dict[str, Outcome] = {}  # extracted, not yet committed
        self._rows: list[FileRow] = []
        self._advance: Callable[[], None] = lambda: None

    def bring(
        self,
        root: str,
        excludes: Sequence[str] | None,
        look: Callable[[Sequence[str]], Scan],
        read: Callable[[Sequence[PhotoFile]], None],
    ) -> IndexReport:
        """Bring a whole folder up to date, however its files are found and read.

        Args:
            root: how paths of its files begin.
            excludes: remembered with the folder; None takes those that are.
            look: gives the files there are, but for the excluded ones.
            read: settles those of them that changed, and commits them.
        """
        if excludes is None:
            excludes = self._catalog.folders().get(root, [])
        scan = look(excludes)
        self.skipped.update(scan.unreadable)
        self._passed_over = dict(scan.passed_over)
        self.missing(self._gone_from(root, scan))
        read(scan.files)
        with self._store.transaction():
            self._catalog.put_folder(root, excludes)
            self.finish()
        return self.report()

    def _gone_from(self, root: str, scan: Scan) -> set[str]:
        """Files known below a folder that are gone, as far as it could be looked into."""
        gone = self.known_in(root) - {file.path for file in scan.files}
        if scan.unreadable:
            unseen = {key.replace(os.sep, "/") for key in scan.unreadable}
            folders = tuple(key for key in unseen if key.endswith("/"))
            plain = ((path, path.replace(os.sep, "/")) for path in gone)
            gone = {p for p, text in plain if text not in unseen and not text.startswith(folders)}
        return gone - self.held_by_others(root, gone)

    def held_by_others(self, root: str, paths: set[str]) -> set[str]:
        """Those of some paths that lie in another folder of the index too, and are still there."""
        others = [
            Covered(folder, excludes)
            for folder, excludes in self._catalog.folders().items()
            if folder != root and (inside(folder, root) or inside(root, folder))
        ]
        return {
            path for path in paths if any(other(path) for other in others) and os.path.lexists(path)
        }

    def known_in(self, root: str) -> set[str]:
        """Paths of the files known below a folder."""
        begin = root.rstrip(os.sep) + os.sep
        return {path for path in self.known if path.startswith(begin)}

    def missing(self, paths: Iterable[str]) -> None:
        """Note files that are no longer there; `finish` forgets those that did not move."""
        self._gone.update(paths)

    def read(self, files: Sequence[PhotoFile], progress: Progress, workers: int | None) -> None:
        """Bring files up to date, committing as it goes."""
        name = self._model.extractor_name
        todo = self.changed(files, progress)
        while todo:
            processes = workers_for(len(todo), workers)
            for outcome in extract_stream(self._fresh(todo), name, processes):
                self._take(outcome)
                if len(self._batch) >= _COMMIT_PHOTOS:
                    self._commit()
            todo, self._again = self._again, []
        self._commit()

    def tone(self, progress: Progress) -> None:
        """Look at the colours of photos that an older version indexed; what fails is left out."""
        todo = [(key, path) for key, path in self._catalog.untoned() if key in self._store]
        with ThreadPoolExecutor(available_cores()) as pool:
            for start in range(0, len(todo), _COMMIT_PHOTOS):
                some = todo[start : start + _COMMIT_PHOTOS]
                measured = zip(some, pool.map(_tones_of, (path for _, path in some)), strict=True)
                rows = [(key, tones) for (key, _), tones in measured if tones is not None]
                with self._store.transaction():
                    self._catalog.put_tones(rows)
                progress(start + len(some), len(todo))

    def changed(self, files: Sequence[PhotoFile], progress: Progress = silent) -> list[PhotoFile]:
        """Files that are not as they were; progress is told of each once it is settled."""
        todo = [file for file in files if not self._is_unchanged(file)]
        done = itertools.count(1)
        self._advance = lambda: progress(next(done), len(todo))
        return todo

    def _is_unchanged(self, file: PhotoFile) -> bool:
        """Whether a file is as it was; one that could not be read then is skipped again."""
        row = self.known.get(file.path)
        if row is None or (row.size, row.mtime_ns) != (file.size, file.mtime_ns):
            return False
        if row.reason is not None:
            self.skipped[file.path] = row.reason
        else:
            self._count["unchanged"] += 1
        return True

    def _fresh(self, todo: Sequence[PhotoFile]) -> Iterator[tuple[str, Path]]:
        """Contents nobody has seen, each with one file that has it; the rest is settled."""
        for file in todo:
            try:
                content = digest_file(file.path)
            except OSError as error:
                reason = (
                    f"{file.path} cannot be opened ({error.strerror}); it must be a file you may "
                    "read. Change its permissions, or leave it out with --exclude."
                )
                self.skip(file, reason, remember=False)
                continue
            if content in self._store or content in self._batch:
                self.settle(file, content)
            elif content in self._waiting:
                self._waiting[content].append(file)
            else:
                self._waiting[content] = [file]
                yield content, Path(file.path)

    def _take(self, outcome: Outcome) -> None:
        """Settle the files of a content that was extracted, or could not be.

        What was read of a file that changed meanwhile says nothing of its copies: they are read
        for themselves.
        """
        first, *copies = files = self._waiting.pop(outcome.key)
        is_changed = _has_changed(first)
        if is_changed or (outcome.regions is None and not outcome.lasting):
            reason = outcome.reason or (
                f"{first.path} changed while it was read; it must be whole and at rest. "
                "Index again."
            )
            self.skip(first, reason, remember=False)
            self._again += copies
        elif outcome.regions is not None:
            self._batch[outcome.key] = outcome
            for file in files:
                self.settle(file, outcome.key)
        else:
            for file in files:
                reason = outcome.reason.replace(first.path, file.path)
                self.skip(file, reason, remember=not _has_changed(file))

    def skip(self, file: PhotoFile, reason: str, *, remember: bool = True) -> None:
        """Note a file that cannot be read; unless remembered it is tried again next time."""
        self.skipped[file.path] = reason
        if remember:
            self._rows.append(FileRow(*file, None, reason))
        self._advance()

    def settle(self, file: PhotoFile, content: str) -> None:
        """Note a file whose content is in the store or the batch."""
        old = self.known.get(file.path)
        if old is not None:
            self._count["unchanged" if old.content == content else "updated"] += 1
        elif (left := self._left_by(content)) is not None:
            self._left.add(left)
            self._count["moved"] += 1
        else:
            self._count["added"] += 1
        self._rows.append(FileRow(*file, content))
        self._advance()
        if len(self._rows) >= _COMMIT_FILES:
            self._commit()

    def _left_by(self, content: str) -> str | None:
        """A path that had a content and is no longer there: where a new file has moved from."""
        for path in self._paths_of.get(content, ()):
            gone = path in self._gone or ("://" not in path and not os.path.lexists(path))
            if gone and path not in self._left:
                return path
        return None

    def _commit(self) -> None:
        """Make everything settled so far part of the index, at once."""
        batch = list(self._batch.values())
        regions = [outcome.regions for outcome in batch if outcome.regions is not None]
        embedded = self._model.embed(regions)
        with self._store.transaction():
            self._store.append((o.key, r) for o, r in zip(batch, embedded, strict=True))
            self.write([(o.key, o.taken, o.tones) for o in batch])
        self._batch.clear()

    def write(self, new: Sequence[tuple[str, datetime | None, Tones | None]]) -> None:
        """Write what is settled into the catalog; inside a transaction that stores its photos.

        Args:
            new: photos that came: when they were taken, and their colours.
        """
        self._catalog.put_dates((key, taken) for key, taken, _ in new)
        self._catalog.put_tones((key, tones) for key, _, tones in new if tones is not None)
        self._catalog.remove(self._left)
        self._catalog.put(self._rows)
        self._rows.clear()

    def finish(self) -> None:
        """Forget files that are gone and photos that have no file any more."""
        gone = self._gone - self._left
        self._catalog.remove(gone)
        self._count["removed"] += len(gone)
        self._store.remove(set(self._store) - self._catalog.contents())
        self._catalog.remove_unused()

    def report(self) -> IndexReport:
        """What was done so far."""
        return IndexReport(**self._count, skipped=self.skipped, passed_over=self._passed_over)


def digest_file(path: str) -> str:
    """Sha256 of a file's bytes, in hex.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - many of them
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tones_of(path: str) -> Tones | None:
    """Colours of a photo; None of one that cannot be read, or is not on this machine."""
    with contextlib.suppress(PhotoError):
        return measure(read_photo(Path(path), _TONE_SIDE).image)
    return None


def _has_changed(file: PhotoFile) -> bool:
    """Whether a file is no longer what was scanned."""
    try:
        state = os.stat(file.path)  # noqa: PTH116
    except OSError:
        return True
    return PhotoFile.of(file.path, state) != file

"""The index as requests see it: records kept at hand, folders by name, changes noticed.

Looks at the manifest's files now and then; when a writer has committed, the index is refreshed
between two searches, and no request is lost.
"""

import re
import threading
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from regard.errors import DataError
from regard.search import Filters, Index, PhotoRecord
from regard.search.catalog import Orientation
from regard.store.manifest import MANIFEST
from regard.web import models
from regard.web.problems import ProblemError
from regard.web.ranking import Ranker, Recent

_MOST_RECORDS = 20_000
_MOST_FOLDERS = 200


class Overview(NamedTuple):
    """What there is to choose from."""

    folders: list[models.Folder]
    paths: dict[str, Path]
    """Where each folder is."""
    first_taken: datetime | None
    last_taken: datetime | None


class Library:
    """An open index, shared by all requests."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.ranker = Ranker(index)
        self.roots = index.folders()
        self._records: Recent[PhotoRecord] = Recent(_MOST_RECORDS)
        self._lists: Recent[list[PhotoRecord]] = Recent(8)
        self._overview: Overview | None = None
        self.suggestions: models.Suggestions | None = None
        """Worked out at the first question after a change."""
        self._stamp = self._read_stamp()
        self._lock = threading.Lock()

    # ---- changes

    def _read_stamp(self) -> tuple[tuple[int, int], ...]:
        """Sizes and times of the manifest and its log: they change when somebody commits."""
        stamp = []
        for suffix in ("", "-wal"):
            try:
                state = (self.index.folder / f"{MANIFEST}{suffix}").stat()
                stamp.append((state.st_mtime_ns, state.st_size))
            except OSError:
                stamp.append((0, 0))
        return tuple(stamp)

    def follow(self) -> bool:
        """Take up what was committed since the last look; tells whether there was anything."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return False
            self.index.refresh()
            self._stamp = stamp
            self.roots = self.index.folders()
            self._overview = self.suggestions = None
            self._records.clear()
            self._lists.clear()
            self.ranker.forget()
            return True

    # ---- photos

    def record(self, photo_id: str) -> PhotoRecord:
        """The record of a photo.

        Raises:
            ProblemError: 404, no photo has that id.
        """
        kept = self._records.get(photo_id)
        if kept is not None:
            return kept
        try:
            found = self.index.photo(photo_id)
        except DataError:
            raise ProblemError(
                404,
                f"photo {photo_id} is not in the index",
                "it must be",
                "Search again: the index may have changed.",
            ) from None
        self._records.put(photo_id, found)
        return found

    def keep(self, record: PhotoRecord) -> None:
        """Remember a record: its picture will be asked for next."""
        self._records.put(record.id, record)

    def newest(self, filters: Filters) -> list[PhotoRecord]:
        """Photos that pass, newest first and undated ones last."""
        kept = self._lists.get(filters)
        if kept is None:
            kept = self.index.photos(filters)
            self._lists.put(filters, kept)
        return kept

    # ---- folders and filters

    def folder_of(self, path: Path) -> str:
        """The folder of a photo as the API names it: below the indexed one, never absolute.

        Where several folders are indexed, their own names come first.
        """
        for root in self.roots:
            if path.is_relative_to(root):
                inner = path.parent.relative_to(root)
                shown = inner if len(self.roots) == 1 else Path(root.name) / inner
                return "" if shown == Path() else shown.as_posix()
        return ""

    def describe(self, record: PhotoRecord) -> models.Photo:
        """A record as the API tells of it: no absolute path, no place."""
        return models.Photo(
            id=record.id,
            name=record.path.name,
            folder=self.folder_of(record.path),
            width=record.width,
            height=record.height,
            taken=record.taken.isoformat() if record.taken else None,
        )

    def overview(self) -> Overview:
        """Folders and dates of the whole index."""
        if self._overview is None:
            counts: Counter[str] = Counter()
            paths: dict[str, Path] = {}
            dates = []
            for record in self.newest(Filters()):
                name = self.folder_of(record.path)
                counts[name] += 1
                paths.setdefault(name, record.path.parent)
                if record.taken is not None:
                    dates.append(record.taken)
            largest = sorted(name for name, _ in counts.most_common(_MOST_FOLDERS))
            self._overview = Overview(
                [models.Folder(name=name, photos=counts[name]) for name in largest],
                paths,
                min(dates, default=None),
                max(dates, default=None),
            )
        return self._overview

    def filters(
        self,
        folder: str,
        since: date | None,
        until: date | None,
        shape: Orientation | None,
    ) -> Filters:
        """The index's filters for those of a request.

        Args:
            folder: by the API's name, with all below it; empty for all.
            since, until: first and last day.

        Raises:
            ProblemError: 422, there is no such folder, or no day after `until`.
        """
        path = None
        if folder:
            found = self.overview().paths.get(folder)
            if found is None:
                raise ProblemError(
                    422,
                    f"folder is {folder!r}",
                    "it must be one of those that `stats` lists",
                    "Choose one of them.",
                )
            path = re.sub(r"([*?\[])", r"[\1]", str(found)) + "/*"
        if until == date.max:
            until = None
        return Filters(
            path=path,
            taken_after=datetime.combine(since, time.min) if since else None,
            taken_before=datetime.combine(until + timedelta(days=1), time.min) if until else None,
            orientation=shape,
        )

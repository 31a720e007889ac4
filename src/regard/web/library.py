"""The index as requests see it: folders by name, lists kept at hand, changes noticed.

Looks now and then; when a writer has committed, the index is refreshed.
Requests under way end with the state they began with, and no request is lost.
"""

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from regard.errors import DataError
from regard.search import Filters, Index, PhotoRecord
from regard.search.catalog import ID_DIGITS, Orientation
from regard.search.differences import differences
from regard.search.favourites import Favourites
from regard.search.snapshot import Snapshot
from regard.search.stacks import bursts, joined, leaders, named, twins
from regard.search.understanding import Understood, read, understand
from regard.shapes import Float
from regard.web import models
from regard.web.problems import ProblemError
from regard.web.ranking import Ranker
from regard.web.recent import Recent

_MOST_FOLDERS = 200
_MOST_THINGS = 300
_KEPT_LISTS = 8

T = TypeVar("T")


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
        self.favourites = Favourites(index.folder)
        self.ranker = Ranker(index)
        self._names: Recent[dict[Path, str]] = Recent(1)
        self._lists: Recent[list[PhotoRecord]] = Recent(_KEPT_LISTS)
        self._overview: Recent[Overview] = Recent(1)
        self._duplicates: Recent[tuple[list[PhotoRecord], dict[str, str]]] = Recent(1)
        self._kin: Recent[dict[str, str]] = Recent(1)
        self._things: Recent[models.Things] = Recent(1)
        self._shown: Recent[Counter[str]] = Recent(1)
        self._following = threading.Lock()

    def follow(self) -> bool:
        """Take up what was committed since the last look; tells whether there was anything."""
        with self._following:
            if self.index.is_latest():
                return False
            self.index.refresh()
            return True

    def _kept(self, recent: Recent[T], work: Callable[[Snapshot], T]) -> T:
        """What follows from the present state, worked out once after each change."""
        with self.index.snapshot() as snapshot:
            return recent.of(snapshot.generation, "", lambda: work(snapshot))

    # ---- photos

    @contextlib.contextmanager
    def looking_up(self, photo_id: str) -> Iterator[Snapshot]:
        """The present state, to look up a photo in it.

        Raises:
            ProblemError: 404, no photo has that id.
        """
        try:
            with self.index.snapshot() as snapshot:
                yield snapshot
        except DataError:
            raise ProblemError(
                404,
                f"photo {photo_id} is not in the index",
                "it may have been removed",
                "Search again.",
            ) from None

    def record(self, photo_id: str) -> PhotoRecord:
        """The record of a photo.

        Raises:
            ProblemError: 404, no photo has that id.
        """
        with self.looking_up(photo_id) as snapshot:
            return snapshot.photo(photo_id)

    def newest(self, filters: Filters) -> list[PhotoRecord]:
        """Photos that pass, newest first and undated ones last."""
        with self.index.snapshot() as snapshot:
            return self.newest_of(snapshot, filters)

    def newest_of(self, snapshot: Snapshot, filters: Filters) -> list[PhotoRecord]:
        """The same for a given state of the index."""
        return self._lists.of(
            snapshot.generation, filters, lambda: snapshot.catalog.photos(filters)
        )

    # ---- folders and filters

    def roots(self) -> dict[Path, str]:
        """The folders that were indexed, each with a name no other has."""
        return self._kept(self._names, lambda snapshot: name_roots(snapshot.folders()))

    def folder_of(self, path: Path) -> str:
        """The folder of a photo as the API names it: below the indexed one, never absolute.

        Where several folders are indexed, their own names come first.
        """
        roots = self.roots()
        for root, name in roots.items():
            if path.is_relative_to(root):
                inner = path.parent.relative_to(root)
                shown = inner if len(roots) == 1 else Path(name) / inner
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
            favourite=record.id in self.favourites.ids(),
        )

    def overview(self) -> Overview:
        """Folders and dates of the whole index."""
        return self._kept(self._overview, self._sum_up)

    def _sum_up(self, snapshot: Snapshot) -> Overview:
        counts: Counter[str] = Counter()
        paths: dict[str, Path] = {}
        dates = []
        for record in self.newest_of(snapshot, Filters()):
            name = self.folder_of(record.path)
            counts[name] += 1
            paths.setdefault(name, record.path.parent)
            if record.taken is not None:
                dates.append(record.taken)
        largest = sorted(name for name, _ in counts.most_common(_MOST_FOLDERS))
        return Overview(
            [models.Folder(name=name, photos=counts[name]) for name in largest],
            paths,
            min(dates, default=None),
            max(dates, default=None),
        )

    def filters(
        self,
        folder: str,
        since: date | None,
        until: date | None,
        shape: Orientation | None,
        *,
        favourites: bool = False,
        tone: str | None = None,
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
            place = self.overview().paths.get(folder)
            if place is None:
                raise ProblemError(
                    422,
                    f"{folder!r} is not a folder of the index",
                    "`stats` lists those there are",
                    "Choose one of them.",
                )
            path = re.sub(r"([*?\[])", r"[\1]", str(place)) + "/*"
        if until == date.max:
            until = None
        return Filters(
            path=path,
            taken_after=datetime.combine(since, time.min) if since else None,
            taken_before=datetime.combine(until + timedelta(days=1), time.min) if until else None,
            orientation=shape,
            tone=tone,
            among=self.favourites.ids() if favourites else None,
        )

    def things(self) -> models.Things:
        """What photos show, most common first; worked out once after each change."""
        return self._kept(self._things, self._list_things)

    def _list_things(self, _: Snapshot) -> models.Things:
        most = self.index.things().most_common(_MOST_THINGS)
        return models.Things(things=[models.Thing(name=n, photos=photos) for n, photos in most])

    def read(self, text: str) -> Understood:
        """A query as it is meant, its misspelt words put right by what photos here show."""

        def shown() -> Counter[str]:
            return self._kept(self._shown, lambda _: self.index.shown_words())

        return read(text, self.index.model, date.today(), shown, toned=self.index.has_tones())

    def meant(self, text: str) -> str:
        """What a query asks photos to show, its words as they are."""
        return understand(text, date.today(), toned=self.index.has_tones()).text

    # ---- photos that are nearly the same

    def duplicates(self) -> tuple[list[PhotoRecord], dict[str, str]]:
        """Photos of which there are nearly the same, stack by stack, and which each nearly is."""
        return self._kept(self._duplicates, self._find_duplicates)

    def _find_duplicates(self, snapshot: Snapshot) -> tuple[list[PhotoRecord], dict[str, str]]:
        records = self.newest_of(snapshot, Filters())
        rows: dict[str, np.ndarray] = {}
        for ids, vectors in snapshot.pooled():
            rows.update(zip(ids, vectors, strict=True))
        if not records:
            return [], {}
        units = np.stack([rows[record.id] for record in records])
        pairs = [*twins(records), *bursts(records, lambda places: units[list(places)])]
        led = named(records, joined(leaders(units), pairs))
        place = {record.id: number for number, record in enumerate(records)}
        firsts = {*led.values(), *(key[:ID_DIGITS] for key in snapshot.copied())}
        stacked = [record for record in records if record.id in led or record.id in firsts]
        return sorted(stacked, key=lambda one: place[led.get(one.id, one.id)]), led

    def tell_apart(self, hits: Sequence[models.Hit]) -> None:
        """Say what differs in photos from the one each nearly is, and which files are copies."""
        with self.index.snapshot() as snapshot:
            copied = snapshot.copied()
            for hit in hits:
                paths = copied.get(snapshot.catalog.content_of_id(hit.photo.id), ())
                hit.copies = [f"{self.folder_of(path)}/{path.name}".lstrip("/") for path in paths]
                if hit.alike:
                    pair = (hit.photo.id, hit.alike)
                    sides = [(snapshot.photo(one), snapshot.regions(one)) for one in pair]
                    told = differences(*sides[0], *sides[1])
                    hit.differs = models.Differs(text=told.text, boxes=told.boxes)

    def kin(self) -> dict[str, str]:
        """Photos that are one shot with another, or of one burst, and the newest of these."""
        return self._kept(self._kin, self._find_kin)

    def _find_kin(self, snapshot: Snapshot) -> dict[str, str]:
        records = self.newest_of(snapshot, Filters())

        def units_of(places: Sequence[int]) -> Float[np.ndarray, "some dim"]:
            wanted = [records[place].id for place in places]
            rows: dict[str, np.ndarray] = {}
            for ids, vectors in snapshot.pooled(set(wanted)):
                rows.update(zip(ids, vectors, strict=True))
            return np.stack([rows[one] for one in wanted])

        pairs = [*twins(records), *bursts(records, units_of)]
        return named(records, joined(np.arange(len(records)), pairs))

    def months(self, filters: Filters) -> list[models.Month]:
        """How many of the photos that pass were taken in each month, newest first."""
        found = self.newest(filters)
        counts = Counter(f"{taken:%Y-%m}" if taken else None for *_, taken, _, _ in found)
        months, offset = [], 0
        for month, photos in counts.items():  # in the order of the photos
            months.append(models.Month(month=month, photos=photos, offset=offset))
            offset += photos
        return months


def name_roots(roots: Sequence[Path]) -> dict[Path, str]:
    """A name for each of some folders: its own, and where several have the same, where it lies.

    Folders `2019/trip` and `2020/trip` are `trip (2019)` and `trip (2020)`.
    """
    names: dict[Path, str] = {}
    for root in roots:
        alike = [other for other in roots if other.name == root.name]
        depth = 0
        while len({_named(other, depth) for other in alike}) < len(alike):
            depth += 1
        name = _named(root, depth)
        while name in names.values():  # a folder may really be called `trip (2019)`
            name += "*"
        names[root] = name
    return names


def _named(folder: Path, depth: int) -> str:
    """A folder's name and those of some folders it lies in."""
    above = folder.parent.parts[-depth:] if depth else ()
    return f"{folder.name} ({', '.join(above)})" if above else folder.name

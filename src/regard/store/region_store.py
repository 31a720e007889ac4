"""Region store: vectors, boxes and sizes by key, in memory-mapped shards beside one manifest.

A store holds raw features for training, or embedded regions for an index; it only knows that
they are rows of numbers made by some producer. Shards (safetensors, float16) are written first
and become part of the store in one SQLite transaction, so a process killed at any point leaves
the last committed state: nothing lost, nothing doubled. Who builds on a store keeps tables of
its own in the same manifest, inside the same transactions.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError, StoreError
from regard.progress import Progress, silent
from regard.shapes import Float, Int
from regard.store import manifest
from regard.store.bulk import collector_paused
from regard.store.closing import Closing
from regard.store.shards import Regions as Regions
from regard.store.shards import (
    Shard,
    check_regions,
    digest,
    gather_rows,
    in_turn,
    make_shard,
    map_shard,
    move_shard,
    write_shard,
)

_FULL_SHARD = 2048  # photos a compacted shard holds at most
_THIN_SHARDS = 16  # this many shards less than half full are put together
_ATTEMPTS = 5  # to see one state whole while a writer removes shards
_Sizes = tuple[str, int, int, int]  # key, rows, width and height of a photo


class Place(NamedTuple):
    """Where the regions of one photo are."""

    shard: int
    start: int
    rows: int
    width: int
    height: int


class RegionStore(Closing):
    """A folder of region vectors by key.

    A reader sees the state at the time it was opened or refreshed, whatever a writer does.

    Args:
        folder: where it is.
        producer: identity of what makes the vectors; None accepts whatever is there.
        dim: numbers per vector; needed to create a store.
        compressed: on creating, keep vectors in int8 (half the size) rather than float16.
        writable: take the writer's lock and allow changes; one writer at a time.
        only: numbers of the shards to look at, for a reader of a part; None looks at all.

    Raises:
        StoreError: missing (when not writable), damaged, newer, or made by another producer.
        BusyError: another process is writing.
    """

    def __init__(
        self,
        folder: str | Path,
        producer: str | None = None,
        dim: int | None = None,
        *,
        writable: bool = False,
        compressed: bool = False,
        only: Collection[int] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._only = only
        self._lock = manifest.lock(self.folder) if writable else None
        try:
            self.database = self._connect(producer, dim, compressed)
            manifest.check_version(self.database, self.folder)
            self.producer = manifest.meta(self.database, self.folder, "producer")
            self.dim = int(manifest.meta(self.database, self.folder, "dim"))
            self.compressed = manifest.is_compressed(self.database, self.folder)
            manifest.check_maker(
                self.folder, self.producer, self.dim, wanted=producer, wanted_dim=dim
            )
            if writable:
                manifest.sweep(self.database, self.folder)
            self._shards: dict[str, Shard] = {}
            self._unlinked: list[str] = []
            self.refresh()
        except BaseException:
            self.close()
            raise

    # ---- opening and closing

    def _connect(
        self, producer: str | None, dim: int | None, compressed: bool
    ) -> sqlite3.Connection:
        if not (self.folder / manifest.MANIFEST).exists():
            if self._lock is None or producer is None or dim is None:
                raise StoreError(
                    f"region store is {str(self.folder)!r}; it must hold a {manifest.MANIFEST}. "
                    "Make one with `regard extract PHOTOS --out REGIONS`."
                )
            manifest.create(self.folder, producer, dim, compressed=compressed)
        return manifest.connect(self.folder, writable=self._lock is not None)

    def refresh(self) -> None:
        """See what another process has committed since this store was opened.

        A reader maps every shard at once, so that none can be removed under its feet; one that
        vanished while it looked means a newer state, which it then looks at.
        """
        for attempt in range(_ATTEMPTS):
            self.stamp = manifest.stamp(self.folder)  # before the state it stands for is looked at
            if self._lock is None:
                self._begin_reading()
            items, shards = manifest.read_rows(self.database, self._only)
            with collector_paused():
                self._places = {row[0]: Place(*row[1:]) for row in items}
            self._files: dict[int, str] = dict(shards)
            if self._lock is not None or self._map_all(last=attempt == _ATTEMPTS - 1):
                return

    def _begin_reading(self) -> None:
        """Hold on to the latest state; a read transaction never hinders a writer in WAL mode."""
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
        if self.database.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            self.database.execute("BEGIN")

    def _map_all(self, *, last: bool) -> bool:
        """Map the shards of this state; False when one has vanished. Damage is told on reading."""
        mapped: dict[str, Shard] = {}
        for file in self._files.values():
            if file not in self._shards and not last and not (self.folder / file).exists():
                return False
            with contextlib.suppress(StoreError):
                mapped[file] = self._shards.get(file) or map_shard(self.folder / file)
        self._shards = mapped
        return True

    def close(self) -> None:
        """Release the database and the writer's lock."""
        if hasattr(self, "database"):
            self.database.close()
        if self._lock is not None:
            self._lock.release()

    # ---- reading

    def __len__(self) -> int:
        """How many photos are stored."""
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        """Whether a photo is stored."""
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        """Keys in the order they were added."""
        return iter(self._places)

    def __getitem__(self, key: str) -> Regions:
        """Regions of one photo, memory-mapped.

        Raises:
            DataError: no photo has that key.
        """
        place = self.place(key)
        shard = self.shard(place.shard)
        stop = place.start + place.rows
        rows = slice(place.start, stop)
        vectors = shard.rows(place.start, stop)
        boxes, scores, labels = shard.boxes[rows], shard.scores[rows], shard.labels(rows)
        return Regions(vectors, boxes, scores, place.width, place.height, labels)

    def place(self, key: str) -> Place:
        """Where the regions of a photo are.

        Raises:
            DataError: no photo has that key.
        """
        try:
            return self._places[key]
        except KeyError:
            raise DataError(
                f"photo {key!r} is not in {self.folder}; every photo named must be extracted. "
                "Run `regard extract` over the same photos."
            ) from None

    def gather(
        self, keys: Sequence[str], *, apart: bool = False
    ) -> tuple[Float[np.ndarray, "photo region dim"], Int[np.ndarray, " photo"]]:
        """Vectors of several photos, padded with zeros, and how many each has.

        Args:
            apart: whether they are here and there in the store (`shards.in_turn`).
        """
        return gather_rows(self.parts(keys), self.dim, apart=apart)

    def copies(self, keys: Sequence[str]) -> list[Regions]:
        """Regions of some photos in memory of their own."""
        found = [self[key] for key in keys]
        each = zip(found, in_turn(self.parts(keys)), strict=True)
        return [regions._replace(vectors=np.array(regions.vectors)) for regions, _ in each]

    def parts(self, keys: Iterable[str]) -> list[tuple[Shard, int, int]]:
        """The shard of each photo, where its vectors begin there and how many they are."""
        places = [self.place(key) for key in keys]
        return [(self.shard(place.shard), place.start, place.rows) for place in places]

    def file(self, number: int) -> str:
        """Name of a shard's file; no other contents ever have it."""
        return self._files[number]

    def shard(self, number: int) -> Shard:
        """All arrays of one shard, memory-mapped.

        Raises:
            StoreError: its file is missing or damaged.
        """
        file = self._files[number]
        if file not in self._shards:
            self._shards[file] = map_shard(self.folder / file)
        return self._shards[file]

    # ---- writing

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes inside become visible and durable together, or none; may be nested."""
        if self._lock is None:
            raise StoreError(
                f"{self.folder} is open for reading; it must be opened with writable=True to "
                "be changed. Open it again."
            )
        if self.database.in_transaction:
            yield self.database
            return
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield self.database
            self.database.execute("COMMIT")
        except BaseException:
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            self._unlinked.clear()
            self.refresh()
            raise
        while self._unlinked:
            self._unlink(self._unlinked.pop())

    def _unlink(self, file: str) -> None:
        """Remove a shard file; where a reader prevents it, the next writer sweeps it away."""
        self._shards.pop(file, None)
        with contextlib.suppress(PermissionError):
            (self.folder / file).unlink(missing_ok=True)

    def append(self, items: Iterable[tuple[str, Regions]]) -> None:
        """Add photos as one shard, all or none; a key already stored is replaced.

        Raises:
            ShapeError: vectors of another width, or boxes and vectors that do not fit.
        """
        batch = list(items)
        if not batch:
            return
        for key, regions in batch:
            check_regions(key, regions, self.dim)
        with self.transaction() as database:
            self._write(batch)
            database.executemany("DELETE FROM skipped WHERE key = ?", [(b[0],) for b in batch])

    def adopt(self, path: Path, photos: Iterable[_Sizes]) -> None:
        """Make a shard written elsewhere part of the store; what is already stored stays as it is.

        Args:
            path: of its file, on the store's own file system; it is moved.
            photos: key, rows, width and height of each, in the order of the shard's rows.
        """
        listed = list(photos)
        with self.transaction() as database:
            number = manifest.next_shard(database)
            self._enter(number, move_shard(path, self.folder, number), listed, replace=False)
            database.executemany("DELETE FROM skipped WHERE key = ?", [(p[0],) for p in listed])

    def _write(self, batch: list[tuple[str, Regions]]) -> None:
        """Write a shard and point its photos at it; inside a transaction."""
        number = manifest.next_shard(self.database)
        arrays = make_shard([regions for _, regions in batch], compressed=self.compressed)
        written = write_shard(self.folder, number, arrays)
        photos = [(key, len(r.vectors), r.width, r.height) for key, r in batch]
        self._enter(number, written, photos, replace=True)

    def _enter(
        self, number: int, written: tuple[str, str], photos: Iterable[_Sizes], *, replace: bool
    ) -> None:
        """Point photos at their rows of a shard; inside a transaction."""
        self.database.execute("INSERT INTO shards VALUES (?, ?, ?)", (number, *written))
        self._files[number] = written[0]
        start, entered = 0, []
        for key, rows, width, height in photos:
            if replace or key not in self._places:
                self._places[key] = Place(number, start, rows, width, height)
                entered.append(key)
            start += rows
        manifest.put_items(self.database, [(key, *self._places[key]) for key in entered])

    def remove(self, keys: Iterable[str]) -> None:
        """Forget photos; the space of shards left empty is freed at once, the rest by `compact`."""
        with self.transaction() as database:
            doomed = {key for key in keys if key in self._places}
            database.executemany("DELETE FROM items WHERE key = ?", [(key,) for key in doomed])
            for key in doomed:
                del self._places[key]
            used = {place.shard for place in self._places.values()}
            self._drop(set(self._files) - used)

    def drop(self, files: Iterable[str]) -> None:
        """Forget shards, as when they are damaged, with all their photos."""
        with self.transaction():
            wanted = set(files)
            numbers = {number for number, file in self._files.items() if file in wanted}
            self.remove([key for key, place in self._places.items() if place.shard in numbers])
            self._drop(numbers & set(self._files))

    def _drop(self, numbers: Iterable[int]) -> None:
        """Forget shards nothing points at; their files go once that is committed."""
        for number in list(numbers):
            self.database.execute("DELETE FROM shards WHERE id = ?", (number,))
            self._unlinked.append(self._files.pop(number))

    def compact(self) -> int:
        """Put thin shards together: those less than half full, or half forgotten.

        Does nothing until there are sixteen of them, so that every photo is rewritten about
        once however many times a store is added to.

        Returns:
            How many shards were put together.
        """
        photos: dict[int, list[str]] = {number: [] for number in self._files}
        for key, place in self._places.items():
            photos[place.shard].append(key)
        thin = [number for number, keys in photos.items() if self._is_thin(number, keys)]
        if len(thin) < _THIN_SHARDS:
            return 0
        keys = [key for number in thin for key in photos[number]]
        with self.transaction():
            for first in range(0, len(keys), _FULL_SHARD):
                self._write([(key, self[key]) for key in keys[first : first + _FULL_SHARD]])
            self._drop(thin)
        return len(thin)

    def _is_thin(self, number: int, keys: list[str]) -> bool:
        live = sum(self._places[key].rows for key in keys)
        return len(keys) < _FULL_SHARD // 2 or 2 * live < len(self.shard(number).vectors)

    def skip(self, key: str, reason: str) -> None:
        """Remember that a photo could not be read, so that reports can name it."""
        with self.transaction() as database:
            database.execute("REPLACE INTO skipped VALUES (?, ?)", (key, reason))

    def skipped(self) -> dict[str, str]:
        """Photos that could not be read, with the reasons."""
        return dict(self.database.execute("SELECT key, reason FROM skipped ORDER BY key"))

    def check(self, progress: Progress = silent) -> dict[str, list[str]]:
        """Shard files whose checksum is not the one recorded, each with its photos' keys.

        Args:
            progress: told how many shards are read, of how many.
        """
        rows = self.database.execute("SELECT id, file, sha256 FROM shards").fetchall()
        bad: dict[int, str] = {}
        for done, (number, file, sha) in enumerate(rows, 1):
            if digest(self.folder / file) != sha:
                bad[number] = file
            progress(done, len(rows))
        lost: dict[str, list[str]] = {file: [] for file in bad.values()}
        for key, place in self._places.items():
            if place.shard in bad:
                lost[bad[place.shard]].append(key)
        return lost

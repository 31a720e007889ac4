"""Region store: vectors, boxes and sizes by key, in memory-mapped shards beside one manifest.

A store holds raw features for training, or embedded regions for an index; it only knows that
they are rows of numbers made by some producer. Shards (safetensors, float16) are written first
and become part of the store in one SQLite transaction, so a process killed at any point leaves
the last committed state: nothing lost, nothing doubled.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Float, Int
from safetensors.numpy import save_file

from regard.errors import BusyError, DataError, ShapeError, StoreError

VERSION = 1
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE shards (id INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE items (
  key TEXT PRIMARY KEY, shard INTEGER NOT NULL REFERENCES shards, start INTEGER NOT NULL,
  count INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL);
CREATE TABLE skipped (key TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""


class StoredRegions(NamedTuple):
    """The regions of one photo."""

    vectors: Float[np.ndarray, "region dim"]
    """Float16, memory-mapped when read."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels of the original photo."""
    scores: Float[np.ndarray, " region"]
    """Confidence of each region."""
    width: int
    """Width of the photo in pixels; 0 where unknown."""
    height: int
    """Height of the photo in pixels; 0 where unknown."""


class _Place(NamedTuple):
    shard: int
    start: int
    rows: int
    width: int
    height: int


class _Shard(NamedTuple):
    vectors: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


class RegionStore:
    """A folder of region vectors by key.

    Args:
        folder: where it is.
        producer: identity of what makes the vectors; None accepts whatever is there.
        dim: numbers per vector; needed to create a store.
        writable: take the writer's lock and allow `append`; one writer at a time.

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
    ) -> None:
        self.folder = Path(folder)
        self._lock = self._acquire() if writable else None
        try:
            self._database = self._connect(producer, dim, writable)
            self.producer = self._meta("producer")
            self.dim = int(self._meta("dim"))
            self._check(producer, dim)
            if writable:
                self._sweep()
        except BaseException:
            self.close()
            raise
        self._shards: dict[int, _Shard] = {}
        self._places = self._read_places()

    # ---- opening and closing

    def _acquire(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                f"{self.folder} is being written by another process; there must be one writer "
                "at a time. Wait for it to finish, or stop it."
            ) from None
        return lock

    def _connect(self, producer: str | None, dim: int | None, writable: bool) -> sqlite3.Connection:
        path = self.folder / "manifest.sqlite"
        if not path.exists():
            if not writable or producer is None or dim is None:
                raise StoreError(
                    f"region store is {str(self.folder)!r}; it must hold a manifest.sqlite. "
                    "Make one with `regard extract PHOTOS --out REGIONS`."
                )
            self._create(path, producer, dim)
        database = sqlite3.connect(path, check_same_thread=False)
        database.execute("PRAGMA busy_timeout = 10000")
        return database

    @staticmethod
    def _create(path: Path, producer: str, dim: int) -> None:
        """Make the manifest whole under another name, then move it into place."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(fresh)) as database:
            database.executescript(_SCHEMA)
            rows = (("version", str(VERSION)), ("producer", producer), ("dim", str(dim)))
            database.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            database.commit()
        fresh.replace(path)

    def _meta(self, name: str) -> str:
        try:
            row = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,))
            return str(row.fetchone()[0])
        except (sqlite3.DatabaseError, TypeError):
            raise StoreError(
                f"{self.folder / 'manifest.sqlite'} is damaged; it must be a manifest of this "
                "program. Restore it from a backup, or delete the folder and make it anew."
            ) from None

    def _check(self, producer: str | None, dim: int | None) -> None:
        version = int(self._meta("version"))
        if version > VERSION:
            raise StoreError(
                f"{self.folder} has format {version}; this program knows up to {VERSION}. "
                "Update it: pip install --upgrade regard"
            )
        if producer is not None and producer != self.producer:
            raise StoreError(
                f"{self.folder} was made by {self.producer!r}; it must be by {producer!r}. "
                "Use another folder, or delete this one and make it anew."
            )
        if dim is not None and dim != self.dim:
            raise StoreError(
                f"{self.folder} holds vectors of {self.dim} numbers; they must have {dim}. "
                "Use another folder, or delete this one and make it anew."
            )

    def _sweep(self) -> None:
        """Remove shard files no transaction ever named (a killed writer's leftovers)."""
        known = {row[0] for row in self._database.execute("SELECT file FROM shards")}
        for path in self.folder.glob("shard-*"):
            if path.name not in known:
                path.unlink()

    def _read_places(self) -> dict[str, _Place]:
        rows = self._database.execute(
            "SELECT key, shard, start, count, width, height FROM items ORDER BY rowid"
        )
        return {row[0]: _Place(*row[1:]) for row in rows}

    def refresh(self) -> None:
        """See what another process has committed since this store was opened."""
        self._places = self._read_places()

    def close(self) -> None:
        """Release the database and the writer's lock."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "RegionStore":
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close on leaving."""
        self.close()

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

    def __getitem__(self, key: str) -> StoredRegions:
        """Regions of one photo, memory-mapped.

        Raises:
            DataError: no photo has that key.
        """
        place = self._place(key)
        shard = self._shard(place.shard)
        rows = slice(place.start, place.start + place.rows)
        return StoredRegions(
            shard.vectors[rows], shard.boxes[rows], shard.scores[rows], place.width, place.height
        )

    def _place(self, key: str) -> _Place:
        try:
            return self._places[key]
        except KeyError:
            raise DataError(
                f"photo {key!r} is not in {self.folder}; every photo named must be extracted. "
                "Run `regard extract` over the same photos."
            ) from None

    def gather(
        self, keys: Sequence[str]
    ) -> tuple[Float[np.ndarray, "photo region dim"], Int[np.ndarray, " photo"]]:
        """Vectors of several photos, padded with zeros, as stored, and how many each has."""
        places = [self._place(key) for key in keys]
        counts = np.array([place.rows for place in places], np.int64)
        width = int(counts.max(initial=0))
        out = np.zeros((len(keys), width, self.dim), np.float16)
        for row, place in enumerate(places):
            vectors = self._shard(place.shard).vectors
            out[row, : place.rows] = vectors[place.start : place.start + place.rows]
        return out, counts

    def _shard(self, number: int) -> _Shard:
        if number not in self._shards:
            row = self._database.execute("SELECT file FROM shards WHERE id = ?", (number,))
            self._shards[number] = _map_shard(self.folder / row.fetchone()[0])
        return self._shards[number]

    # ---- writing

    def append(self, items: Iterable[tuple[str, StoredRegions]]) -> None:
        """Add photos as one shard, all or none; a key already stored is replaced.

        Raises:
            ShapeError: vectors of another width, or boxes and vectors that do not fit.
        """
        batch = list(items)
        if not batch:
            return
        self._check_batch(batch)
        arrays = {
            "vectors": np.concatenate([np.asarray(r.vectors, np.float16) for _, r in batch]),
            "boxes": np.concatenate([np.asarray(r.boxes, np.float32) for _, r in batch]),
            "scores": np.concatenate([np.asarray(r.scores, np.float32) for _, r in batch]),
        }
        number = self._next_shard()
        path = self.folder / f"shard-{number:06d}.safetensors"
        digest = _write_shard(path, arrays)
        with self._database:
            self._database.execute(
                "INSERT INTO shards VALUES (?, ?, ?)", (number, path.name, digest)
            )
            start = 0
            for key, regions in batch:
                rows = len(regions.vectors)
                place = _Place(number, start, rows, regions.width, regions.height)
                self._database.execute(
                    "REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)", (key, *place)
                )
                self._database.execute("DELETE FROM skipped WHERE key = ?", (key,))
                self._places[key] = place
                start += rows

    def _next_shard(self) -> int:
        if self._lock is None:
            raise StoreError(
                f"{self.folder} is open for reading; it must be opened with writable=True to "
                "append. Open it again."
            )
        row = self._database.execute("SELECT COALESCE(MAX(id), -1) + 1 FROM shards")
        return int(row.fetchone()[0])

    def _check_batch(self, batch: list[tuple[str, StoredRegions]]) -> None:
        for key, regions in batch:
            count = len(regions.vectors)
            shapes = (regions.vectors.shape, regions.boxes.shape, regions.scores.shape)
            if shapes != ((count, self.dim), (count, 4), (count,)) or count == 0:
                raise ShapeError(
                    f"regions of {key!r} have shapes {shapes}; they must be (R, {self.dim}), "
                    "(R, 4) and (R,) with R at least 1. Look at the extractor."
                )
            if not np.isfinite(regions.vectors).all():
                raise ShapeError(
                    f"regions of {key!r} hold values that are not finite; every one must be a "
                    "number. Look at the extractor."
                )

    def skip(self, key: str, reason: str) -> None:
        """Remember that a photo could not be read, so that reports can name it."""
        with self._database:
            self._database.execute("REPLACE INTO skipped VALUES (?, ?)", (key, reason))

    def skipped(self) -> dict[str, str]:
        """Photos that could not be read, with the reasons."""
        return dict(self._database.execute("SELECT key, reason FROM skipped ORDER BY key"))

    def check(self) -> list[str]:
        """Shard files whose checksum is not the one recorded; empty when all is well."""
        rows = self._database.execute("SELECT file, sha256 FROM shards").fetchall()
        return [file for file, digest in rows if _digest(self.folder / file) != digest]


def _write_shard(path: Path, arrays: dict[str, np.ndarray]) -> str:
    """Write a shard so that it exists whole or not at all; return its sha256."""
    partial = path.with_suffix(".partial")
    save_file(arrays, partial)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    return _digest(path)


def _digest(path: Path) -> str:
    if not path.exists():
        return "missing"
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _map_shard(path: Path) -> _Shard:
    """Memory-map the arrays of a safetensors file.

    Raises:
        StoreError: the file is missing or damaged.
    """
    kinds = {"F16": np.float16, "F32": np.float32}
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        found = {}
        for name in ("vectors", "boxes", "scores"):
            entry = header[name]
            found[name] = np.memmap(
                path,
                kinds[entry["dtype"]],
                "r",
                8 + length + entry["data_offsets"][0],
                tuple(entry["shape"]),
            )
        return _Shard(**found)
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{path} is damaged or missing ({error}); it must be a whole shard. "
            "Delete the store's folder and extract again."
        ) from None

"""Which photos of a large collection are worth scoring.

For every photo the unit vector in the direction of its mean region is kept, in int8. Its inner
product with the mean of a query's words orders photos nearly as attention does, where a model
was trained to agree on both (the contrastive loss does that). There is nothing to train or balance:
adding a shard adds its means, and what was removed is passed over.

A search goes through them along the few directions in which they lie most, a quarter of the
numbers for the model that ships: how fast memory is read decides how long a search of a million
photos takes.

With them is kept what each photo's similarities are lowered by (`regard.model.background`). A
collection in which every photo is scored needs that alone.

The means lie beside the shards, `means-N-CHECKSUM.safetensors` for `shard-N-CHECKSUM`; discounts
alone in `discounts-N-CHECKSUM.safetensors`. They can always be made again from the shards, so they
need no transaction: a missing file is made, a stale one removed.
"""

import threading
from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, Int8, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from regard.kernels.bytes import inner_products
from regard.kernels.workers import run_tasks, thread_count
from regard.model.background import Background
from regard.store.atomic import write_bytes
from regard.store.int8 import to_int8
from regard.store.region_store import RegionStore

EXHAUSTIVE = 50_000
"""Photos up to which every one is scored exactly."""

_LISTS = 4  # of photos whose places are kept, as of all photos and those that pass a filter
_MANY = 1000  # photos from which on it is worth keeping where they stand

_TOGETHER = 1 << 26  # bytes of mean vectors that are brought along few directions together
_FITTED = 8192  # photos that tell these directions, and that are brought along them at a time
_FEWEST, _HELD = 64, 0.9  # directions come in so many; they hold this share of the squares

_RUN = 256  # values whose largest tells whether they are worth a look

Queries = Sequence[tuple[float, Float[np.ndarray, "_ dim"]]]
"""Weights, and the word vectors of a sentence or the regions of a photo."""


class _Photos(NamedTuple):
    """The photos of one shard, in its order."""

    starts: Int[np.ndarray, " photo"]
    """Where each photo's regions begin."""
    counts: Int[np.ndarray, " photo"]


class _Means(NamedTuple):
    """Mean regions of the photos of one shard, of some that are forgotten perhaps among them."""

    starts: Int[np.ndarray, " photo"]
    """Where each photo's regions begin in the shard, ascending."""
    vectors: Int8[np.ndarray, "photo dim"]
    """No numbers where every photo is scored: only discounts are needed then."""
    scales: Float[np.ndarray, " photo"]
    discounts: Float[np.ndarray, " photo"]
    background: UInt8[np.ndarray, " digit"]
    """Digest of what the discounts come from; no digits where there are none."""


class _Rough(NamedTuple):
    """The means of a shard as they are searched: along few directions."""

    starts: Int[np.ndarray, " photo"]
    vectors: Int8[np.ndarray, "photo few"]
    scales: Float[np.ndarray, " photo"]
    discounts: Float[np.ndarray, " photo"]


class _Rows(NamedTuple):
    """Where the photos of each shard stand in a list of keys; -1 for those not in it."""

    keys: Sequence[str]
    by_file: dict[str, npt.NDArray[np.int64] | slice]
    """A slice where the shard's photos stand in the list one after another."""


class Shortlist:
    """Finds the photos of a store that come near a query.

    Args:
        store: of embedded regions.
        background: what photos are compared with; None lowers no similarity.
    """

    def __init__(self, store: RegionStore, background: Background | None = None) -> None:
        self._store, self._background = store, background
        self._means: dict[str, _Rough] = {}  # by file of the shard
        self._directions: Float[np.ndarray, "dim few"] | None = None
        self._whole = False  # whether those of every shard are there
        self._lists: list[_Rows] = []  # as last asked for, the latest first
        self._lock = threading.Lock()

    def over(self, store: RegionStore) -> "Shortlist":
        """One for a later state of the store, which keeps the means of shards that stayed."""
        later = Shortlist(store, self._background)
        if _is_shortlisted(store) == _is_shortlisted(self._store):
            with self._lock:
                later._means, later._directions = self._means, self._directions
        return later

    def discounts(self, keys: Sequence[str]) -> Float[np.ndarray, " photo"]:
        """What the similarities of photos are lowered by."""
        out = np.zeros(len(keys), np.float32)
        if self._background is None:
            return out
        self._load()
        for file, rows in self._placed(keys).items():
            found = self._means[file].discounts
            if isinstance(rows, slice):
                out[rows] = found
            else:
                out[rows[rows >= 0]] = found[rows >= 0]
        return out

    def nearest(
        self, keys: Sequence[str], queries: Queries, count: int, sentences: float = 0.0
    ) -> list[str]:
        """The photos most similar to a query by their mean regions alone, in the order of `keys`.

        Args:
            keys: photos to look among.
            count: how many to give at most.
            sentences: as in `Scorer.best`.
        """
        if count >= len(keys):
            return list(keys)
        self._load()
        assert self._directions is not None  # there are photos
        by_file = self._placed(keys)
        codes, scale = to_int8((mean_query(queries) @ self._directions)[None])
        rough = codes[0]
        out = np.zeros(len(keys), np.float32)

        def work(files: Sequence[str]) -> None:
            for file in files:
                means, rows = self._means[file], by_file[file]
                if isinstance(rows, slice):
                    inner_products(means.vectors, means.scales, rough, out[rows])
                    continue
                found = np.zeros(len(rows), np.float32)
                inner_products(means.vectors, means.scales, rough, found)
                out[rows[rows >= 0]] = found[rows >= 0]

        files, threads = list(by_file), thread_count(None)
        run_tasks([files[n :: 4 * threads] for n in range(4 * threads)], work, threads)
        if sentences and self._background is not None:
            lowered = sentences * sum(abs(weight) for weight, _ in queries) / float(scale[0])
            out -= np.float32(lowered) * self.discounts(keys)
        return [keys[row] for row in _largest(out, count).tolist()]

    def _load(self) -> None:
        """Have the means of every shard, and the directions they are along."""
        with self._lock:
            if not self._whole:
                self._load_all()

    def _load_all(self) -> None:
        means: dict[str, _Rough] = {}
        new: dict[str, _Means] = {}
        for number, photos in _photos_by_shard(self._store).items():
            file = self._store.file(number)
            found = self._means.get(file)
            if found is not None and np.isin(photos.starts, found.starts).all():
                means[file] = found
                continue
            wanted = (self._store, number, photos, self._background)
            new[file] = _load(*wanted) or _make(*wanted)
            if sum(one.vectors.nbytes for one in new.values()) >= _TOGETHER:
                means |= self._roughly(new)
                new = {}
        self._means, self._whole = means | self._roughly(new), True

    def _roughly(self, means: dict[str, _Means]) -> dict[str, _Rough]:
        """The same along few directions, in one block: a large one is given huge pages."""
        if not means:
            return {}
        if not _is_shortlisted(self._store):
            return {file: _Rough(*one[:4]) for file, one in means.items()}
        vectors = np.concatenate([one.vectors for one in means.values()])
        scales = np.concatenate([one.scales for one in means.values()])
        if self._directions is None:
            some = slice(None, None, -(-len(vectors) // _FITTED))
            self._directions = _main_directions(vectors[some] * scales[some, None])
        codes = np.empty((len(vectors), self._directions.shape[1]), np.int8)
        for start in range(0, len(vectors), _FITTED):
            part = slice(start, start + _FITTED)
            exact = (vectors[part] * scales[part, None]) @ self._directions
            codes[part], scales[part] = to_int8(exact)
        ends = np.cumsum([len(one.vectors) for one in means.values()]).tolist()
        return {
            file: _Rough(one.starts, codes[begin:end], scales[begin:end], one.discounts)
            for (file, one), (begin, end) in zip(means.items(), pairwise([0, *ends]), strict=True)
        }

    def _placed(self, keys: Sequence[str]) -> dict[str, npt.NDArray[np.int64] | slice]:
        """Where in `keys` the photos of each shard stand; kept for the lists last asked for."""
        for kept in self._lists:  # replaced as a whole, so that no lock is needed
            if kept.keys is keys:
                return kept.by_file
        places = _places(self._store, keys)
        by_file: dict[str, npt.NDArray[np.int64] | slice] = {}
        order = np.argsort(places[:, 0], kind="stable")
        numbers, first = np.unique(places[order, 0], return_index=True)
        parts = np.split(order, first[1:]) if len(order) else []
        for number, here in zip(numbers.tolist(), parts, strict=True):
            file = self._store.file(number)
            starts = self._means[file].starts
            rows = np.full(len(starts), -1, np.int64)
            rows[np.searchsorted(starts, places[here, 1])] = here
            by_file[file] = _as_slice(rows)
        if len(keys) > _MANY:
            self._lists = [_Rows(keys, by_file), *self._lists[: _LISTS - 1]]
        return by_file


def mean_query(queries: Queries) -> Float[np.ndarray, " dim"]:
    """The mean of a query's words, several queries by their weights."""
    total = sum(weight * vectors.mean(0) for weight, vectors in queries)
    return np.asarray(total, np.float32)


def write_means(store: RegionStore, background: Background | None = None) -> None:
    """Put what searches need of all shards on disk, and remove that of shards there are no more.

    Only for a store's one writer.
    """
    wanted: set[str] = set()
    for number, photos in _photos_by_shard(store).items():
        path = _path(store, number)
        wanted.add(path.name)
        if _load(store, number, photos, background) is None:
            contents = save(_make(store, number, photos, background)._asdict())
            write_bytes(path, contents, durable=False)
    for path in chain(store.folder.glob("means-*"), store.folder.glob("discounts-*")):
        if path.name not in wanted:
            path.unlink()


def _is_shortlisted(store: RegionStore) -> bool:
    """Whether a search scores some of a store's photos only."""
    return len(store) > EXHAUSTIVE


def _photos_by_shard(store: RegionStore) -> dict[int, _Photos]:
    places = _places(store, list(store))
    shards, starts, counts = places[np.lexsort((places[:, 1], places[:, 0]))].T.copy()
    numbers, first = np.unique(shards, return_index=True)
    borders = [*first.tolist(), len(shards)]
    return {
        number: _Photos(starts[begin:end], counts[begin:end])
        for number, (begin, end) in zip(numbers.tolist(), pairwise(borders), strict=True)
    }


def _places(store: RegionStore, keys: Sequence[str]) -> Int[np.ndarray, "photo 3"]:
    """Shard, first row and number of rows of each of many photos."""
    found = chain.from_iterable(store.place(key)[:3] for key in keys)
    return np.fromiter(found, np.int64, 3 * len(keys)).reshape(-1, 3)


def _path(store: RegionStore, number: int) -> Path:
    kind = "means-" if _is_shortlisted(store) else "discounts-"
    return store.folder / store.file(number).replace("shard-", kind, 1)


def _load(
    store: RegionStore, number: int, photos: _Photos, background: Background | None
) -> _Means | None:
    """The means of a shard; None where their file is missing, damaged, stale, or lacks a photo."""
    try:
        found = _Means(**load_file(_path(store, number)))
    except (OSError, SafetensorError, TypeError):
        return None
    fits = np.isin(photos.starts, found.starts).all()
    return found if fits and found.background.tobytes() == _digest(background) else None


def _digest(background: Background | None) -> bytes:
    return b"" if background is None else background.digest.encode()


def _make(
    store: RegionStore, number: int, photos: _Photos, background: Background | None
) -> _Means:
    shard = store.shard(number)
    means = np.empty((len(photos.starts), store.dim), np.float32)
    for row, (start, count) in enumerate(zip(*photos, strict=True)):
        means[row] = shard.rows(start, start + count).mean(0, dtype=np.float32)
    codes = np.empty((len(means), 0), np.int8), np.zeros(len(means), np.float32)
    if _is_shortlisted(store):
        length = np.linalg.norm(means, axis=1, keepdims=True)
        codes = to_int8(means / np.maximum(length, 1e-12))
    discounts = np.zeros(len(means), np.float32)
    if background is not None:
        discounts = background.photo_discounts(means)
    digest = np.frombuffer(_digest(background), np.uint8)
    return _Means(photos.starts, *codes, discounts, digest)


def _main_directions(vectors: Float[np.ndarray, "photo dim"]) -> Float[np.ndarray, "dim few"]:
    """Orthonormal columns along which most of the vectors' squares lies."""
    photos, dim = vectors.shape
    if dim <= _FEWEST or photos < 2 * dim:
        return np.eye(dim, dtype=np.float32)
    squares, directions = np.linalg.eigh(vectors.T @ vectors)  # ascending
    held = np.cumsum(squares[::-1]) / squares.sum()
    needed = int(np.searchsorted(held, _HELD)) + 1
    few = min(dim, -(-needed // _FEWEST) * _FEWEST)
    return np.ascontiguousarray(directions[:, : -1 - few : -1])


def _as_slice(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | slice:
    """The same as a slice if the rows follow one another."""
    together = len(rows) > 0 and rows[0] >= 0 and bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if together else rows


def _largest(values: Float[np.ndarray, " n"], count: int) -> npt.NDArray[np.int64]:
    """Where the largest values are, ascending; of equal ones at the border the first."""
    near = np.arange(len(values))
    runs = values[: len(values) // _RUN * _RUN].reshape(-1, _RUN)
    if len(runs) > count:  # as many values are as large as the count-th largest of a run
        bound = np.partition(runs.max(1), -count)[-count]
        near = np.flatnonzero(values >= bound)
    least = np.partition(values[near], -count)[-count]
    above, equal = near[values[near] > least], near[values[near] == least]
    return np.sort(np.concatenate([above, equal[: count - len(above)]]))

"""Which photos of a large collection are worth scoring.

For every photo the unit vector in the direction of its mean region is kept, in int8. Its inner
product with a query's words orders photos nearly as attention does, where a model was trained to
agree on both (the contrastive loss does that). A search goes through all of them, in a very large
collection along the few directions in which they lie most, a quarter of the numbers for the model
that ships: how fast memory is read decides how long a search of a million photos takes. Of the
photos that come nearest, one in twenty, groups of like regions (`regard.search.groups`) tell which
few are worth scoring: what a single word names is often seen in few regions of a photo. There is
nothing to train or balance: adding a shard adds its means and groups, and what was removed is
passed over.

With them is kept what each photo's similarities are lowered by (`regard.model.background`). A
collection in which every photo is scored needs that alone.
"""

import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regard.core.padding import some_of
from regard.core.scoring import Scoring
from regard.kernels.bytes import inner_products, plain_products
from regard.kernels.workers import run_tasks, thread_count
from regard.model.background import Background
from regard.search import groups, mean_files
from regard.shapes import Float, Int, Int8
from regard.store.int8 import to_int8
from regard.store.region_store import RegionStore

_LISTS = 4  # of photos whose places are kept, as of all photos and those that pass a filter
_MANY = 1000  # photos from which on it is worth keeping where they stand

_TOGETHER = 1 << 26  # bytes of mean vectors from which on they are brought along few directions,
# so many together
_FITTED = 8192  # photos that tell these directions, and that are brought along them at a time
_FEWEST, _HELD = 64, 0.9  # directions come in so many; they hold this share of the squares

_NEAR, _FEWEST_NEAR = 20, 2000  # one photo in so many is compared by groups, or so many photos
_BY_GROUPS = 0.7  # of what tells then; the rest is by means

_RUN = 256  # values whose largest tells whether they are worth a look

Queries = Sequence[tuple[float, Float[np.ndarray, "_ dim"]]]
"""Weights, and the word vectors of a sentence or the regions of a photo."""


class _Rough(NamedTuple):
    """The means of a shard as they are searched: of very many along few directions."""

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
        scoring: how regions and words become a similarity.
    """

    def __init__(
        self,
        store: RegionStore,
        background: Background | None = None,
        scoring: Scoring | None = None,
    ) -> None:
        self._store, self._background, self._scoring = store, background, scoring or Scoring()
        self._means: dict[str, _Rough] = {}  # by file of the shard
        self._groups: dict[str, np.ndarray] = {}  # likewise
        self._directions: Float[np.ndarray, "dim few"] | None = None
        self._whole = False  # whether those of every shard are there
        self._is_vast = len(store) * store.dim >= _TOGETHER
        self._asked = False  # before: numpy answers once in less time than numba takes to load
        self._lists: list[_Rows] = []  # as last asked for, the latest first
        self._lock = threading.Lock()

    def over(self, store: RegionStore) -> "Shortlist":
        """One for a later state of the store, which keeps the means of shards that stayed."""
        later = Shortlist(store, self._background, self._scoring)
        later._asked = self._asked
        kept = mean_files.is_shortlisted(store) == mean_files.is_shortlisted(self._store)
        if kept and later._is_vast == self._is_vast:
            with self._lock:
                later._means, later._directions = self._means, self._directions
                later._groups = dict(self._groups)
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
        self, keys: Sequence[str], queries: Queries, count: int, portion: float = 0.0
    ) -> list[str]:
        """The photos that come nearest to a query, in the order of `keys`.

        Args:
            keys: photos to look among.
            count: how many to give at most.
            portion: as in `Scorer.best`.
        """
        if count >= len(keys):
            return list(keys)
        self._load()
        queries = scaled(queries, self._scoring)
        lowered = portion * sum(abs(weight) for weight, _ in queries) * self.discounts(keys)
        out = self._by_means(keys, queries) - lowered.astype(np.float32)
        near = _largest(out, min(len(keys), max(count, _FEWEST_NEAR, len(keys) // _NEAR)))
        if len(near) > count:
            out = (1 - _BY_GROUPS) * (out[near] + lowered[near]) - lowered[near]
            out += _BY_GROUPS * self._by_groups(keys, near, queries)
            near = near[_largest(out, count)]
        return [keys[row] for row in near.tolist()]

    def _by_means(self, keys: Sequence[str], queries: Queries) -> Float[np.ndarray, " photo"]:
        """Inner products of photos' mean regions with the query's words, all together."""
        by_file = self._placed(keys)
        asked = mean_query(queries)
        if self._directions is not None:
            asked = asked @ self._directions
        codes, scale = to_int8(asked[None])
        rough = codes[0]
        products, self._asked = (inner_products if self._asked else plain_products), True
        out = np.zeros(len(keys), np.float32)

        def work(files: Sequence[str]) -> None:
            for file in files:
                means, rows = self._means[file], by_file[file]
                if isinstance(rows, slice):
                    products(means.vectors, means.scales, rough, out[rows])
                    continue
                found = np.zeros(len(rows), np.float32)
                products(means.vectors, means.scales, rough, found)
                out[rows[rows >= 0]] = found[rows >= 0]

        files, threads = list(by_file), thread_count(None)
        run_tasks([files[n :: 4 * threads] for n in range(4 * threads)], work, threads)
        out *= scale[0]
        return out

    def _by_groups(
        self, keys: Sequence[str], near: npt.NDArray[np.int64], queries: Queries
    ) -> Float[np.ndarray, " photo"]:
        """What words have with the groups of some photos, which stand ascending in `keys`."""
        directions = mean_files.group_directions(self._store, self._background)
        asked = [(weight, np.asarray(rows, np.float32) @ directions) for weight, rows in queries]
        out = np.zeros(len(near), np.float32)
        for file, rows in self._placed(keys).items():
            if isinstance(rows, slice):
                begin, end = np.searchsorted(near, [rows.start, rows.stop]).tolist()
                here, places = np.arange(begin, end), near[begin:end] - rows.start
            else:
                here = np.searchsorted(near, rows).clip(max=len(near) - 1)
                places = np.flatnonzero(near[here] == rows)
                here = here[places]
            if len(here):
                for weight, words in asked:
                    found = groups.similarities(self._groups[file], places, words)
                    out[here] += np.float32(weight) * found
        return out

    def _load(self) -> None:
        """Have the means of every shard, and the directions they are along, if any."""
        with self._lock:
            if not self._whole:
                self._load_all()

    def _load_all(self) -> None:
        means: dict[str, _Rough] = {}
        new: dict[str, mean_files.Means] = {}
        for number, photos in mean_files.photos_by_shard(self._store).items():
            file = self._store.file(number)
            found = self._means.get(file)
            if found is not None and mean_files.holds_all(found.starts, photos):
                means[file] = found
                continue
            wanted = (self._store, number, photos, self._background)
            new[file], of_groups = mean_files.load(*wanted) or mean_files.make(*wanted)
            if of_groups is not None:
                self._groups[file] = of_groups
            if sum(one.vectors.nbytes for one in new.values()) >= _TOGETHER:
                means |= self._roughly(new)
                new = {}
        self._means, self._whole = means | self._roughly(new), True
        self._groups = {file: of for file, of in self._groups.items() if file in self._means}

    def _roughly(self, means: dict[str, mean_files.Means]) -> dict[str, _Rough]:
        """The same; of very many along few directions, in one block: that is given huge pages."""
        if not means:
            return {}
        if not self._is_vast or not mean_files.is_shortlisted(self._store):
            return {file: _Rough(*one[:4]) for file, one in means.items()}
        vectors = np.concatenate([one.vectors for one in means.values()])
        scales = np.concatenate([one.scales for one in means.values()])
        if self._directions is None:
            some = slice(None, None, -(-len(vectors) // _FITTED))
            self._directions = _main_directions(vectors[some] * scales[some, None])
        codes = np.empty((len(vectors), self._directions.shape[1]), np.int8)
        for part in some_of(len(vectors), _FITTED):
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
        places = mean_files.places_of(self._store, keys)
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


def scaled(queries: Queries, scoring: Scoring) -> Queries:
    """Queries whose words' inner products with a mean region sum to about their similarity."""
    return [(weight, vectors * np.float32(_scale(vectors, scoring))) for weight, vectors in queries]


def _scale(vectors: Float[np.ndarray, "_ dim"], scoring: Scoring) -> float:
    if scoring.direction == "i2t":  # regions attend to a unit vector, about that of the sum
        return 1 / max(float(np.linalg.norm(vectors.sum(0))), 1e-12)
    return 1.0 if scoring.pooling == "weighted" else 1 / len(vectors)


def mean_query(queries: Queries) -> Float[np.ndarray, " dim"]:
    """The sum of words that were `scaled`, several queries by their weights."""
    total = sum(weight * vectors.sum(0) for weight, vectors in queries)
    return np.asarray(total, np.float32)


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

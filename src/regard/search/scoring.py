"""Exact scores of a query with every photo of a store, or with those of a shortlist.

Of more than ten thousand photos a shortlist is scored: a few hundred whose mean regions come
near the query. In a smaller store all are, and there are two ways. A photo's vectors can be read,
turned to float32 and scored there and then, by numpy alone: with one query at hand the attended
vectors are cheaper to build than Gram matrices. Or photos are made ready once, which takes as long
as several such readings, and scored many times by the fused kernel, in the precision that is the
quicker here. An index that was opened for one search takes the first way; with every further
search more shards are made ready. What comes near the best by the second way is scored again by
the first, so that the similarities given are always those of float32. So are the photos found, as
long as bfloat16 errs by no more than was ever measured (`PhotoScorer._error`): that is no proof.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from regard.core.padding import pad
from regard.core.scoring import Scoring
from regard.core.shares import word_shares
from regard.kernels import Choice, Precision, Prepared, chosen, fused_available, prepare, score
from regard.kernels.buffers import Buffers
from regard.kernels.halves import widen
from regard.kernels.tiles import fused_handles
from regard.kernels.workers import run_tasks, thread_count
from regard.model.background import Background
from regard.search import mean_files
from regard.search.shortlist import Queries, Shortlist
from regard.shapes import Bool, Float, Int
from regard.store.region_store import RegionStore
from regard.store.shards import let_go, reading, rows_in_place

TILE = 256  # photos gathered at a time
READ_EACH = 4096  # photos of a large store that are worth reading one and all
LISTED, LISTED_A_HIT = 50, 5  # photos of a shortlist, and more for every hit that is wanted
LISTED_WORDS, _MOST_TIMES = 8, 4  # as many times more as words are fewer: these find less surely
_AT_ONCE = 64  # photos scored at a time by one thread: their vectors stay near the processor
_ALONE = 1 << 15  # photos for one thread: a second takes a quarter more work to save a tenth
_MAPPED = 256  # photos read before the system may take back their pages
_FEW = 1024  # photos that are not worth making ready
_READY_A_SEARCH = 4096  # photos made ready by every search but the first
_ONE_BY_ONE = 2  # queries (words or regions) of a pair at whose attention turns on single signs
_ERROR = 2.5e-3  # of a relevance: half a step of bfloat16 below 1, and some for its inputs
_TURNED = 0.05  # of one whose attention turns on signs too small for bfloat16 to tell

_buffers = Buffers()


class _Part(NamedTuple):
    """The photos of one shard, ready to be scored."""

    file: str
    keys: tuple[str, ...]
    prepared: Prepared
    is_turned: Bool[np.ndarray, " photo"]
    """Whether a photo has so few regions that, as queries, they may turn on single signs."""


class _Rows(NamedTuple):
    """Where the photos of each part stand in a list of keys; -1 for those not in it."""

    keys: Sequence[str]
    by_file: dict[str, npt.NDArray[np.int64]]
    """Of the part's shard."""


class Scorer(Protocol):
    """Finds the photos of a store that are most similar to a query; many threads may ask."""

    def over(self, store: RegionStore) -> "Scorer":
        """One for a later state of the store, which takes over what it can."""

    def best(
        self, keys: Sequence[str], queries: Queries, k: int, portion: float = 0.0
    ) -> list[tuple[str, float]]:
        """The k most similar photos with their similarities, best first; ties as in `keys`.

        The similarity is the mean of the queries' ones, weighted, over the weights' sizes.

        Args:
            portion: of a photo's discount (`regard.model.background`) that is taken off its
                similarity.
        """


class PhotoScorer:
    """Scores the photos of a store; keeps what it has made ready.

    Args:
        store: of embedded regions.
        scoring: how regions and words become a similarity.
        background: what photos are compared with; None lowers no similarity.
    """

    def __init__(
        self, store: RegionStore, scoring: Scoring, background: Background | None = None
    ) -> None:
        self._store, self._scoring = store, scoring
        self._parts: dict[str, _Part] = {}  # by file of the shard
        self._choice: Choice | None = None  # kept, so that all parts are of one precision
        self._searches = 0
        self._keys_of: dict[int, tuple[str, ...]] | None = None  # by shard; listing takes long
        self._rows = _Rows((), {})
        self._regions: int | None = None
        self._shortlist = Shortlist(store, background, scoring)
        self._lock = threading.Lock()  # of what is made ready and kept, not of scoring

    def over(self, store: RegionStore) -> "PhotoScorer":
        """One for a later state of the store; what is ready stays so."""
        later = PhotoScorer(store, self._scoring)
        later._parts, later._searches, later._choice = self._parts, self._searches, self._choice
        later._shortlist = self._shortlist.over(store)
        return later

    def best(
        self, keys: Sequence[str], queries: Queries, k: int, portion: float = 0.0
    ) -> list[tuple[str, float]]:
        """The k most similar photos with their similarities, best first; as `Scorer.best`."""
        queries = [(weight, self._counted(vectors)) for weight, vectors in queries]
        self._searches += 1
        repeated = self._searches > 1 and len(keys) > _FEW
        if len(self._store) > mean_files.EXHAUSTIVE:
            if len(keys) > READ_EACH:
                asked = (LISTED + LISTED_A_HIT * k) * _times(queries)
                keys = self._shortlist.nearest(keys, queries, asked, portion)
            lowered = np.float32(portion) * self._shortlist.discounts(keys)
            with reading(self._store.parts(keys)):
                return self._ranked(keys, queries, k, lowered)
        lowered = np.float32(portion) * self._shortlist.discounts(keys)
        if repeated and fused_handles(self._scoring) and fused_available():
            near = self._near_best(keys, queries, k, lowered)
            keys, lowered = [keys[row] for row in near], lowered[near]
        return self._ranked(keys, queries, k, lowered)

    def _counted(self, words: Float[np.ndarray, "word dim"]) -> Float[np.ndarray, "word dim"]:
        """Words without those whose vector is zero, where these change nothing."""
        counted = words.any(1)
        return words[counted] if self._scoring.skips_zeros and counted.any() else words

    def _ranked(
        self, keys: Sequence[str], queries: Queries, k: int, lowered: Float[np.ndarray, " photo"]
    ) -> list[tuple[str, float]]:
        similarities = self._exactly(keys, queries) - lowered
        rows = np.argsort(-similarities, kind="stable")[:k].tolist()
        return [(keys[row], float(similarities[row])) for row in rows]

    def _near_best(
        self, keys: Sequence[str], queries: Queries, k: int, lowered: Float[np.ndarray, " photo"]
    ) -> list[int]:
        """Rows of keys among which the k best are, if nothing errs by more than `_error`."""
        rough, slow = self._quickly(keys, queries)
        if slow.all() or k >= len(keys):
            return list(range(len(keys)))
        rough[slow] = self._exactly([keys[row] for row in np.flatnonzero(slow).tolist()], queries)
        rough -= lowered
        least = np.partition(rough, -k)[-k] - 2 * self._error(queries)
        near: list[int] = np.flatnonzero(rough >= least).tolist()
        return near

    def _error(self, queries: Queries) -> float:
        """More than a rough similarity was ever measured to err by; one relevance may be turned.

        Not proven. Rounding may change a cosine by 0.004, as far as Cauchy and Schwarz can tell,
        which the norm over the queries may make so much of that any attention is possible: what
        can be proven is that a relevance errs by less than 2. It was measured to err by 0.002.

        It is for pairs of more than `_ONE_BY_ONE` queries; others are scored exactly.
        """
        fewest = most = max(len(vectors) for _, vectors in queries)
        if self._scoring.direction == "t2i":
            fewest = min(len(vectors) for _, vectors in queries)
        else:
            fewest, most = _ONE_BY_ONE + 1, self._most_regions()
        if self._scoring.pooling == "weighted" and self._scoring.direction == "t2i":
            weights = [np.linalg.norm(vectors, axis=1) for _, vectors in queries]
            return float(max(max(_ERROR * w.sum(), _TURNED * w.max()) for w in weights))
        if self._scoring.pooling in ("sum", "weighted"):
            return max(_TURNED, _ERROR * most)
        return _TURNED if self._scoring.pooling == "max" else max(_ERROR, _TURNED / fewest)

    def _most_regions(self) -> int:
        if self._regions is None:
            self._regions = max(self._store.place(key).rows for key in self._store)
        return self._regions

    # ---- one way: read and score

    def _exactly(self, keys: Sequence[str], queries: Queries) -> Float[np.ndarray, " photo"]:
        """Similarities in float32, without preparation."""
        out = np.zeros(len(keys), np.float32)
        words = [np.asarray(vectors, np.float32) for _, vectors in queries]

        def work(start: int) -> None:
            regions, counts = self._read(keys[start : start + _AT_ONCE])
            mask = np.arange(regions.shape[1]) < counts[:, None]
            parts = [score_tile(regions, mask, rows, self._scoring) for rows in words]
            out[start : start + _AT_ONCE] = _combine(np.stack(parts, 1), queries)

        threads = 1 if len(keys) <= _ALONE else thread_count(None)
        for begin in range(0, len(keys), _MAPPED):
            end = min(len(keys), begin + _MAPPED)
            run_tasks(range(begin, end, _AT_ONCE), work, threads)
            if len(keys) > _MAPPED:
                let_go(self._store.parts(keys[begin:end]))
        return out

    def _read(
        self, keys: Sequence[str]
    ) -> tuple[Float[np.ndarray, "photo region dim"], Int[np.ndarray, " photo"]]:
        """Vectors in float32, valid until this thread reads again, and how many each photo has."""
        parts = self._store.parts(keys)
        vectors, counts = rows_in_place(parts), np.array([part[2] for part in parts])
        if vectors is None:
            vectors, counts = self._store.gather(keys, apart=True)
        if vectors.dtype != np.float16:
            return vectors, counts
        room = _buffers.array("regions", vectors.size)[: vectors.size].reshape(vectors.shape)
        return widen(vectors, room), counts

    # ---- the other way: make ready and keep

    def _quickly(
        self, keys: Sequence[str], queries: Queries
    ) -> tuple[Float[np.ndarray, " photo"], Bool[np.ndarray, " photo"]]:
        """Similarities, about as far from the exact ones as `_error`, and where there are none."""
        words, lengths = pad([vectors for _, vectors in queries])
        out, slow = np.zeros(len(keys), np.float32), np.ones(len(keys), bool)
        by_words = self._scoring.direction == "t2i"
        if by_words and lengths.min() <= _ONE_BY_ONE:
            return out, slow
        with self._lock:
            choice = self._choice = self._choice or chosen("search")
        asked = prepare(words, lengths, precision=choice.precision, name="words")
        with self._lock:
            placed = list(self._placed(self._ready(choice.precision), keys))
        for part, rows in placed:
            wanted = rows >= 0
            if wanted.any():
                scores = score(part.prepared, asked, self._scoring, engine=choice.engine)
                out[rows[wanted]] = _combine(scores[wanted], queries)
                slow[rows[wanted]] = False if by_words else part.is_turned[wanted]
        return out, slow

    def _placed(
        self, parts: list[_Part], keys: Sequence[str]
    ) -> Iterator[tuple[_Part, npt.NDArray[np.int64]]]:
        """Parts with the rows of their photos in `keys`; kept while the list is the same one."""
        if self._rows.keys is not keys:
            self._rows = _Rows(keys, {})
        known = self._rows.by_file
        row_of_key: dict[str, int] = {}
        for part in parts:
            if part.file not in known:
                row_of_key = row_of_key or {key: row for row, key in enumerate(keys)}
                known[part.file] = np.array([row_of_key.get(key, -1) for key in part.keys])
            yield part, known[part.file]

    def _ready(self, precision: Precision) -> list[_Part]:
        """Shards that are ready, some more of them than last time."""
        if self._keys_of is None:
            listed: dict[int, list[str]] = {}
            for key in self._store:
                listed.setdefault(self._store.place(key).shard, []).append(key)
            self._keys_of = {number: tuple(keys) for number, keys in listed.items()}
        kept: dict[str, _Part] = {}
        photos = _READY_A_SEARCH
        for number, keys in self._keys_of.items():
            file = self._store.file(number)
            part = self._parts.get(file)
            if part is None or part.keys != keys:
                if photos <= 0:
                    continue
                part = self._prepare(file, keys, precision)
                photos -= len(keys)
            kept[file] = part
        self._parts = kept
        return list(kept.values())

    def _prepare(self, file: str, keys: tuple[str, ...], precision: Precision) -> _Part:
        vectors, counts = self._store.gather(keys)
        prepared = prepare(vectors, counts, precision=precision, name="regions")
        return _Part(file, keys, prepared, counts <= _ONE_BY_ONE)


def score_tile(
    regions: Float[np.ndarray, "photo region dim"],
    region_mask: Bool[np.ndarray, "photo region"],
    words: Float[np.ndarray, "word dim"],
    scoring: Scoring,
) -> Float[np.ndarray, " photo"]:
    """Similarities of some photos with one sentence: the sums of its words' shares."""
    every_word = np.ones((1, len(words)), bool)
    similarities: np.ndarray = word_shares(
        regions, words[None], region_mask, every_word, scoring
    ).sum(1)
    return similarities


def _times(queries: Queries) -> int:
    words = max(len(vectors) for _, vectors in queries)
    return min(_MOST_TIMES, max(1, LISTED_WORDS // words))


def _combine(
    similarities: Float[np.ndarray, "photo query"], queries: Queries
) -> Float[np.ndarray, " photo"]:
    weights = np.array([weight for weight, _ in queries], np.float32)
    combined: npt.NDArray[np.float32] = similarities @ (weights / np.abs(weights).sum())
    return combined

"""Exact scores of a query with every photo of a store.

Large collections are made ready once, a shard at a time, and scored by the fused kernel, in
bfloat16 where that is fast. What comes near the best is then scored again in float32, so that
the photos found and their similarities are those of float32 throughout.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from regard.core.attention import Scoring
from regard.data.store import RegionStore
from regard.kernels import (
    Precision,
    Prepared,
    fast_bfloat16,
    fused_available,
    prepare,
    score,
    similarity_matrix,
)
from regard.kernels.tiles import fused_handles

Queries = Sequence[tuple[float, Float[np.ndarray, "_ dim"]]]
"""Weights, and the word vectors of a sentence or the regions of a photo."""

TILE = 256  # photos gathered at a time
_FEW = 1024  # photos that are not worth making ready
_ERROR = 2.5e-3  # of a relevance: half a step of bfloat16 below 1, and some for its inputs


class _Part(NamedTuple):
    """The photos of one shard, ready to be scored."""

    keys: tuple[str, ...]
    prepared: Prepared


class PhotoScorer:
    """Scores the photos of a store; keeps what it has made ready.

    Args:
        store: of embedded regions.
        scoring: how regions and words become a similarity.
    """

    def __init__(self, store: RegionStore, scoring: Scoring) -> None:
        self._store, self._scoring = store, scoring
        self._precision: Precision = "bfloat16" if fast_bfloat16() else "float32"
        self._parts: dict[str, _Part] = {}  # by file of the shard

    def best(self, keys: Sequence[str], queries: Queries, k: int) -> list[tuple[str, float]]:
        """The k most similar photos with their similarities, best first; ties as in `keys`.

        The similarity is the mean of the queries' ones, weighted, over the weights' sizes.
        """
        if len(keys) <= _FEW or not (fused_handles(self._scoring) and fused_available()):
            return self._top(keys, self._plainly(keys, queries), k)
        rough = self._quickly(keys, queries)
        if k < len(keys):
            least = np.partition(rough, -k)[-k] - 2 * self._error(queries)
            keys = [keys[row] for row in np.flatnonzero(rough >= least).tolist()]
        return self._top(keys, self._plainly(keys, queries), k)

    def _error(self, queries: Queries) -> float:
        """Bound on the error of a rough similarity; where relevances are summed, theirs add up."""
        if self._scoring.pooling != "sum":
            return _ERROR
        rows = [len(vectors) for _, vectors in queries]
        if self._scoring.direction == "i2t":
            rows = [self._store.place(key).rows for key in self._store]
        return _ERROR * max(rows)

    @staticmethod
    def _top(
        keys: Sequence[str], similarities: Float[np.ndarray, " photo"], k: int
    ) -> list[tuple[str, float]]:
        rows = np.argsort(-similarities, kind="stable")[:k]
        return [(keys[row], float(similarities[row])) for row in rows.tolist()]

    def _plainly(self, keys: Sequence[str], queries: Queries) -> Float[np.ndarray, " photo"]:
        """Similarities in float32, without preparation."""
        words, lengths = _pad(queries)
        scoring = self._scoring
        out = np.zeros(len(keys), np.float32)
        for start in range(0, len(keys), TILE):
            vectors, counts = self._store.gather(keys[start : start + TILE])
            found = similarity_matrix(
                vectors,
                words,
                lengths,
                region_lengths=counts,
                direction=scoring.direction,
                pooling=scoring.pooling,
                normalization=scoring.normalization,
                lambda_softmax=scoring.lambda_softmax,
                lambda_lse=scoring.lambda_lse,
                scorer=scoring.scorer,
            )
            out[start : start + len(counts)] = _combine(found, queries)
        return out

    def _quickly(self, keys: Sequence[str], queries: Queries) -> Float[np.ndarray, " photo"]:
        """Similarities by the fused kernel, wrong by `_error` at most."""
        words, lengths = _pad(queries)
        asked = prepare(words, lengths, precision=self._precision, name="words")
        row_of_key = {key: row for row, key in enumerate(keys)}
        out = np.zeros(len(keys), np.float32)
        for part in self._ready():
            rows = np.array([row_of_key.get(key, -1) for key in part.keys])
            wanted = rows >= 0
            if wanted.any():
                found = score(part.prepared, asked, self._scoring).numpy()
                out[rows[wanted]] = _combine(found[wanted], queries)
        return out

    def _ready(self) -> list[_Part]:
        """All shards of the store, made ready as far as they are not yet."""
        keys_of: dict[int, list[str]] = {}
        for key in self._store:
            keys_of.setdefault(self._store.place(key).shard, []).append(key)
        kept: dict[str, _Part] = {}
        for number, keys in keys_of.items():
            file, part = self._store.file(number), self._parts.get(self._store.file(number))
            kept[file] = part if part and part.keys == tuple(keys) else self._prepare(keys)
        self._parts = kept
        return list(kept.values())

    def _prepare(self, keys: Sequence[str]) -> _Part:
        vectors, counts = self._store.gather(keys)
        made = prepare(vectors, counts, precision=self._precision, name="regions")
        return _Part(tuple(keys), made)


def _pad(
    queries: Queries,
) -> tuple[Float[np.ndarray, "query _ dim"], npt.NDArray[np.int64]]:
    """Vectors of all queries in one array, and how many each has."""
    lengths = np.array([len(vectors) for _, vectors in queries])
    words = np.zeros((len(queries), lengths.max(), queries[0][1].shape[1]), np.float32)
    for row, (_, vectors) in enumerate(queries):
        words[row, : len(vectors)] = vectors
    return words, lengths


def _combine(
    found: Float[np.ndarray, "photo query"], queries: Queries
) -> Float[np.ndarray, " photo"]:
    weights = np.array([weight for weight, _ in queries], np.float32)
    combined: npt.NDArray[np.float32] = found @ (weights / np.abs(weights).sum())
    return combined

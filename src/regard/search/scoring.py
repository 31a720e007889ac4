"""Exact scores of one query's parts with every photo.

Vectors stay where the store keeps them; photos are scored a tile at a time.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regard.core.attention import Scoring
from regard.data.store import RegionStore
from regard.kernels import similarity_matrix

TILE = 256  # photos


def score_photos(
    store: RegionStore,
    keys: Sequence[str],
    queries: Sequence[Float[np.ndarray, "_ dim"]],
    scoring: Scoring,
) -> Float[np.ndarray, "photo query"]:
    """Similarity of photos with queries: word vectors of a sentence, or regions of a photo."""
    lengths = np.array([len(query) for query in queries])
    words = np.zeros((len(queries), int(lengths.max(initial=1)), store.dim), np.float32)
    for row, query in enumerate(queries):
        words[row, : len(query)] = query
    out = np.zeros((len(keys), len(queries)), np.float32)
    for start in range(0, len(keys), TILE):
        vectors, counts = store.gather(keys[start : start + TILE])
        out[start : start + len(counts)] = similarity_matrix(
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
    return out

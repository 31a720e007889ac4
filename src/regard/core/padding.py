"""Rows of several lengths in one array, the shorter ones filled up with zeros."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped


def pad(
    rows: Sequence[Shaped[np.ndarray, "_ dim"]],
) -> tuple[Float[np.ndarray, "row longest dim"], Int[np.ndarray, " row"]]:
    """Vectors of several photos or sentences in one float32 array, and how many each has.

    Args:
        rows: at least one.
    """
    counts = np.array([len(vectors) for vectors in rows], np.int64)
    padded = np.zeros((len(rows), int(counts.max()), rows[0].shape[1]), np.float32)
    for row, vectors in enumerate(rows):
        padded[row, : len(vectors)] = vectors
    return padded, counts

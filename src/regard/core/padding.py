"""Rows of several lengths in one array, the shorter ones filled up with zeros; codes of places."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped

PLACE_CODE = 32
"""Numbers of a place's code in learned pooling."""


def place_codes(count: int) -> Float[np.ndarray, "place 32"]:
    """Sines and cosines of places 0, 1, ... (Vaswani et al. 2017, section 3.5)."""
    rates = 10000.0 ** (-np.arange(0, PLACE_CODE, 2) / PLACE_CODE)
    angles = np.arange(count)[:, None] * rates
    codes: np.ndarray = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, PLACE_CODE)
    return codes.astype(np.float32)


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

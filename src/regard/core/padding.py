"""Rows of several lengths in one array, the shorter ones filled up with zeros; codes of places.

Rows that are many are taken some at a time.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from regard.shapes import Float, Int, Shaped

PLACE_CODE = 32
"""Numbers of a place's code in learned pooling."""


def place_codes(count: int) -> Float[np.ndarray, "place 32"]:
    """Sines and cosines of places 0, 1, ... (Vaswani et al. 2017, section 3.5)."""
    rates = 10000.0 ** (-np.arange(0, PLACE_CODE, 2) / PLACE_CODE)
    angles = np.arange(count)[:, None] * rates
    codes: np.ndarray = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, PLACE_CODE)
    return codes.astype(np.float32)


def some_of(count: int, rows: int) -> Iterator[slice]:
    """So many rows, some at a time."""
    return (slice(low, min(count, low + rows)) for low in range(0, count, rows))


def pad(
    rows: Sequence[Shaped[np.ndarray, "_ dim"]], dtype: npt.DTypeLike = np.float32
) -> tuple[Float[np.ndarray, "row longest dim"], Int[np.ndarray, " row"]]:
    """Vectors of several photos or sentences in one array, and how many each has.

    Args:
        rows: at least one.
    """
    counts = np.array([len(vectors) for vectors in rows], np.int64)
    padded = np.zeros((len(rows), int(counts.max()), rows[0].shape[1]), dtype)
    for row, vectors in enumerate(rows):
        padded[row, : len(vectors)] = vectors
    return padded, counts

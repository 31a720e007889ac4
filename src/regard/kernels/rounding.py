"""Rows of float32 to bfloat16, with their lengths, in one compiled pass.

`halves` does the same by numpy in a dozen passes. Imports numba: only `prepared` imports it, on
use.
"""

from typing import Any

import numpy as np

from regard.kernels.lanes import compiled

_SIZE = np.uint32(0x7FFFFFFF)  # all bits but the sign
_INFINITE = np.uint32(0x7F800000)
_BELOW_HALF, _ODD, _HALF = np.uint32(0x7FFF), np.uint32(1), np.uint32(16)


def _round_rows(bits: Any, out: Any, norms: Any, room: Any, room_bits: Any) -> None:
    """The work of `round_rows`; `room` is a row of float32, `room_bits` the same memory."""
    for n in range(bits.shape[0]):
        largest = np.uint32(0)
        for d in range(bits.shape[1]):
            value = bits[n, d]
            largest = max(largest, value & _SIZE)
            upper = (value + _BELOW_HALF + ((value >> _HALF) & _ODD)) >> _HALF
            out[n, d] = np.uint16(upper)
            room_bits[d] = upper << _HALF
        total = np.float32(0)
        for d in range(bits.shape[1]):
            total += room[d] * room[d]
        norms[n] = np.sqrt(total) if largest < _INFINITE else np.float32(np.nan)


_compiled = compiled(_round_rows, fastmath={"reassoc", "contract"})


def round_rows(
    rows: np.ndarray[Any, Any], out: np.ndarray[Any, Any], norms: np.ndarray[Any, Any]
) -> None:
    """Round float32 rows to the nearest bfloat16, of two the even one.

    Args:
        rows: (N, D).
        out: (N, D) the patterns as uint16.
        norms: (N,) lengths of the rounded rows; NaN of rows that hold NaN or infinity.
    """
    room = np.empty(rows.shape[1], np.float32)
    rows = np.ascontiguousarray(rows)
    _compiled(rows.view(np.uint32), out, norms, room, room.view(np.uint32))

"""The one int8 coding: rows of numbers as whole numbers of -127 to 127 times a scale each."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regard.shapes import Float, Int8

_MOST = 127


class Coded(NamedTuple):
    """Rows in int8."""

    codes: Int8[np.ndarray, "row dim"]
    scales: Float[np.ndarray, " row"]
    """What the codes of each row are to be multiplied by; 0 for a row of zeros."""


def to_int8(rows: Float[np.ndarray, "row dim"], scales: npt.DTypeLike = np.float32) -> Coded:
    """Code rows; coding what was decoded gives the same codes.

    Args:
        scales: type in which the scales are kept.
    """
    exact = np.asarray(rows, np.float32)
    kept = (np.abs(exact).max(1) / _MOST).astype(scales)
    divisors = np.where(kept > 0, kept, 1).astype(np.float32)
    codes = exact / divisors[:, None]
    np.rint(codes, out=codes)
    np.clip(codes, -_MOST, _MOST, out=codes)  # a scale of few bits may have been rounded down
    return Coded(codes.astype(np.int8), kept)


def from_int8(
    codes: Int8[np.ndarray, "row dim"], scales: Float[np.ndarray, " row"]
) -> Float[np.ndarray, "row dim"]:
    """The rows that were coded, float32."""
    rows: np.ndarray = codes * scales.astype(np.float32)[:, None]
    return rows

"""Inner products of many int8 vectors with one, nearly as fast as memory gives them.

Where numba is broken, or not worth loading for a single search, numpy does it, some times slower.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from regard.core.padding import some_of
from regard.shapes import Float, Int8

_AT_ONCE = 2048  # vectors made float32 together by numpy


def inner_products(
    vectors: Int8[np.ndarray, "row dim"],
    scales: Float[np.ndarray, " row"],
    asked: Int8[np.ndarray, " dim"],
    out: Float[np.ndarray, " row"],
) -> None:
    """Write scales * (vectors @ asked) into `out`; numbers must be -127 to 127."""
    _products()(vectors, scales, asked, out)


@cache
def _products() -> Callable[..., None]:
    try:
        from regard.kernels.byte_lanes import products
    except Exception:  # noqa: BLE001 - a broken numba or llvmlite may raise anything
        return plain_products
    made: Callable[..., None] = products
    return made


def plain_products(vectors: Any, scales: Any, asked: Any, out: Any) -> None:
    """The same by numpy."""
    wide = asked.astype(np.float32)
    for part in some_of(len(out), _AT_ONCE):
        out[part] = vectors[part].astype(np.float32) @ wide
    out *= scales

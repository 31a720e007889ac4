"""Numbers of two bytes to float32 and back, without the hardware's or a compiler's help.

numpy converts float16 one number at a time and knows no bfloat16, whose bit patterns are kept as
uint16 here: the upper half of float32's.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from regard.core.padding import some_of

Floats = npt.NDArray[np.float32]
Out = TypeVar("Out", bound=npt.NDArray[Any])
Convert = Callable[[Any, Any], None]
_AT_ONCE = 1 << 16  # numbers whose steps follow one another in the nearest caches
_HALF = np.int32(-0x70002000)  # where float16's bits come to lie in float32's, its sign apart
_BIAS = np.float32(2.0**112)  # between the exponents' zeros


def widen(halves: npt.NDArray[np.float16], out: Floats | None = None) -> Floats:
    """Finite float16 numbers as float32, exactly.

    Args:
        out: contiguous, of the same shape; made if not given.
    """
    wide: Floats = np.empty(halves.shape, np.float32) if out is None else out
    return _by_parts(halves, _widen, wide)


def to_bfloat16(values: Floats) -> npt.NDArray[np.uint16]:
    """Finite float32 numbers rounded to the nearest bfloat16, of two the even one."""
    return _by_parts(values, _round, np.empty(values.shape, np.uint16))


def from_bfloat16(patterns: npt.NDArray[np.uint16]) -> Floats:
    """bfloat16 numbers as float32, exactly."""
    return _by_parts(patterns, _expand, np.empty(patterns.shape, np.float32))


def _by_parts(values: npt.NDArray[Any], convert: Convert, out: Out) -> Out:
    given, flat = np.ascontiguousarray(values).reshape(-1), out.reshape(-1)
    for part in some_of(len(flat), _AT_ONCE):
        convert(given[part], flat[part])
    return out


def _widen(halves: npt.NDArray[np.float16], out: Floats) -> None:
    bits = out.view(np.int32)
    np.left_shift(halves.view(np.int16), np.int32(13), out=bits, dtype=np.int32)
    np.bitwise_and(bits, _HALF, out=bits)
    np.multiply(out, _BIAS, out=out)


def _round(values: Floats, out: npt.NDArray[np.uint16]) -> None:
    bits = values.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    odd += bits
    odd += np.uint32(0x7FFF)
    np.right_shift(odd, np.uint32(16), out=odd)
    out[:] = odd


def _expand(patterns: npt.NDArray[np.uint16], out: Floats) -> None:
    np.left_shift(patterns, np.uint32(16), out=out.view(np.uint32), dtype=np.uint32)

"""What scores are asked of: arrays, checked, with complaints that say what to do.

Arrays may be numpy's or torch's. A tensor in this machine's memory is seen as an array of numpy;
one on another device stays there. Torch is never imported here.
"""

import sys
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from array_api_compat import device, is_torch_array

from regard.core.arrays import namespace
from regard.device import read
from regard.errors import ShapeError

Array = Any
"""An array of numpy, or of torch on any device."""
Lengths = Array | list[int] | None
Ints = npt.NDArray[np.int64]


class Side(NamedTuple):
    """One side of the match: padded vectors and how many of them are real."""

    vectors: Array  # (N, K, D) numpy's, or torch's on another device
    lengths: Ints  # (N,)


def as_array(values: Array | list[int]) -> Array:
    """An array of numpy, sharing memory where it can; a tensor if it lies on another device."""
    if not is_torch_array(values):
        array = np.asarray(values)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    tensor = values.detach()
    if tensor.device.type != "cpu":
        return tensor
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def as_given(result: Array, *given: Array) -> Array:
    """A result of numpy as a tensor where something of what was given is one."""
    if isinstance(result, np.ndarray) and any(map(is_torch_array, given)):
        return sys.modules["torch"].from_numpy(result)
    return result


def as_side(vectors: Array, lengths: Lengths, name: str) -> Side:
    """Check one side's shape and lengths.

    Raises:
        ShapeError: not three axes, nothing on an axis, not floating point, or a bad length.
    """
    array = as_array(vectors)
    if array.ndim != 3 or array.shape[1] == 0 or array.shape[2] == 0:
        raise ShapeError(
            f"{name} is of shape {tuple(array.shape)}; it must be (items, vectors, dimension), "
            "the last two not empty. Add the missing axis, or pad to the longest item."
        )
    if not namespace(array).isdtype(array.dtype, "real floating"):
        raise ShapeError(
            f"{name} is of type {array.dtype}; it must be floating point. Convert it to float32."
        )
    return Side(array, as_lengths(lengths, array, name))


def as_lengths(lengths: Lengths, vectors: Array, name: str) -> Ints:
    """Lengths as int64; None means that every vector is real."""
    items, most = vectors.shape[:2]
    if lengths is None:
        return np.full(items, most, np.int64)
    counts = np.asarray(as_array(lengths.cpu() if is_torch_array(lengths) else lengths))
    if counts.dtype.kind not in "iu" and counts.size:
        raise ShapeError(
            f"the type of the lengths of {name} is {counts.dtype}; it must be a whole-number type. "
            "Convert them to int64."
        )
    if counts.shape != (items,):
        raise ShapeError(
            f"the shape of the lengths of {name} is {counts.shape}; it must be ({items},), "
            "one for each item. Pass as many lengths as items."
        )
    wrong = np.flatnonzero((counts < 1) | (counts > most))
    if len(wrong):
        raise ShapeError(
            f"length {wrong[0]} of {name} is {counts[wrong[0]]}; it must be between 1 and {most}. "
            "Leave out empty items, and cut lengths to what the array holds."
        )
    return counts.astype(np.int64)


def check_match(regions: Side, words: Side) -> None:
    """Regions and words must live in one space, on one device."""
    check_dim(regions.vectors.shape[2], words.vectors.shape[2])
    if device(regions.vectors) != device(words.vectors):
        raise ShapeError(
            f"the device of words is {device(words.vectors)}; it must be that of regions, "
            f"{device(regions.vectors)}. Move one to the other."
        )


def check_dim(dim_of_regions: int, dim_of_words: int) -> None:
    """Regions and words must have one dimension."""
    if dim_of_regions != dim_of_words:
        raise ShapeError(
            f"the dimension of words is {dim_of_words}; it must be {dim_of_regions}, that of "
            "regions. Embed both with one model."
        )


def check_side(side: Side, name: str) -> None:
    """Refuse NaN and infinity in real vectors; padding may hold anything."""
    xp = namespace(side.vectors)
    with np.errstate(all="ignore"):
        sums = xp.sum(side.vectors, axis=-1, dtype=xp.float32)
    check_finite(xp.where(mask_of(side), sums, 0.0), name)


def check_finite(values: Array, name: str) -> None:
    """Refuse NaN and infinity; `values` must show them if the vectors hold them."""
    xp = namespace(values)
    finite = xp.all(xp.isfinite(values))
    if not (read(finite) if is_torch_array(finite) else finite):
        raise ShapeError(
            f"{name} is not finite somewhere; it must hold ordinary numbers only. "
            "Look for NaN or infinity where the vectors were made."
        )


def mask_of(side: Side) -> Array:
    """(N, K) True where a vector is real, on the vectors' device."""
    mask = np.arange(side.vectors.shape[1]) < side.lengths[:, None]
    return namespace(side.vectors).asarray(mask, device=device(side.vectors))


def real_vectors(side: Side) -> Array:
    """(N, K, D) float32, 0 where padded."""
    xp = namespace(side.vectors)
    return xp.where(mask_of(side)[..., None], xp.astype(side.vectors, xp.float32), 0.0)

"""What scores are asked of: arrays or tensors, checked, with complaints that say what to do."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regard.errors import ShapeError

Array = npt.NDArray[Any]
Lengths = Tensor | Array | list[int] | None


class Side(NamedTuple):
    """One side of the match: padded vectors and how many of them are real."""

    vectors: Tensor  # (N, K, D)
    lengths: Tensor  # (N,) int64, on the CPU


def as_tensor(values: Tensor | Array | list[int]) -> Tensor:
    """A tensor on the array's own memory where torch can have it, else on a copy.

    Copied are arrays that run backwards or hold numbers of the other byte order.
    """
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    if min(array.strides, default=0) < 0 or not array.dtype.isnative:
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    with warnings.catch_warnings():  # read-only arrays, memory maps among them, are only read
        warnings.simplefilter("ignore", UserWarning)
        return torch.as_tensor(array)


def as_side(vectors: Tensor | Array, lengths: Lengths, name: str) -> Side:
    """Check one side's shape and lengths; float16 and float64 become float32.

    Raises:
        ShapeError: not three axes, nothing on an axis, not floating point, or a bad length.
    """
    tensor = as_tensor(vectors)
    if tensor.ndim != 3 or tensor.shape[1] == 0 or tensor.shape[2] == 0:
        raise ShapeError(
            f"{name} is of shape {tuple(tensor.shape)}; it must be (items, vectors, dimension), "
            "the last two not empty. Add the missing axis, or pad to the longest item."
        )
    if tensor.dtype not in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        raise ShapeError(
            f"{name} is of type {tensor.dtype}; it must be floating point. Convert it to float32."
        )
    if tensor.dtype is torch.float64:
        tensor = tensor.float()
    return Side(tensor.detach(), as_lengths(lengths, tensor, name))


def as_lengths(lengths: Lengths, vectors: Tensor, name: str) -> Tensor:
    """Lengths as int64 on the CPU; None means that every vector is real."""
    items, most = vectors.shape[:2]
    if lengths is None:
        return torch.full((items,), most)
    found = as_tensor(lengths).detach().cpu()
    if found.is_floating_point() or found.is_complex() or found.dtype is torch.bool:
        raise ShapeError(
            f"the type of the lengths of {name} is {found.dtype}; it must be a whole-number type. "
            "Convert them to int64."
        )
    if found.shape != (items,):
        raise ShapeError(
            f"the shape of the lengths of {name} is {tuple(found.shape)}; it must be ({items},), "
            "one for each item. Pass as many lengths as items."
        )
    wrong = ((found < 1) | (found > most)).nonzero().flatten()
    if len(wrong):
        at = int(wrong[0])
        raise ShapeError(
            f"length {at} of {name} is {int(found[at])}; it must be between 1 and {most}. "
            "Leave out empty items, and cut lengths to what the array holds."
        )
    return found.to(torch.int64)


def check_match(regions: Side, words: Side) -> None:
    """Regions and words must live in one space, on one device."""
    check_dim(regions.vectors.shape[2], words.vectors.shape[2])
    if regions.vectors.device != words.vectors.device:
        raise ShapeError(
            f"the device of words is {words.vectors.device}; it must be that of regions, "
            f"{regions.vectors.device}. Move one to the other."
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
    sums = side.vectors.sum(-1, dtype=torch.float32)
    check_finite(sums.masked_fill(~mask_of(side), 0.0), name)


def check_finite(values: Tensor, name: str) -> None:
    """Refuse NaN and infinity; `values` must show them if the vectors hold them."""
    if not bool(torch.isfinite(values).all()):
        raise ShapeError(
            f"{name} is not finite somewhere; it must hold ordinary numbers only. "
            "Look for NaN or infinity where the vectors were made."
        )


def mask_of(side: Side) -> Tensor:
    """(N, K) True where a vector is real, on the vectors' device."""
    positions = torch.arange(side.vectors.shape[1])
    return (positions < side.lengths[:, None]).to(side.vectors.device)


def to_numpy(tensor: Tensor) -> npt.NDArray[np.float32]:
    """A tensor's numbers as a numpy array sharing its memory."""
    array: npt.NDArray[np.float32] = tensor.numpy()
    return array

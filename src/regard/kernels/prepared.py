"""One side of the match, made ready to be scored many times.

Padding is dropped: vectors are packed one after another, sorted by length where lengths differ.
Inner products within an item (G) and lengths of vectors are computed when first needed and kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from array_api_compat import is_torch_array

from regard.errors import ConfigError
from regard.kernels.checks import Array, Ints, Lengths, Side, as_side, check_finite
from regard.kernels.halves import Floats, from_bfloat16, to_bfloat16, widen

Precision = Literal["float32", "bfloat16"]
WIDTH = 16  # items scored in step
_CHUNK = 1 << 19  # numbers worked on at a time, so that temporaries are reused, not faulted in


class Blocks(NamedTuple):
    """Sixteen packed items in step; the last block repeats its first item in empty lanes."""

    starts: Ints  # (block*16,) first vector of the item in each lane
    places: Ints  # (block*16,) the caller's index of the item, -1 in an empty lane
    counts: Floats  # (block, 16) vectors of the item
    extents: Ints  # (block, 2) most and fewest vectors of an item


class Facts(NamedTuple):
    """Numbers of each item or block, one after another."""

    values: Floats  # (n,) by item or (n, 16) by block
    first: Ints  # where each item's or block's begin


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Packed vectors of all items of one side. Made by `prepare`; every field may be stored."""

    vectors: npt.NDArray[Any]
    """(total, D) contiguous, float32, or bfloat16 as uint16; may be a memory map."""
    starts: Ints
    """(N+1,) where each packed item's vectors begin."""
    places: Ints
    """(N,) the caller's index of each packed item."""
    norms: Floats
    """(total,) length of every vector."""

    def __len__(self) -> int:
        """How many items."""
        return len(self.places)

    @property
    def dim(self) -> int:
        """Dimension of the joint space."""
        return int(self.vectors.shape[1])

    @property
    def precision(self) -> Precision:
        """What the vectors are kept in."""
        return "float32" if self.vectors.dtype == np.float32 else "bfloat16"

    @cached_property
    def counts(self) -> Ints:
        """(N,) vectors of each packed item."""
        return np.diff(self.starts)

    @cached_property
    def blocks(self) -> Blocks:
        """The items sixteen at a time."""
        number = -(-len(self) // WIDTH)
        lanes = np.arange(number * WIDTH)
        real = lanes < len(self)
        item = np.where(real, lanes, lanes // WIDTH * WIDTH)
        counts = self.counts[item].reshape(number, WIDTH)
        return Blocks(
            self.starts[item],
            np.where(real, self.places[item], -1),
            counts.astype(np.float32),
            np.stack([counts.max(1), counts.min(1)], 1),
        )

    @cached_property
    def filled(self) -> float:
        """Share of the lanes' room that holds real vectors."""
        return float(self.starts[-1]) / float(self.blocks.extents[:, 0].sum() * WIDTH)

    @cached_property
    def lane_norms(self) -> Facts:
        """Lengths of the vectors, (position, 16) by block."""
        most = self.blocks.extents[:, 0]
        first = _begin(most)
        values = np.zeros((first[-1], WIDTH), np.float32)
        for block, count in enumerate(most):
            starts = self.blocks.starts[block * WIDTH : (block + 1) * WIDTH]
            rows = np.minimum(starts + np.arange(count)[:, None], len(self.norms) - 1)
            values[first[block] : first[block + 1]] = self.norms[rows]
        return Facts(values, first[:-1])

    @cached_property
    def item_gram(self) -> Facts:
        """Lower half of G of each item, off-diagonal doubled, its size made even."""
        sizes = _half(self.counts)
        first = _begin(sizes)
        values = np.zeros(first[-1], np.float32)
        for items, half in self._grams():
            rows = first[items][:, None] + np.arange(half.shape[1])
            values[rows] = half
        return Facts(values, first[:-1])

    @cached_property
    def lane_gram(self) -> Facts:
        """Lower half of G, off-diagonal doubled, (entry, 16) by block; 0 beyond an item's end."""
        first = _begin(_half(self.blocks.extents[:, 0]))
        values = np.zeros((first[-1], WIDTH), np.float32)
        for items, half in self._grams():
            rows = first[items // WIDTH][:, None] + np.arange(half.shape[1])
            values[rows, (items % WIDTH)[:, None]] = half
        return Facts(values, first[:-1])

    def _grams(self) -> Iterator[tuple[Ints, Floats]]:
        """Items of one size, some at a time, with the lower halves of their G."""
        order = np.argsort(self.counts, kind="stable")
        sizes, begins = np.unique(self.counts[order], return_index=True)
        for size, begin, end in zip(sizes, begins, [*begins[1:], len(order)], strict=True):
            step = max(1, _CHUNK // int(size * max(self.dim, size)))
            for low in range(begin, end, step):
                items = order[low : min(end, low + step)]
                yield items, self._gram_of(items, int(size))

    def _gram_of(self, items: Ints, size: int) -> Floats:
        """(n, half) lower halves of G of items of one size."""
        if items[-1] - items[0] == len(items) - 1:
            vectors = self.vectors[self.starts[items[0]] : self.starts[items[-1] + 1]]
        else:
            vectors = self.vectors[self.starts[items][:, None] + np.arange(size)]
        vectors = as_floats(vectors.reshape(len(items), size, -1))
        even = size + size % 2
        gram = np.zeros((len(items), even, even), np.float32)
        np.matmul(vectors, vectors.transpose(0, 2, 1), out=gram[:, :size, :size])
        row, column = np.tril_indices(even)
        half = gram[:, row, column]
        half[:, row != column] *= 2
        return half


def as_floats(vectors: npt.NDArray[Any]) -> Floats:
    """Vectors of any floating type, or bfloat16 as uint16, in float32; not copied if they are."""
    if vectors.dtype == np.uint16:
        return from_bfloat16(vectors)
    if vectors.dtype == np.float16:
        return widen(vectors)
    with np.errstate(over="ignore"):
        return vectors.astype(np.float32, copy=False)


def _begin(sizes: Ints) -> Ints:
    """(n+1,) running total of sizes, from 0."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _half(counts: Ints) -> Ints:
    """Numbers in the lower half of a square matrix of even size."""
    even = counts + counts % 2
    half: Ints = even * (even + 1) // 2
    return half


def prepare(
    vectors: Array,
    lengths: Lengths = None,
    *,
    precision: Precision = "float32",
    name: str = "vectors",
) -> Prepared:
    """Pack one side: regions of images, or words of captions.

    Args:
        vectors: (N, K, D), any strides and floating type. Not copied if already packed: every
            vector real, contiguous and of the wanted precision.
        lengths: (N,) real vectors of each item; None means all.
        precision: what the vectors are kept in and multiplied in.

    Raises:
        ShapeError: wrong shape or lengths, or a real vector that is not finite.
    """
    if precision not in get_args(Precision):
        raise ConfigError(
            f"precision is {precision!r}; it must be float32 or bfloat16. Choose one of these."
        )
    side = as_side(vectors.cpu() if is_torch_array(vectors) else vectors, lengths, name)
    counts = side.lengths
    ragged = len(counts) > 0 and counts.min() < side.vectors.shape[1]
    order = np.argsort(counts, kind="stable") if ragged else np.arange(len(counts))
    starts = _begin(counts[order])
    packed, norms = _pack(side, order, starts, precision, name)
    check_finite(norms, name)
    return Prepared(vectors=packed, starts=starts, places=order, norms=norms)


def _pack(
    side: Side, order: Ints, starts: Ints, precision: Precision, name: str
) -> tuple[npt.NDArray[Any], Floats]:
    """(total, D) real vectors in the given order, and (total,) their lengths."""
    items, most, dim = side.vectors.shape
    norms = np.empty(int(starts[-1]), np.float32)
    whole = int(starts[-1]) == items * most
    kept = np.float32 if precision == "float32" else np.uint16
    there = whole and side.vectors.dtype == kept and side.vectors.flags.c_contiguous
    packed = side.vectors.reshape(-1, dim) if there else np.empty((len(norms), dim), kept)
    step = max(1, _CHUNK // (most * dim))
    for low in range(0, items, step):
        high = min(items, low + step)
        rows = slice(int(starts[low]), int(starts[high]))
        if whole:
            part = side.vectors[low:high].reshape(-1, dim)
        else:
            item, position = np.nonzero(np.arange(most) < side.lengths[order[low:high], None])
            part = side.vectors[order[low:high][item], position]
        if part.dtype == np.float16:
            check_finite(part, name)  # `widen` is for finite numbers only
        part = as_floats(part)
        if precision == "bfloat16":
            _rounding()(part, packed[rows], norms[rows])
            continue
        if not there:
            packed[rows] = part
        norms[rows] = _lengths(part)
    return packed, norms


@cache
def _rounding() -> Callable[[Floats, npt.NDArray[np.uint16], Floats], None]:
    """`rounding.round_rows`, or the same by numpy where numba is missing."""
    try:
        from regard.kernels.rounding import round_rows
    except Exception:  # noqa: BLE001 - a broken numba or llvmlite may raise anything
        return _round_plainly
    return round_rows


def _round_plainly(rows: Floats, out: npt.NDArray[np.uint16], norms: Floats) -> None:
    out[:] = to_bfloat16(rows)
    lengths = _lengths(from_bfloat16(out))
    norms[:] = np.where(np.isfinite(rows).all(axis=1), lengths, np.nan)


def _lengths(rows: Floats) -> Floats:
    with np.errstate(over="ignore"):
        lengths: Floats = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return lengths

"""One side of the match, made ready to be scored many times.

Padding is dropped: vectors are packed one after another, sorted by length where lengths differ.
Inner products within an item (G) and lengths of vectors are computed when first needed and kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regard.errors import ConfigError, ShapeError
from regard.kernels.checks import Array, Lengths, Side, as_side, check_finite

Precision = Literal["float32", "bfloat16"]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
WIDTH = 16  # items scored in step
_CHUNK = 1 << 22  # numbers converted at a time, so that temporaries are reused, not faulted in


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

    vectors: Tensor
    """(total, D) contiguous, float32 or bfloat16, on the CPU; may be a memory map."""
    starts: Ints
    """(N+1,) where each packed item's vectors begin."""
    places: Ints
    """(N,) the caller's index of each packed item."""
    norms: Floats
    """(total,) length of every vector."""
    gram: Facts | None = None
    """A stored `lane_gram`, so that an index need not compute it when it is opened."""

    def __len__(self) -> int:
        """How many items."""
        return len(self.places)

    @property
    def dim(self) -> int:
        """Dimension of the joint space."""
        return int(self.vectors.shape[1])

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
        if self.gram is not None:
            return self.gram
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
            rows = self.starts[items][:, None] + np.arange(size)
            vectors = self.vectors[torch.from_numpy(rows.reshape(-1))]
        vectors = vectors.view(len(items), size, -1).float()
        even = size + size % 2
        gram = vectors.new_zeros(len(items), even, even)
        gram[:, :size, :size] = vectors @ vectors.transpose(1, 2)
        row, column = np.tril_indices(even)
        half: Floats = gram.numpy()[:, row, column]
        half[:, row != column] *= 2
        return half


def _begin(sizes: Ints) -> Ints:
    """(n+1,) running total of sizes, from 0."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _half(counts: Ints) -> Ints:
    """Numbers in the lower half of a square matrix of even size."""
    even = counts + counts % 2
    half: Ints = even * (even + 1) // 2
    return half


def prepare(
    vectors: Tensor | Array,
    lengths: Lengths = None,
    *,
    precision: Precision = "bfloat16",
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
    if precision not in ("float32", "bfloat16"):
        raise ConfigError(
            f"precision is {precision!r}; it must be float32 or bfloat16. Choose one of these."
        )
    side = as_side(vectors, lengths, name)
    counts = side.lengths.numpy()
    ragged = len(counts) > 0 and counts.min() < side.vectors.shape[1]
    order = np.argsort(counts, kind="stable") if ragged else np.arange(len(counts))
    starts = _begin(counts[order])
    packed, norms = _pack(side, order, starts, getattr(torch, precision))
    check_finite(norms, name)
    return Prepared(vectors=packed, starts=starts, places=order, norms=norms.numpy())


def _pack(side: Side, order: Ints, starts: Ints, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(total, D) real vectors in the given order, and (total,) their lengths."""
    items, most, dim = side.vectors.shape
    norms = torch.empty(int(starts[-1]))
    whole = int(starts[-1]) == items * most
    if whole and side.vectors.dtype == dtype and side.vectors.is_contiguous():
        packed = side.vectors.cpu().view(-1, dim)
    else:
        packed = torch.empty(int(starts[-1]), dim, dtype=dtype)
    step = max(1, _CHUNK // (most * dim))
    for low in range(0, items, step):
        high = min(items, low + step)
        rows = slice(int(starts[low]), int(starts[high]))
        if whole:
            part = side.vectors[low:high].reshape(-1, dim)
        else:
            chosen = torch.from_numpy(order[low:high])
            real = torch.arange(most) < side.lengths[chosen][:, None]
            where = real.nonzero()
            part = side.vectors[chosen[where[:, 0]], where[:, 1]]
        if packed.data_ptr() != side.vectors.data_ptr():
            packed[rows] = part.cpu()
        torch.linalg.vector_norm(packed[rows].float(), dim=1, out=norms[rows])
    return packed, norms


def join(parts: Sequence[Prepared]) -> Prepared:
    """One side out of several, as when captions were embedded batch by batch.

    The caller's indices run on from part to part.
    """
    if not parts:
        raise ShapeError("the number of parts is 0; it must be at least 1. Prepare something.")
    first = _begin(np.array([len(part) for part in parts]))
    counts = np.concatenate([part.counts for part in parts])
    order = np.argsort(counts, kind="stable")
    starts = _begin(counts[order])
    begins = np.empty_like(order)
    begins[order] = starts[:-1]  # of each item of each part in turn
    vectors = torch.empty(int(starts[-1]), parts[0].dim, dtype=parts[0].vectors.dtype)
    norms = np.empty(len(vectors), np.float32)
    for part, low, high in zip(parts, first, first[1:], strict=False):
        rows = np.repeat(begins[low:high] - part.starts[:-1], part.counts)
        rows += np.arange(len(rows))
        vectors[torch.from_numpy(rows)] = part.vectors
        norms[rows] = part.norms
    places = np.concatenate([part.places + low for part, low in zip(parts, first, strict=False)])
    return Prepared(vectors=vectors, starts=starts, places=places[order], norms=norms)

"""All similarities of two prepared sides, tile by tile: one product, then the fused kernel.

A tile's cosines stay in the second-level cache between the two. Tiles depend on the shapes only,
so results are the same whatever the number of threads. CPU only; numba is imported on use.
"""

import threading
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from regard.core.attention import DEFAULT_SCORING, Pooling, Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels.checks import check_dim, to_numpy
from regard.kernels.hardware import fast_bfloat16
from regard.kernels.prepared import WIDTH, Ints, Prepared
from regard.kernels.workers import Progress, run_tasks, thread_count

TILE_COLUMNS = 1152  # 32 images of 36 regions: wide enough for the product's full speed
TILE_ROWS = 256
_TASK_TILES = 64  # most tiles one task does before it reports
_FOUR = 4  # the kernel takes queries in fours, and writes past the last


class _Buffers(threading.local):
    """Working memory of one thread; grows, is never given back while the thread lives."""

    def __init__(self) -> None:
        self.cosines = {t: torch.zeros(0, dtype=t) for t in (torch.float32, torch.bfloat16)}
        self.floats = [np.zeros(0, np.float32) for _ in range(3)]

    def take(self, dtype: torch.dtype, cosines: int, floats: tuple[int, int, int]) -> Any:
        if self.cosines[dtype].numel() < cosines:
            self.cosines[dtype] = torch.zeros(cosines, dtype=dtype)
        for n, size in enumerate(floats):
            if self.floats[n].size < size:
                self.floats[n] = np.zeros(size, np.float32)
        return self.cosines[dtype], self.floats


_buffers = _Buffers()


class _Task(NamedTuple):
    blocks: tuple[int, int]  # one tile of the inner side
    items: tuple[int, ...]  # borders of some tiles of the outer side


@cache
def _kernel() -> Callable[..., None] | None:
    """The compiled kernel, or None where numba cannot be had."""
    try:
        from regard.kernels.fused import score_tile
    except Exception:  # noqa: BLE001 - a broken numba or llvmlite may raise anything
        return None
    made: Callable[..., None] = score_tile
    return made


def fused_available() -> bool:
    """Whether the fused kernel can be compiled here."""
    return _kernel() is not None


def fused_handles(scoring: Scoring) -> bool:
    """Whether the fused kernel computes this kind of similarity."""
    return scoring.scorer == "attention" and scoring.normalization == "clipped_l2norm"


def score(
    regions: Prepared,
    words: Prepared,
    scoring: Scoring = DEFAULT_SCORING,
    *,
    out: Tensor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """Similarity of every image with every caption.

    Args:
        out: (I, C) float32 contiguous, written and returned; made if not given.
        threads: torch's number if None. The result does not depend on it.
        progress: told tiles done and tiles in all.

    Returns:
        (I, C) float32, in the order the callers' items had before `prepare`.
    """
    _check(regions, words, scoring)
    shape = (len(regions), len(words))
    if out is None:
        out = torch.empty(shape)
    if out.shape != shape or out.dtype != torch.float32 or not out.is_contiguous():
        raise ShapeError(
            f"out is {out.dtype} of shape {tuple(out.shape)}; it must be contiguous float32 of "
            f"shape {shape}. Pass such a tensor, or none."
        )
    if out.numel() == 0:
        return out
    images_inside = regions.filled >= words.filled
    inner, outer = (regions, words) if images_inside else (words, regions)
    inner_is_context = images_inside == (scoring.direction == "t2i")
    steps = (shape[1], 1) if images_inside else (1, shape[1])
    work = _worker(inner, outer, scoring, inner_is_context, (to_numpy(out).reshape(-1), *steps))
    run_tasks(_plan(inner, outer), work, thread_count(threads), progress)
    return out


def _check(regions: Prepared, words: Prepared, scoring: Scoring) -> None:
    if not fused_handles(scoring):
        raise ConfigError(
            f"normalization is {scoring.normalization} and scorer is {scoring.scorer}; prepared "
            "sides are scored with clipped_l2norm and attention only. Use similarity_matrix."
        )
    if not fused_available():
        raise ConfigError(
            "numba is missing; it must be installed to score prepared sides. "
            "Install numba, or use similarity_matrix."
        )
    check_dim(regions.dim, words.dim)
    if regions.vectors.dtype != words.vectors.dtype:
        raise ShapeError(
            f"the precision of words is {words.vectors.dtype}; it must be that of regions, "
            f"{regions.vectors.dtype}. Prepare both alike."
        )


def _cuts(starts: Ints, limit: int) -> list[int]:
    """Borders between runs of items of at most `limit` vectors (at least one item each)."""
    cuts, last = [0], len(starts) - 1
    while cuts[-1] < last:
        end = int(np.searchsorted(starts, starts[cuts[-1]] + limit, side="right")) - 1
        cuts.append(min(last, max(end, cuts[-1] + 1)))
    return cuts


def _plan(inner: Prepared, outer: Prepared) -> list[_Task]:
    """Every tile once, several outer ones to a task, from the shapes alone."""
    block_starts = np.append(inner.starts[:-1][::WIDTH], inner.starts[-1])
    blocks = _cuts(block_starts, TILE_COLUMNS)
    items = _cuts(outer.starts, TILE_ROWS)
    tiles = len(items) - 1
    group = max(1, min(_TASK_TILES, tiles * (len(blocks) - 1) // 64))
    runs = [tuple(items[n : n + group + 1]) for n in range(0, tiles, group)]
    return [_Task((a, b), run) for a, b in pairwise(blocks) for run in runs]


def _factor(side: Prepared, begin: int, end: int) -> Tensor:
    """Vectors of a run of packed items, in a type that is multiplied quickly here."""
    vectors = side.vectors[side.starts[begin] : side.starts[end]]
    return vectors if fast_bfloat16() else vectors.float()


def _worker(
    inner: Prepared, outer: Prepared, scoring: Scoring, inner_is_context: bool, out: Any
) -> Callable[[_Task], None]:
    """What a worker does with a task; shared facts are computed here, before any begins."""
    kernel = _kernel()
    assert kernel is not None
    if inner_is_context:
        (gram, inner_first), (norms, outer_first) = inner.lane_gram, (outer.norms, outer.starts)
    else:
        (norms, inner_first), (gram, outer_first) = inner.lane_norms, outer.item_gram
    sides = ((*inner.blocks, inner_first), (outer.starts, outer.places, outer_first))
    pooling = get_args(Pooling).index(scoring.pooling)
    settings = (pooling, np.float32(scoring.lambda_softmax), np.float32(scoring.lambda_lse))
    width = int(-(-inner.counts.max() // WIDTH) * WIDTH)
    height = int(outer.counts.max()) + _FOUR
    longest = max(width, height) * WIDTH
    floats = (width * height * WIDTH, longest, 2 * longest)

    def work(task: _Task) -> None:
        block_from, block_to = task.blocks
        first, last = block_from * WIDTH, min(len(inner), block_to * WIDTH)
        columns = _factor(inner, first, last)
        stride = len(columns)
        for begin, end in pairwise(task.items):
            rows = _factor(outer, begin, end)
            size = len(rows) * stride
            cosines, room = _buffers.take(columns.dtype, size + WIDTH, floats)
            torch.mm(rows, columns.T, out=cosines[:size].view(len(rows), stride))
            raw = cosines.view(torch.uint16) if cosines.dtype is torch.bfloat16 else cosines
            tile = (block_from, block_to, begin, end, stride)
            kernel((raw.numpy(), *room), tile, sides, (gram, norms), settings, out)

    return work

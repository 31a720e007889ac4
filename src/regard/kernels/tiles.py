"""All similarities of two prepared sides, tile by tile: products, then the fused kernel.

A tile's cosines stay in the caches between the two. Products are numpy's in float32; in bfloat16
they are the kernel's own (see `product`) or torch's, as the caller has measured (see
`precision`). Tiles depend on the shapes only, so results are the same whatever the number of
threads. Numba is imported on use.
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from regard.core.scoring import DEFAULT_SCORING, Pooling, Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels.buffers import Buffers
from regard.kernels.checks import Ints, check_dim
from regard.kernels.halves import Floats
from regard.kernels.hardware import multiplies_bfloat16
from regard.kernels.prepared import WIDTH, Prepared, as_floats
from regard.kernels.workers import Progress, run_tasks, thread_count

Engine = Literal["numpy", "kernel", "torch"]
"""Whose products: numpy's in float32, the kernel's own or torch's in bfloat16."""

TASK = 1 << 19  # cosines of a task: some milliseconds, so that threads share work evenly
TILES = {"numpy": (512, 2304), "torch": (3072, 576)}  # outer by inner vectors, for full speed
RUN = 192  # outer vectors whose X stays in the second-level cache
RUNS = 8  # runs over which the packing of a block is spread
_MOST_COLUMNS = 1 << 14
_STEEP = 20.0  # up to logits of this size squared weights stay inside float32 as they are
_FOUR = 4  # the kernel takes vectors in fours, and writes past the last


_buffers = Buffers()


class _Task(NamedTuple):
    blocks: tuple[int, int]  # first and past-the-last block of the inner side
    borders: Ints  # between runs of items of the outer side


class _Job(NamedTuple):
    """What all tasks share, in the words of `fused`."""

    inner: Prepared
    outer: Prepared
    sides: Any
    facts: Any
    settings: Any
    out: Any

    def room(self) -> tuple[Any, Any]:
        """This thread's memory for norms and sums."""
        longest = (int(max(self.inner.counts.max(), self.outer.counts.max())) + _FOUR) * WIDTH
        return _buffers.array("norms", longest), _buffers.array("sums", 2 * longest)


@cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None]] | None:
    """The compiled kernels, or None where numba cannot be had."""
    try:
        from regard.kernels.fused import score_tile, score_vectors
    except Exception:  # noqa: BLE001 - a broken numba or llvmlite may raise anything
        return None
    return score_tile, score_vectors


def fused_available() -> bool:
    """Whether the fused kernel can be compiled here."""
    return _kernels() is not None


def fused_handles(scoring: Scoring) -> bool:
    """Whether the fused kernel computes this kind of similarity."""
    clips = scoring.normalization in ("clipped", "clipped_l2norm")
    return scoring.scorer == "attention" and clips


def score(
    regions: Prepared,
    words: Prepared,
    scoring: Scoring = DEFAULT_SCORING,
    *,
    engine: Engine | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Floats:
    """Similarity of every image with every caption.

    Args:
        engine: whose products; None takes the kernel's own for bfloat16 where this processor has
            them, numpy's else.
        threads: all if None. The result does not depend on it.
        progress: told tiles done and tiles in all.

    Returns:
        (I, C) float32, in the order the callers' items had before `prepare`.

    Raises:
        ShapeError: the sides do not fit together.
        ConfigError: the kernel does not compute this kind of similarity, or numba is missing.
    """
    _check(regions, words, scoring)
    out = np.empty((len(regions), len(words)), np.float32)
    if out.size == 0:
        return out
    images_inside = regions.filled >= words.filled
    inner, outer = (regions, words) if images_inside else (words, regions)
    inner_is_context = images_inside == (scoring.direction == "t2i")
    steps = (len(words), 1) if images_inside else (1, len(words))
    job = _job(inner, outer, scoring, inner_is_context, (out.reshape(-1), *steps))
    own = _multiplies(regions)
    engine = engine or ("kernel" if own else "numpy")
    tasks, work = _by_vectors(job) if own and engine == "kernel" else _by_cosines(job, engine)
    run_tasks(tasks, work, thread_count(threads), progress)
    return out


def _check(regions: Prepared, words: Prepared, scoring: Scoring) -> None:
    if not fused_handles(scoring):
        raise ConfigError(
            f"normalization is {scoring.normalization} and scorer is {scoring.scorer}; prepared "
            "sides are scored with clipped_l2norm or clipped, and attention, only. "
            "Use similarity_matrix."
        )
    if not fused_available():
        raise ConfigError(
            "numba is missing; it must be installed to score prepared sides. "
            "Install numba, or use similarity_matrix."
        )
    check_dim(regions.dim, words.dim)
    if regions.precision != words.precision:
        raise ShapeError(
            f"the precision of words is {words.precision}; it must be that of regions, "
            f"{regions.precision}. Prepare both alike."
        )


def _cuts(starts: Ints, limit: int) -> list[int]:
    """Borders between runs of items of at most `limit` vectors (at least one item each)."""
    cuts, last = [0], len(starts) - 1
    while cuts[-1] < last:
        end = int(np.searchsorted(starts, starts[cuts[-1]] + limit, side="right")) - 1
        cuts.append(min(last, max(end, cuts[-1] + 1)))
    return cuts


def _plan(inner: Prepared, outer: Prepared, rows: int, runs: int, columns: int) -> list[_Task]:
    """Every block with every run of outer items once, from the shapes alone.

    Args:
        rows: most outer vectors of a run.
        runs: fewest runs of a task.
        columns: fewest inner vectors of a task, if there are so many.
    """
    borders = np.array(_cuts(outer.starts, rows))
    number = len(borders) - 1
    runs = min(number, max(runs, min(64, number // 8)))
    wanted = TASK // int(min(runs * rows, outer.starts[-1]))
    block_starts = np.append(inner.starts[:-1][::WIDTH], inner.starts[-1])
    blocks = _cuts(block_starts, max(columns, min(wanted, _MOST_COLUMNS)))
    chunks = [borders[n : n + runs + 1] for n in range(0, number, runs)]
    return [_Task((a, b), chunk) for a, b in pairwise(blocks) for chunk in chunks]


def _job(
    inner: Prepared, outer: Prepared, scoring: Scoring, inner_is_context: bool, out: Any
) -> _Job:
    """Facts of both sides, computed before any worker begins."""
    if inner_is_context:
        (gram, inner_first), (norms, outer_first) = inner.lane_gram, (outer.norms, outer.starts)
    else:
        (norms, inner_first), (gram, outer_first) = inner.lane_norms, outer.item_gram
    sides = ((*inner.blocks, inner_first), (outer.starts, outer.places, outer_first))
    longest = max(1.0, *(float(side.norms.max(initial=0)) ** 2 for side in (inner, outer)))
    normalises = scoring.normalization == "clipped_l2norm"
    settings = (
        get_args(Pooling).index(scoring.pooling),
        normalises,
        scoring.lambda_softmax * (1.0 if normalises else longest) > _STEEP,
        np.float32(scoring.lambda_softmax),
        np.float32(scoring.lambda_lse),
    )
    return _Job(inner, outer, sides, (gram, norms), settings, out)


def _by_cosines(job: _Job, engine: Engine) -> tuple[list[_Task], Callable[[_Task], None]]:
    """Tasks and how to do one: a library multiplies, the kernel goes on from the cosines."""
    kernels = _kernels()
    assert kernels is not None
    width = int(-(-job.inner.counts.max() // WIDTH) * WIDTH)
    size = width * (int(job.outer.counts.max()) + _FOUR) * WIDTH
    by_torch = engine == "torch" and job.inner.precision == "bfloat16"
    factor, multiply = (_tensor, _multiply_by_torch) if by_torch else (as_floats, np.matmul)

    def work(task: _Task) -> None:
        first, last = task.blocks
        columns = factor(_vectors(job.inner, first * WIDTH, min(len(job.inner), last * WIDTH)))
        stride = len(columns)
        for begin, end in pairwise(task.borders.tolist()):
            rows = factor(_vectors(job.outer, begin, end))
            kind = np.uint16 if by_torch else np.float32
            cosines = _buffers.array(kind.__name__, len(rows) * stride + WIDTH, kind)
            product = cosines[: len(rows) * stride].reshape(len(rows), stride)
            multiply(rows, columns.T, out=product)
            room = (cosines, _buffers.array("x", size), *job.room())
            tile = (first, last, begin, end, stride)
            kernels[0](room, tile, job.sides, job.facts, job.settings, job.out)

    rows, columns = TILES["torch" if by_torch else "numpy"]
    return _plan(job.inner, job.outer, rows, 1, columns), work


def _vectors(side: Prepared, begin: int, end: int) -> npt.NDArray[Any]:
    """Those of a run of packed items."""
    return side.vectors[side.starts[begin] : side.starts[end]]


def _tensor(patterns: npt.NDArray[np.uint16]) -> Any:
    """bfloat16 numbers as torch sees them, in the same memory."""
    import torch

    return torch.from_numpy(patterns.view(np.int16)).view(torch.bfloat16)


def _multiply_by_torch(rows: Any, columns: Any, *, out: npt.NDArray[np.uint16]) -> None:
    import torch

    torch.mm(rows, columns, out=_tensor(out))


def _multiplies(side: Prepared) -> bool:
    """Whether the kernel's own products apply: bfloat16 in pairs, at least sixteen of them."""
    fits = side.dim % 2 == 0 and side.dim >= 2 * WIDTH
    return side.precision == "bfloat16" and fits and multiplies_bfloat16()


def _by_vectors(job: _Job) -> tuple[list[_Task], Callable[[_Task], None]]:
    """Tasks and how to do one: the kernel multiplies too."""
    kernels = _kernels()
    assert kernels is not None
    pairs = job.inner.dim // 2
    width = int(job.inner.counts.max()) + _FOUR  # room for a multiple of three
    size = width * (max(RUN, int(job.outer.counts.max())) + 2 * _FOUR) * WIDTH
    inner = job.inner.vectors.view(np.float32).reshape(-1)
    outer = job.outer.vectors.view(np.int32).reshape(-1)

    def work(task: _Task) -> None:
        pack = _buffers.array("pack", width * pairs * WIDTH)
        packs = (pack.view(np.int32), pack, _buffers.array("rows", WIDTH, np.int64))
        room = (inner, outer, *packs, _buffers.array("x", size), *job.room())
        tile = (*task.blocks, task.borders, pairs)
        kernels[1](room, tile, job.sides, job.facts, job.settings, job.out)

    return _plan(job.inner, job.outer, RUN, RUNS, 1), work

"""Scores beside the official loop and beside the matrix product they cannot do without.

The three take turns in one process, so that a machine that slows down slows all of them; ratios
are of medians. The bare product multiplies every region with every real word in bfloat16.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.bench.loop import loop_over_captions
from regard.bench.shapes import caption_lengths, unit_vectors
from regard.core.attention import Direction, Pooling, Scoring, similarity
from regard.kernels import similarity_matrix

DIRECTIONS: tuple[Direction, ...] = ("t2i", "i2t")
POOLINGS: tuple[Pooling, ...] = ("lse", "mean", "max", "sum")


class Case(NamedTuple):
    """Sizes of one measurement."""

    images: int = 128
    captions: int = 128
    regions: int = 36
    dim: int = 1024
    words: int = 0
    """Words of every caption; 0 draws lengths as Flickr30K's."""


DEFAULT_CASE = Case()
SCALING = {
    "images": (16, 64, 256, 512),
    "captions": (16, 64, 256, 512),
    "regions": (1, 10, 36, 100),
    "words": (5, 13, 30, 60),
    "dim": (128, 256, 512, 1024, 2048),
}


class _Inputs(NamedTuple):
    regions: Tensor
    words: Tensor
    lengths: Tensor


def _inputs(case: Case) -> _Inputs:
    lengths = torch.from_numpy(caption_lengths(case.captions))
    if case.words:
        lengths = torch.full((case.captions,), case.words)
    words = unit_vectors(case.captions, int(lengths.max()), case.dim, seed=1)
    words[torch.arange(words.shape[1])[None] >= lengths[:, None]] = 0
    return _Inputs(unit_vectors(case.images, case.regions, case.dim), words, lengths)


def _turns(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of several works done in turns, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in seconds.items()}


def _product(inputs: _Inputs) -> Callable[[], object]:
    """The bare bfloat16 product of all regions with all real words, into memory kept ready."""
    real = torch.arange(inputs.words.shape[1])[None] < inputs.lengths[:, None]
    left = inputs.regions.flatten(0, 1).bfloat16()
    right = inputs.words[real].bfloat16()
    out = torch.empty(len(left), len(right), dtype=torch.bfloat16)
    return lambda: torch.mm(left, right.T, out=out)


def _ours(inputs: _Inputs, scoring: Scoring, threads: int) -> Callable[[], Tensor]:
    return lambda: similarity_matrix(
        *inputs, precision="bfloat16", threads=threads, **asdict(scoring)
    )


def _error(inputs: _Inputs, scoring: Scoring, found: Tensor) -> float:
    """Largest difference from float64 over the whole matrix."""
    real = torch.arange(inputs.words.shape[1])[None] < inputs.lengths[:, None]
    all_regions = torch.ones(inputs.regions.shape[:2], dtype=torch.bool)
    worst = 0.0
    for row in range(len(inputs.regions)):
        exact = similarity(
            inputs.regions[row, None].double(),
            inputs.words.double(),
            all_regions[row, None],
            real,
            scoring,
        )
        worst = max(worst, float((exact - found[row]).abs().max()))
    return worst


def measure(threads: int = 1, repeats: int = 5, case: Case = DEFAULT_CASE) -> dict[str, Any]:
    """Both directions at 128 x 128 with lse pooling, and the other poolings' times beside them.

    Returns:
        For each direction: ratio_to_loop (times faster), ratio_to_gemm (times as long as the
        bare product), max_error, seconds, and ratio_to_gemm of every pooling.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        inputs = _inputs(case)
        found: dict[str, Any] = {
            d: _direction(inputs, Scoring(direction=d), threads, repeats) for d in DIRECTIONS
        }
    finally:
        torch.set_num_threads(before)
    return {**found, "threads": threads, "case": case._asdict()}


def _direction(inputs: _Inputs, scoring: Scoring, threads: int, repeats: int) -> dict[str, Any]:
    ours: dict[str, Callable[[], Tensor]] = {
        p: _ours(inputs, replace(scoring, pooling=p), threads) for p in POOLINGS
    }
    lengths = inputs.lengths.tolist()
    seconds = _turns(
        {
            "loop": lambda: loop_over_captions(inputs.regions, inputs.words, lengths, scoring),
            "gemm": _product(inputs),
            **ours,
        },
        repeats,
    )
    chosen = seconds[scoring.pooling]
    return {
        "ratio_to_loop": seconds["loop"] / chosen,
        "ratio_to_gemm": chosen / seconds["gemm"],
        "gemm_ratio_to_loop": seconds["loop"] / seconds["gemm"],
        "max_error": _error(inputs, scoring, ours[scoring.pooling]()),
        "seconds": chosen,
        "ratio_to_gemm_by_pooling": {p: seconds[p] / seconds["gemm"] for p in POOLINGS},
    }


def scaling(threads: int = 1, repeats: int = 3) -> list[dict[str, Any]]:
    """How the time grows with each size, the others at 128, 128, 36, 1024 and Flickr30K's lengths.

    Returns:
        Rows of axis, value, direction, nanoseconds a pair and ratio_to_gemm.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rows = []
    try:
        for axis, values in SCALING.items():
            for value in values:
                rows += _scaled(
                    DEFAULT_CASE._replace(**{axis: value}), axis, value, threads, repeats
                )
    finally:
        torch.set_num_threads(before)
    return rows


def _scaled(case: Case, axis: str, value: int, threads: int, repeats: int) -> list[dict[str, Any]]:
    inputs = _inputs(case)
    works: dict[str, Callable[[], object]] = {
        d: _ours(inputs, Scoring(direction=d), threads) for d in DIRECTIONS
    }
    seconds = _turns({"gemm": _product(inputs), **works}, repeats)
    return [
        {
            "axis": axis,
            "value": value,
            "direction": direction,
            "nanoseconds_a_pair": 1e9 * seconds[direction] / (case.images * case.captions),
            "ratio_to_gemm": seconds[direction] / seconds["gemm"],
        }
        for direction in DIRECTIONS
    ]

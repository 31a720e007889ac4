"""Scores beside the official loop and beside the matrix product they cannot do without.

They take turns in one process, so that a machine that slows down slows all of them; ratios are
medians over the rounds. The bare product multiplies every region with every real word in bfloat16.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.bench.loop import loop_over_captions
from regard.bench.memory import give_back, peak_added
from regard.bench.shapes import caption_lengths, unit_vectors
from regard.core.attention import similarity
from regard.core.scoring import Direction, Pooling, Scoring
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
_CHECKED = 32  # images whose similarities are compared with float64


class Inputs(NamedTuple):
    """What is scored."""

    regions: Tensor
    words: Tensor
    lengths: Tensor


def make_inputs(case: Case) -> Inputs:
    """Random unit vectors of a case's sizes."""
    lengths = torch.from_numpy(caption_lengths(case.captions))
    if case.words:
        lengths = torch.full((case.captions,), case.words)
    words = unit_vectors(case.captions, int(lengths.max()), case.dim, seed=1)
    words[torch.arange(words.shape[1])[None] >= lengths[:, None]] = 0
    return Inputs(unit_vectors(case.images, case.regions, case.dim), words, lengths)


class Turn(NamedTuple):
    """What one piece of work took, once."""

    seconds: float
    processor: float
    """Seconds of the processor, all threads together: other programs change them less."""


Turns = dict[str, list[Turn]]


def take_turns(
    works: dict[str, Callable[[], object]], repeats: int, *, first_counts: bool = False
) -> Turns:
    """Times of several works done in turns; one round more, the first, is to warm up."""
    found: Turns = {name: [] for name in works}
    for turn in range(first_counts, repeats + 1):
        for name, work in works.items():
            began, used = time.perf_counter(), time.process_time()
            work()
            if turn:
                took = Turn(time.perf_counter() - began, time.process_time() - used)
                found[name].append(took)
    return found


def _median(turns: Turns, name: str) -> float:
    return statistics.median(turn.seconds for turn in turns[name])


def _ratio(turns: Turns, longer: str, shorter: str, kind: str = "seconds") -> float:
    """Median over the rounds of how many times longer one took than the other."""
    pairs = zip(turns[longer], turns[shorter], strict=True)
    return statistics.median(float(getattr(a, kind) / getattr(b, kind)) for a, b in pairs)


def bare_product(inputs: Inputs) -> Callable[[], object]:
    """The bare bfloat16 product of all regions with all real words, into memory kept ready."""
    real = torch.arange(inputs.words.shape[1])[None] < inputs.lengths[:, None]
    left = inputs.regions.flatten(0, 1).bfloat16()
    right = inputs.words[real].bfloat16()
    out = torch.empty(len(left), len(right), dtype=torch.bfloat16)
    return lambda: torch.mm(left, right.T, out=out)


def ours_on(inputs: Inputs, scoring: Scoring, threads: int) -> Callable[[], Tensor]:
    """Regard's scores, in bfloat16."""
    return lambda: similarity_matrix(
        *inputs, precision="bfloat16", threads=threads, **asdict(scoring)
    )


def _error(inputs: Inputs, scoring: Scoring, found: Tensor) -> float:
    """Largest difference from float64 over the first rows of the matrix."""
    real = torch.arange(inputs.words.shape[1])[None] < inputs.lengths[:, None]
    all_regions = torch.ones(inputs.regions.shape[:2], dtype=torch.bool)
    worst = 0.0
    for row in range(min(_CHECKED, len(inputs.regions))):
        exact = similarity(
            inputs.regions[row, None].double(),
            inputs.words.double(),
            all_regions[row, None],
            real,
            scoring,
        )
        worst = max(worst, float((exact - found[row]).abs().max()))
    return worst


def measure(threads: int = 1, repeats: int = 2, case: Case = DEFAULT_CASE) -> dict[str, Any]:
    """Both directions at 128 x 128 with lse pooling, and the other poolings beside them.

    Returns:
        For each direction: ratio_to_loop (times faster), ratio_to_gemm (times as long as the
        bare product), max_error, seconds; the same ratios of the processor's seconds; how much
        faster than the loop the product alone is; how much faster than the loop in float64, as
        the official evaluation runs it; ratio_to_gemm and max_error of every pooling.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        inputs = make_inputs(case)
        found: dict[str, Any] = {"bytes_added": _memory(inputs, threads)}
        for direction in DIRECTIONS:
            found[direction] = _direction(inputs, Scoring(direction=direction), threads, repeats)
    finally:
        torch.set_num_threads(before)
    return {**found, "threads": threads, "case": case._asdict()}


def _memory(inputs: Inputs, threads: int) -> dict[str, int]:
    """Bytes that scoring adds to the given vectors at its peak, once all code is loaded."""
    found: dict[str, int] = {}
    for direction in DIRECTIONS:
        scoring = Scoring(direction=direction)
        ours_on(Inputs(inputs.regions[:24], *inputs[1:]), scoring, threads)()
        give_back()
        found[direction] = peak_added(ours_on(inputs, scoring, threads))
    return found


def _loop(inputs: Inputs, scoring: Scoring) -> Callable[[], Tensor]:
    regions, words, lengths = inputs
    return lambda: loop_over_captions(regions, words, lengths.tolist(), scoring)


def _direction(inputs: Inputs, scoring: Scoring, threads: int, repeats: int) -> dict[str, Any]:
    ours: dict[str, Callable[[], Tensor]] = {
        p: ours_on(inputs, replace(scoring, pooling=p), threads) for p in POOLINGS
    }
    turns = take_turns(
        {"loop": _loop(inputs, scoring), "gemm": bare_product(inputs), **ours}, repeats
    )
    double = Inputs(inputs.regions.double(), inputs.words.double(), inputs.lengths)
    slow = take_turns(
        {"float64": _loop(double, scoring), "ours": ours[scoring.pooling]}, 1, first_counts=True
    )
    chosen = scoring.pooling
    errors = {p: _error(inputs, replace(scoring, pooling=p), ours[p]()) for p in POOLINGS}
    return {
        "ratio_to_loop": _ratio(turns, "loop", chosen),
        "ratio_to_gemm": _ratio(turns, chosen, "gemm"),
        "max_error": errors[chosen],
        "seconds": _median(turns, chosen),
        "processor_ratio_to_loop": _ratio(turns, "loop", chosen, "processor"),
        "processor_ratio_to_gemm": _ratio(turns, chosen, "gemm", "processor"),
        "gemm_ratio_to_loop": _ratio(turns, "loop", "gemm", "processor"),
        "ratio_to_float64_loop": _ratio(slow, "float64", "ours", "processor"),
        "gemm_flops": 2 * _products(inputs) / min(t.processor for t in turns["gemm"]),
        "ratio_to_gemm_by_pooling": {p: _ratio(turns, p, "gemm", "processor") for p in POOLINGS},
        "max_error_by_pooling": errors,
    }


def _products(inputs: Inputs) -> int:
    """Multiply-adds of the bare product."""
    regions = inputs.regions
    return regions.numel() * int(inputs.lengths.sum())

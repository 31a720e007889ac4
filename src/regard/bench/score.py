"""Scores beside the official loop and beside the matrix products they cannot do without.

They take turns in one process, so that a machine that slows down slows all of them; ratios are
medians over the rounds. The bare products multiply every region with every real word, numpy's in
float32 and torch's in bfloat16. The loop and the second product need torch: without it they are
left out.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from importlib import util
from typing import Any, NamedTuple

import numpy as np

from regard.bench.memory import give_back, peak_added
from regard.bench.shapes import caption_lengths, unit_vectors
from regard.core.attention import similarity
from regard.core.scoring import Direction, Pooling, Scoring
from regard.kernels import Wanted, chosen, similarity_matrix
from regard.kernels.hardware import multiplies_bfloat16
from regard.kernels.workers import set_threads

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

    regions: np.ndarray
    words: np.ndarray
    lengths: np.ndarray

    def real_words(self) -> np.ndarray:
        """(C, W) True where a word is real."""
        real: np.ndarray = np.arange(self.words.shape[1]) < self.lengths[:, None]
        return real


def make_inputs(case: Case) -> Inputs:
    """Random unit vectors of a case's sizes."""
    lengths = caption_lengths(case.captions)
    if case.words:
        lengths = np.full(case.captions, case.words)
    words = unit_vectors(case.captions, int(lengths.max()), case.dim, seed=1)
    inputs = Inputs(unit_vectors(case.images, case.regions, case.dim), words, lengths)
    words[~inputs.real_words()] = 0
    return inputs


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
    turns: Turns = {name: [] for name in works}
    for turn in range(first_counts, repeats + 1):
        for name, work in works.items():
            began, used = time.perf_counter(), time.process_time()
            work()
            if turn:
                took = Turn(time.perf_counter() - began, time.process_time() - used)
                turns[name].append(took)
    return turns


def _median(turns: Turns, name: str) -> float:
    return statistics.median(turn.seconds for turn in turns[name])


def ratio(turns: Turns, longer: str, shorter: str, kind: str = "seconds") -> float:
    """Median over the rounds of how many times longer one took than the other."""
    pairs = zip(turns[longer], turns[shorter], strict=True)
    return statistics.median(float(getattr(a, kind) / getattr(b, kind)) for a, b in pairs)


def least_of(turns: Turns, names: Iterable[str]) -> list[Turn]:
    """The quickest of several works of every round."""
    return [min(turn) for turn in zip(*(turns[name] for name in names), strict=True)]


def bare_products(inputs: Inputs) -> dict[str, Callable[[], object]]:
    """Products of all regions with all real words, into memory kept ready, by precision."""
    left = inputs.regions.reshape(-1, inputs.regions.shape[2])
    right = inputs.words[inputs.real_words()]
    out = np.empty((len(left), len(right)), np.float32)
    products: dict[str, Callable[[], object]] = {
        "float32": lambda: np.matmul(left, right.T, out=out)
    }
    if multiplies_bfloat16() and has_torch():
        import torch

        a, b = (torch.from_numpy(side).bfloat16() for side in (left, right))
        rounded = torch.empty(len(a), len(b), dtype=torch.bfloat16)
        products["bfloat16"] = lambda: torch.mm(a, b.T, out=rounded)
    return products


def has_torch() -> bool:
    """Whether torch can be imported."""
    try:
        return util.find_spec("torch") is not None
    except (ImportError, ValueError):
        return False


def ours_on(
    inputs: Inputs, scoring: Scoring, threads: int, precision: Wanted = "fast"
) -> Callable[[], np.ndarray]:
    """Regard's scores, in the quicker precision unless one is given."""

    def scores() -> np.ndarray:
        similarities: np.ndarray = similarity_matrix(
            *inputs, precision=precision, threads=threads, **asdict(scoring)
        )
        return similarities

    return scores


def _error(inputs: Inputs, scoring: Scoring, scores: np.ndarray) -> float:
    """Largest difference from float64 over the first rows of the matrix."""
    all_regions = np.ones(inputs.regions.shape[:2], bool)
    words, worst = inputs.words.astype(np.float64), 0.0
    for row in range(min(_CHECKED, len(inputs.regions))):
        regions = inputs.regions[row, None].astype(np.float64)
        exact = similarity(regions, words, all_regions[row, None], inputs.real_words(), scoring)
        worst = max(worst, float(np.abs(exact - scores[row]).max()))
    return worst


def measure(threads: int = 1, repeats: int = 2, case: Case = DEFAULT_CASE) -> dict[str, Any]:
    """Both directions at 128 x 128 with lse pooling, and the other poolings beside them.

    Returns:
        For each direction: ratio_to_best_product (times as long as the faster bare product,
        float32 or bfloat16), ratio_to_loop (times faster), max_error, seconds; the same ratios of
        the processor's seconds; how much faster than the loop the product alone is; how much
        faster than the loop in float64, as the official evaluation runs it; ratio_to_best_product
        and max_error of every pooling. Of the whole: the precision that was chosen, the other,
        and how many times as long that took. What needs torch is left out without it.
    """
    choice = chosen("scores")
    set_threads(threads)
    try:
        inputs = make_inputs(case)
        tree: dict[str, Any] = {"bytes_added": _memory(inputs, threads)}
        ratios = []
        for direction in DIRECTIONS:
            scoring = Scoring(direction=direction)
            works: dict[str, Callable[[], object]] = {
                name: ours_on(inputs, scoring, threads, name)
                for name in (choice.precision, choice.other)
            }
            turns = take_turns(works, repeats)
            ratios.append(ratio(turns, choice.other, choice.precision))
            tree[direction] = _direction(inputs, scoring, threads, repeats)
    finally:
        set_threads(None)
    choices = {"chosen": choice.precision, "other": choice.other, "ratio": statistics.mean(ratios)}
    return {**choices, **tree, "threads": threads, "case": case._asdict()}


def _memory(inputs: Inputs, threads: int) -> dict[str, int]:
    """Bytes that scoring adds to the given vectors at its peak, once all code is loaded."""
    added: dict[str, int] = {}
    for direction in DIRECTIONS:
        scoring = Scoring(direction=direction)
        ours_on(Inputs(inputs.regions[:24], *inputs[1:]), scoring, threads)()
        give_back()
        added[direction] = peak_added(ours_on(inputs, scoring, threads))
    return added


def _loop(inputs: Inputs, scoring: Scoring) -> Callable[[], object]:
    import torch

    from regard.bench.loop import loop_over_captions

    regions, words = map(torch.from_numpy, inputs[:2])
    return lambda: loop_over_captions(regions, words, inputs.lengths.tolist(), scoring)


def _direction(inputs: Inputs, scoring: Scoring, threads: int, repeats: int) -> dict[str, Any]:
    ours: dict[str, Callable[[], np.ndarray]] = {
        p: ours_on(inputs, replace(scoring, pooling=p), threads) for p in POOLINGS
    }
    products, usual = bare_products(inputs), scoring.pooling
    loop = {"loop": _loop(inputs, scoring)} if has_torch() else {}
    turns = take_turns({**loop, **products, **ours}, repeats)
    turns["product"] = least_of(turns, products)
    errors = {p: _error(inputs, replace(scoring, pooling=p), ours[p]()) for p in POOLINGS}
    tree = {
        "ratio_to_best_product": ratio(turns, usual, "product"),
        "max_error": errors[usual],
        "seconds": _median(turns, usual),
        "processor_ratio_to_best_product": ratio(turns, usual, "product", "processor"),
        "product_flops": 2 * _products(inputs) / min(t.processor for t in turns["product"]),
        "ratio_to_best_product_by_pooling": {p: ratio(turns, p, "product") for p in POOLINGS},
        "max_error_by_pooling": errors,
    }
    return tree | (_beside_the_loop(inputs, scoring, turns, ours[usual]) if loop else {})


def _beside_the_loop(
    inputs: Inputs, scoring: Scoring, turns: Turns, ours: Callable[[], object]
) -> dict[str, float]:
    usual = scoring.pooling
    double = Inputs(inputs.regions.astype(float), inputs.words.astype(float), inputs.lengths)
    works = {"float64": _loop(double, scoring), "ours": ours}
    slow = take_turns(works, 1, first_counts=True)
    return {
        "ratio_to_loop": ratio(turns, "loop", usual),
        "processor_ratio_to_loop": ratio(turns, "loop", usual, "processor"),
        "product_ratio_to_loop": ratio(turns, "loop", "product", "processor"),
        "ratio_to_float64_loop": ratio(slow, "float64", "ours", "processor"),
    }


def _products(inputs: Inputs) -> int:
    """Multiply-adds of the bare product."""
    return inputs.regions.size * int(inputs.lengths.sum())

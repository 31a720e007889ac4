"""Queries with and without a right answer among those looked at, to fit and measure verdicts.

For every query and several numbers of answers, one set of answers drawn at random is looked at
twice: with the query's own answer in it, and without. Knows numbers only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from regard.evaluation.calibration.curve import Reliability, fit_logistic, reliability
from regard.model.judgement import EVEN, Calibration, VerdictCurve, logistic

SIZES = (1, 3, 10, 30, 100, 300, 1000)


class Cases(NamedTuple):
    """Sets of answers that queries looked at."""

    inputs: Float[np.ndarray, "case input"]
    """Those of `VerdictCurve`, without the constant."""
    among: Int[np.ndarray, " case"]
    """How many answers."""
    has_answer: Bool[np.ndarray, " case"]
    """Whether the query's own answer is among them."""
    query: Int[np.ndarray, " case"]
    """Row of the query."""


class VerdictReport(NamedTuple):
    """How often a verdict is right, in per cent; one query in two has its answer among them."""

    sizes: list[int]
    """Numbers of answers."""
    accuracy: list[float]
    """Of the verdict, for each size."""
    flat: list[float]
    """Of the best answer's probability as a pair, cut at one half."""
    reliability: Reliability

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        rows = zip(self.sizes, self.accuracy, self.flat, strict=True)
        return {
            "accuracy": [{"among": n, "verdict": v, "flat_cut_off": f} for n, v, f in rows],
            "expected_calibration_error": self.reliability.expected_calibration_error,
        }


def draw_cases(
    scores: Float[np.ndarray, "query answer"],
    right: Sequence[Int[np.ndarray, " _"]],
    spreads: Float[np.ndarray, "query two"],
) -> Cases:
    """Every query looking at every number of answers, with one of its own and without.

    Args:
        right: rows of each query's own answers.
        spreads: mean and deviation of each query's background.
    """
    generator = np.random.default_rng(0)
    rows: list[tuple[float, ...]] = []
    for query, own in enumerate(right):
        others = generator.permutation(np.setdiff1d(np.arange(scores.shape[1]), own))
        true = scores[query, generator.choice(own)]
        for size in sorted({min(size, len(others)) for size in SIZES}):
            wrong = scores[query, others[:size]]
            with_it = max(true, wrong[:-1].max(initial=-np.inf))
            for best, is_there in ((with_it, 1), (wrong.max(), 0)):
                rows.append((best, np.log(size), *spreads[query], size, is_there, query))
    cases = np.array(rows, np.float64)
    return Cases(cases[:, :4], cases[:, 4].astype(int), cases[:, 5] > 0, cases[:, 6].astype(int))


def fit_verdict(cases: Cases) -> VerdictCurve:
    """The most likely curve."""
    return VerdictCurve(*fit_logistic(cases.inputs, cases.has_answer))


def part(cases: Cases, queries: Bool[np.ndarray, " query"]) -> Cases:
    """Cases of some queries."""
    return Cases(*(values[queries[cases.query]] for values in cases))


def report(curve: VerdictCurve, pair: Calibration, cases: Cases) -> VerdictReport:
    """Measure a verdict beside the flat cut-off, on cases it was not fitted to."""
    constant = np.ones((len(cases.inputs), 1))
    said = logistic(np.concatenate([cases.inputs, constant], 1) @ np.array(curve))
    right = (said >= EVEN) == cases.has_answer
    flat = (pair.probability(cases.inputs[:, 0]) >= EVEN) == cases.has_answer
    sizes = sorted(set(cases.among.tolist()))
    rows = [cases.among == size for size in sizes]
    return VerdictReport(
        sizes,
        [float(100 * right[row].mean()) for row in rows],
        [float(100 * flat[row].mean()) for row in rows],
        reliability(said, cases.has_answer),
    )

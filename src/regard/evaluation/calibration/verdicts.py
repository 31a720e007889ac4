"""Queries with and without a right answer among those looked at, to fit and measure verdicts.

For every query and several numbers of answers, one set of answers drawn at random is looked at
twice: with the query's own answer in it, and without. Knows numbers only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from regard.evaluation.calibration.curve import Reliability, fit_logistic, reliability
from regard.model.background import Background
from regard.model.encoded import EncodedCaptions
from regard.model.judgement import EVEN, Calibration, VerdictCurve, logistic
from regard.shapes import Bool, Float, Int

SIZES = (1, 3, 10, 30, 100, 300, 1000)


class Cases(NamedTuple):
    """Sets of answers that queries looked at."""

    inputs: Float[np.ndarray, "case input"]
    """Those of `VerdictCurve` but for the constant, the number of words last."""
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
    kinds: Sequence["Told"] = ()
    """Of queries of one kind each."""

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        rows = zip(self.sizes, self.accuracy, self.flat, strict=True)
        return {
            "accuracy": [{"among": n, "verdict": v, "flat_cut_off": f} for n, v, f in rows],
            "expected_calibration_error": self.reliability.expected_calibration_error,
            "kinds": [told._asdict() for told in self.kinds],
        }


def spreads_of(background: Background, asked: EncodedCaptions) -> Float[np.ndarray, "query two"]:
    """Mean and deviation of each sentence's cosines with the background's photos."""
    pairs = zip(asked.vectors, asked.lengths, strict=True)
    return np.array([background.spread(words[:length], "photos") for words, length in pairs])


class Told(NamedTuple):
    """How often verdicts on queries of one kind are right, in per cent, over all sizes."""

    kind: str
    match: float
    """"match" where an answer is there."""
    no_match: float
    """"no sure match" where none is."""
    queries: int


def draw_cases(
    scores: Float[np.ndarray, "query answer"],
    right: Sequence[Int[np.ndarray, " _"]],
    spreads: Float[np.ndarray, "query two"],
    words: Int[np.ndarray, " query"],
    never: Sequence[Int[np.ndarray, " _"]] | None = None,
) -> Cases:
    """Every query looking at every number of answers, with some of its own and without.

    As many of its own are there as there would be by chance, but one at least.

    Args:
        right: rows of each query's own answers.
        spreads: mean and deviation of each query's background.
        words: how many of each query count.
        never: rows that are no wrong answers of each query for certain; None: none but its own.
    """
    generator = np.random.default_rng(0)
    rows: list[tuple[float, ...]] = []
    for query, own in enumerate(right):
        free = np.setdiff1d(np.arange(scores.shape[1]), own if never is None else never[query])
        others, true = generator.permutation(free), scores[query, generator.permutation(own)]
        for size in sorted({min(size, len(others)) for size in SIZES} - {0}):
            wrong = scores[query, others[:size]]
            there = true[: max(1, round(len(own) * size / scores.shape[1]))]
            with_it = max(there.max(), wrong[len(there) :].max(initial=-np.inf))
            for best, is_there in ((with_it, 1), (wrong.max(), 0)):
                known = np.log(size), *spreads[query], np.log(max(words[query], 1))
                rows.append((best, *known, size, is_there, query))
    cases = np.array(rows, np.float64).reshape(-1, 8)
    return Cases(cases[:, :5], cases[:, 5].astype(int), cases[:, 6] > 0, cases[:, 7].astype(int))


def fit_verdict(kinds: Sequence[Cases]) -> VerdictCurve:
    """The most likely curve, where queries of every kind come up as often."""
    inputs = np.concatenate([cases.inputs for cases in kinds])
    true = np.concatenate([cases.has_answer for cases in kinds])
    weights = np.concatenate([np.full(len(c.inputs), 1 / len(c.inputs)) for c in kinds])
    fitted = fit_logistic(inputs, true, weights * len(inputs) / len(kinds))
    best, among, mean, deviation, words, intercept = fitted
    return VerdictCurve(best, among, mean, deviation, intercept, words)


def told(kind: str, curve: VerdictCurve, cases: Cases) -> Told:
    """Measure a verdict on queries of one kind, to which it was not fitted."""
    match, there = said_of(curve, cases) >= EVEN, cases.has_answer
    right = float(100 * match[there].mean()), float(100 * (~match[~there]).mean())
    return Told(kind, right[0], right[1], len(np.unique(cases.query)))


def said_of(curve: VerdictCurve, cases: Cases) -> Float[np.ndarray, " case"]:
    """The curve's probabilities."""
    weights = np.array([*curve[:4], curve.words])
    return logistic(cases.inputs @ weights + curve.intercept)


def part(cases: Cases, queries: Bool[np.ndarray, " query"]) -> Cases:
    """Cases of some queries."""
    return Cases(*(values[queries[cases.query]] for values in cases))


def report(curve: VerdictCurve, pair: Calibration, cases: Cases) -> VerdictReport:
    """Measure a verdict beside the flat cut-off, on cases it was not fitted to."""
    said = said_of(curve, cases)
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

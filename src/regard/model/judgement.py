"""What a similarity is worth: the probability of a pair, and whether a query found anything.

One pair is judged by a logistic curve over its similarity. The best of many answers is no pair
drawn at random, and some queries are similar to everything; so a whole query is judged by its
best similarity, by how many answers it was the best of, and by how like the query a fixed
background is that has nothing to do with it.

Knows numbers; fitting is `regard.evaluation.calibration.curve`'s matter.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from regard.model.background import Answers, Background, Spread
from regard.model.pointer import Pointer

Verdict = Literal["match", "no good match"]
EVEN = 0.5  # from this probability on a query has found something


class Calibration(NamedTuple):
    """probability = 1 / (1 + exp(-(slope * similarity + intercept)))."""

    slope: float
    intercept: float

    def probability(self, similarity: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Probability that a sentence describes a photo, by their similarity."""
        return logistic(self.slope * np.asarray(similarity, np.float64) + self.intercept)


class VerdictCurve(NamedTuple):
    """Weights of the logistic curve that judges a whole query."""

    best: float
    """Of the best similarity."""
    among: float
    """Of the logarithm of how many answers it is the best of."""
    mean: float
    """Of the mean of the query's background."""
    deviation: float
    """Of its deviation."""
    intercept: float

    def probability(self, best: float, among: int, background: Spread) -> float:
        """Probability that a right answer is among those looked at, one query in two having one.

        Args:
            best: the highest similarity.
            among: how many answers were looked at, at least 1.
        """
        inputs = np.array([best, math.log(among), *background, 1.0])
        return float(logistic(inputs @ np.array(self)))


class Judgement(NamedTuple):
    """All a model says of itself, from what its maker recorded; None where nothing was."""

    pair: Calibration | None = None
    word: Calibration | None = None
    """Over a word's largest cosine with a region: that the photo shows what the word names."""
    photos: VerdictCurve | None = None
    """For sentences that ask for photos."""
    sentences: VerdictCurve | None = None
    """For photos that ask for sentences."""
    background: Background | None = None
    pointer: Pointer | None = None
    """Where words point."""

    @classmethod
    def of(
        cls, info: dict[str, Any], background: Background | None, pointer: Pointer | None = None
    ) -> "Judgement":
        """From a model's recorded information."""

        def curve(name: str) -> Calibration | None:
            found = info.get(name)
            return Calibration(found["slope"], found["intercept"]) if found else None

        verdicts = {
            name: VerdictCurve(**{key: found[key] for key in VerdictCurve._fields})
            for name, found in info.get("verdict", {}).items()
        }
        return cls(
            curve("calibration"),
            curve("word_support"),
            verdicts.get("photos"),
            verdicts.get("sentences"),
            background,
            pointer,
        )

    def found(
        self, answers: Answers, asked: Float[np.ndarray, "item dim"], best: float, among: int
    ) -> float | None:
        """Probability that a right answer is among those looked at; None where uncalibrated.

        Args:
            answers: what is looked at.
            asked: vectors of the query, words or regions, without padding.
            best: highest similarity of the answers.
            among: how many there are.
        """
        curve = self.photos if answers == "photos" else self.sentences
        if curve is None or self.background is None or not among:
            return None
        return curve.probability(best, among, self.background.spread(asked, answers))


def verdict(probability: float | None) -> Verdict | None:
    """In words; None where there is no probability."""
    if probability is None:
        return None
    return "match" if probability >= EVEN else "no good match"


def logistic(logits: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """1 / (1 + exp(-x)), without overflow."""
    found: np.ndarray = 0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / 2))
    return found

"""What a similarity is worth: the probability of a pair, and whether a query found anything.

One pair is judged by a logistic curve over its similarity. The best of many answers is no pair
drawn at random, and some queries are similar to everything; so a whole query is judged by its
best similarity, by how many answers it was the best of, and by how like the query a fixed
background is that has nothing to do with it.

Knows numbers; fitting is `regard.evaluation.calibration.curve`'s matter.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from regard.model.background import Answers, Spread
from regard.shapes import Float

Verdict = Literal["match", "no sure match"]
Strength = Literal["strong", "possible", "weak"]
EVEN = 0.5  # from this probability on a query has found something, and a match is strong
POSSIBLE = 0.25  # chosen by benchmarks/strengths.py; docs/honesty.md says what both are worth


class Calibration(NamedTuple):
    """probability = 1 / (1 + exp(-(slope * similarity + intercept)))."""

    slope: float
    intercept: float

    def probability(self, similarity: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Probability that a sentence describes a photo, by their similarity."""
        return logistic(self.slope * np.asarray(similarity, np.float64) + self.intercept)


class WordCurve(NamedTuple):
    """Weights of the logistic curve that says whether a photo shows what a word names."""

    slope: float
    """Of the word's largest product with what it is held against."""
    intercept: float
    mean: float = 0.0
    """Of the mean of the word's cosines with the background's photos: some are near every photo."""
    deviation: float = 0.0
    """Of their deviation."""

    def probability(self, evidence: Float[np.ndarray, "*word 3"]) -> Float[np.ndarray, "*word"]:
        """Of each word.

        Args:
            evidence: largest product, mean and deviation.
        """
        weights = np.array([self.slope, self.mean, self.deviation])
        return logistic(np.asarray(evidence, np.float64) @ weights + self.intercept)


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
    words: float = 0.0
    """Of the logarithm of how many words of a sentence that asks count."""

    def probability(
        self, best: Float[np.ndarray, "*shape"], among: int, background: Spread, words: int = 0
    ) -> Float[np.ndarray, "*shape"]:
        """Probability that a right answer is among those looked at, one query in two having one.

        Args:
            best: the highest similarity.
            among: how many answers were looked at, at least 1.
            words: of a sentence that asks, how many count; 0 where a photo does.
        """
        looked = self.among * math.log(among) + self.mean * background.mean
        known = looked + self.deviation * background.deviation + self.intercept
        known += self.words * math.log(max(words, 1))
        return logistic(self.best * np.asarray(best, np.float64) + known)


class Judgement(NamedTuple):
    """What a similarity is worth; None where no curve says."""

    probability: float | None = None
    """That the pair fits, one pair in two fitting before looking."""
    match_probability: float | None = None
    """That a right answer is among all looked at, were this the most similar of them; one query
    in two having one."""

    @property
    def verdict(self) -> Verdict | None:
        """Whether a right answer is more likely among them than not."""
        return verdict(self.match_probability)

    @property
    def strength(self) -> Strength | None:
        """How good a match is, in a word: from 0.5 on strong, from 0.25 on possible, else weak."""
        if self.match_probability is None:
            return None
        likely = self.match_probability
        return "strong" if likely >= EVEN else "possible" if likely >= POSSIBLE else "weak"


class Curves(NamedTuple):
    """What a model's maker has fitted; None where nothing was."""

    pair: Calibration | None = None
    word: WordCurve | None = None
    photos: VerdictCurve | None = None
    """For sentences that ask for photos."""
    sentences: VerdictCurve | None = None
    """For photos that ask for sentences."""
    lowered: float = 1.0
    """How much of what hubs are lowered by is taken off a similarity that agrees with people."""

    @classmethod
    def of(cls, info: dict[str, Any]) -> "Curves":
        """From a model's recorded information."""

        def curve(name: str) -> Calibration | None:
            recorded = info.get(name)
            return Calibration(recorded["slope"], recorded["intercept"]) if recorded else None

        word = info.get("word_support")
        verdicts = {
            name: VerdictCurve(**{k: recorded[k] for k in VerdictCurve._fields if k in recorded})
            for name, recorded in info.get("verdict", {}).items()
        }
        return cls(
            curve("calibration"),
            WordCurve(**{k: word[k] for k in WordCurve._fields if k in word}) if word else None,
            verdicts.get("photos"),
            verdicts.get("sentences"),
            info.get("agreement", {}).get("lowered", 1.0),
        )

    def judge(
        self,
        agreements: Sequence[float],
        similarities: Sequence[float],
        answers: Answers,
        spread: Spread | None,
        among: int,
        words: int = 0,
    ) -> list[Judgement]:
        """What similarities with one query are worth, each as far as a curve says.

        Args:
            agreements: of which a pair's probability is told.
            similarities: of which it is told whether anything fits.
            answers: what was looked at.
            spread: how similar the query is to the background; None where there is none.
            among: how many answers were looked at, at least 1 if there is a similarity.
            words: of a sentence that asks, how many count.
        """
        values = np.asarray(similarities, np.float64)
        pairs: list[float | None] = [None] * len(values)
        matches = pairs
        if self.pair is not None:
            pairs = self.pair.probability(np.asarray(agreements)).tolist()
        curve = self.photos if answers == "photos" else self.sentences
        if curve is not None and spread is not None and among:
            matches = curve.probability(values, among, spread, words).tolist()
        return [Judgement(*both) for both in zip(pairs, matches, strict=True)]


def verdict(probability: float | None) -> Verdict | None:
    """In words; None where there is no probability."""
    if probability is None:
        return None
    return "match" if probability >= EVEN else "no sure match"


def logistic(logits: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """1 / (1 + exp(-x)), without overflow."""
    probability: np.ndarray = 0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / 2))
    return probability

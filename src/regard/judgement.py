"""What a similarity is worth: the probability of a pair, and whether a query found anything.

One pair is judged by a logistic curve over its similarity. The best of many answers is no pair
drawn at random, and some queries are similar to everything; so a whole query is judged by its
best similarity, by how many answers it was the best of, and by how like the query a fixed
background is that has nothing to do with it.

Knows numbers; fitting is `regard.evaluation.calibration`'s matter.
"""

import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from regard.errors import CheckpointError

Answers = Literal["photos", "sentences"]
Verdict = Literal["match", "no good match"]
EVEN = 0.5  # from this probability on a query has found something
FILE = "background.safetensors"
_STEPS = 127  # of int8


class Calibration(NamedTuple):
    """probability = 1 / (1 + exp(-(slope * similarity + intercept)))."""

    slope: float
    intercept: float

    def probability(self, similarity: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Probability that a sentence describes a photo, by their similarity."""
        return logistic(self.slope * np.asarray(similarity, np.float64) + self.intercept)


class Background(NamedTuple):
    """Mean vectors, of unit length, of photos and sentences a query has nothing to do with."""

    photos: Float[np.ndarray, "photo dim"]
    sentences: Float[np.ndarray, "sentence dim"]

    def save(self, folder: Path) -> None:
        """Write the file, int8 and a scale a row."""
        held = {}
        for name, rows in self._asdict().items():
            scale = np.abs(rows).max(1).clip(1e-12) / _STEPS
            held[name] = np.round(rows / scale[:, None]).astype(np.int8)
            held[f"{name}_scale"] = scale.astype(np.float32)
        partial = folder / "background.partial"
        save_file(held, partial)
        partial.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Background | None":
        """Read the file; None where a model has none.

        Raises:
            CheckpointError: it is damaged.
        """
        if not (folder / FILE).is_file():
            return None
        try:
            held = load_file(folder / FILE)
            return cls(
                *(held[name] * held[f"{name}_scale"][:, None] for name in ("photos", "sentences"))
            )
        except (OSError, KeyError, ValueError, IndexError, SafetensorError) as error:
            raise CheckpointError(
                f"{folder / FILE} cannot be read ({error}); it must be a model's background. "
                "Make it anew with `regard calibrate`."
            ) from None


class Spread(NamedTuple):
    """How similar a query is to the background that answers it."""

    mean: float
    deviation: float


def spread(
    asked: Float[np.ndarray, "item dim"], background: Float[np.ndarray, "other dim"]
) -> Spread:
    """Cosines of the mean of a query's vectors with the background.

    Args:
        asked: words of a sentence, or regions of a photo, without padding.
    """
    mean = asked.mean(0)
    cosines = background @ (mean / max(float(np.linalg.norm(mean)), 1e-12))
    return Spread(float(cosines.mean()), float(cosines.std()))


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

    @classmethod
    def of(cls, info: dict[str, Any], background: Background | None) -> "Judgement":
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
        others = self.background.photos if answers == "photos" else self.background.sentences
        return curve.probability(best, among, spread(asked, others))


def verdict(probability: float | None) -> Verdict | None:
    """In words; None where there is no probability."""
    if probability is None:
        return None
    return "match" if probability >= EVEN else "no good match"


def logistic(logits: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """1 / (1 + exp(-x)), without overflow."""
    found: np.ndarray = 0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / 2))
    return found

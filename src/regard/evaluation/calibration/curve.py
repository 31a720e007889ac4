"""From a similarity to the probability that the sentence describes the photo.

A logistic curve fitted to true pairs and as many pairs of a sentence with a photo drawn at
random: the probability holds where one pair in two is true before looking. Knows numbers only.
"""

from typing import NamedTuple

import numpy as np

from regard.errors import ShapeError
from regard.model.judgement import Calibration, logistic
from regard.shapes import Bool, Float, Int

_STEPS = 50  # of Newton's method; it settles in about ten
_BINS = 10


class Reliability(NamedTuple):
    """How far said probabilities are from what happens, in ten equal bins."""

    expected_calibration_error: float
    """Mean distance of said and true share, weighted by pairs; 0 to 1."""
    said: list[float]
    """Mean probability said in each bin that has pairs."""
    true: list[float]
    """Share of true pairs in it."""
    pairs: list[int]
    """How many pairs it has."""


class Pairs(NamedTuple):
    """Similarities of pairs and whether each is true."""

    similarity: Float[np.ndarray, " pair"]
    true: Bool[np.ndarray, " pair"]


def draw_pairs(
    similarity: Float[np.ndarray, "image cap"],
    photo_of_caption: Int[np.ndarray, " cap"],
) -> Pairs:
    """Every caption with its photo, and with another photo at random.

    Raises:
        ShapeError: there is only one photo.
    """
    photos = len(similarity)
    if photos < 2:
        raise ShapeError(
            f"similarity has {photos} photo; there must be two or more to draw wrong pairs from. "
            "Use a larger split."
        )
    captions = np.arange(len(photo_of_caption))
    away = np.random.default_rng(0).integers(1, photos, len(captions))
    other = (photo_of_caption + away) % photos
    right, wrong = similarity[photo_of_caption, captions], similarity[other, captions]
    return Pairs(np.concatenate([right, wrong]), np.repeat([True, False], len(captions)))


def fit(pairs: Pairs) -> Calibration:
    """The most likely logistic curve over the similarity."""
    slope, intercept = fit_logistic(np.asarray(pairs.similarity)[:, None], pairs.true)
    return Calibration(slope, intercept)


def fit_logistic(
    inputs: Float[np.ndarray, "case input"],
    true: Bool[np.ndarray, " case"],
    counts: Float[np.ndarray, " case"] | float = 1.0,
) -> list[float]:
    """Weights of the most likely logistic curve, the intercept last, by Newton's method.

    Args:
        counts: how much each case counts.
    """
    x = np.asarray(inputs, np.float64)
    middle, spread = x.mean(0), x.std(0)
    spread[spread < 1e-9] = np.inf  # what is always the same tells nothing: slope 0
    scaled = np.concatenate([(x - middle) / spread, np.ones((len(x), 1))], 1)
    weights = np.zeros(scaled.shape[1])
    for _ in range(_STEPS):
        said = logistic(scaled @ weights)
        gradient = scaled.T @ (counts * (said - true)) + 1e-3 * weights  # a touch of decay: it ends
        curvature = (scaled * (counts * said * (1 - said))[:, None]).T @ scaled
        weights -= np.linalg.solve(curvature + 1e-3 * np.eye(len(weights)), gradient)
    slopes = weights[:-1] / spread
    return [*map(float, slopes), float(weights[-1] - slopes @ middle)]


def reliability(
    said: Float[np.ndarray, " case"], true_cases: Bool[np.ndarray, " case"]
) -> Reliability:
    """Compare probabilities with what is true, on cases their curve was not fitted to."""
    place = np.minimum((said * _BINS).astype(int), _BINS - 1)
    rows = [place == number for number in range(_BINS) if (place == number).any()]
    means = [float(said[row].mean()) for row in rows]
    true = [float(true_cases[row].mean()) for row in rows]
    counts = [int(row.sum()) for row in rows]
    gaps = np.abs(np.array(means) - true)
    return Reliability(float(gaps @ counts / len(said)), means, true, counts)

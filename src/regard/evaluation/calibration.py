"""From a similarity to the probability that the sentence describes the photo.

A logistic curve fitted to true pairs and as many pairs of a sentence with a photo drawn at
random: the probability holds where one pair in two is true before looking. Knows numbers only.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from regard.errors import ShapeError
from regard.matcher import Calibration

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
    seed: int = 0,
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
    away = np.random.default_rng(seed).integers(1, photos, len(captions))
    other = (photo_of_caption + away) % photos
    right, wrong = similarity[photo_of_caption, captions], similarity[other, captions]
    return Pairs(np.concatenate([right, wrong]), np.repeat([True, False], len(captions)))


def fit(pairs: Pairs) -> Calibration:
    """The most likely logistic curve, by Newton's method."""
    x = np.asarray(pairs.similarity, np.float64)
    middle, spread = x.mean(), max(float(x.std()), 1e-12)
    inputs = np.stack([(x - middle) / spread, np.ones_like(x)], 1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        said = Calibration(1.0, 0.0).probability(inputs @ weights)
        gradient = inputs.T @ (said - pairs.true) + 1e-3 * weights  # a touch of decay: it ends
        curvature = (inputs * (said * (1 - said))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        weights -= np.linalg.solve(curvature, gradient)
    slope = weights[0] / spread
    return Calibration(float(slope), float(weights[1] - slope * middle))


def reliability(calibration: Calibration, pairs: Pairs) -> Reliability:
    """Compare what is said with what is true, on pairs the curve was not fitted to."""
    said = calibration.probability(pairs.similarity)
    place = np.minimum((said * _BINS).astype(int), _BINS - 1)
    rows = [place == number for number in range(_BINS) if (place == number).any()]
    means = [float(said[row].mean()) for row in rows]
    true = [float(pairs.true[row].mean()) for row in rows]
    counts = [int(row.sum()) for row in rows]
    gaps = np.abs(np.array(means) - true)
    return Reliability(float(gaps @ counts / len(said)), means, true, counts)

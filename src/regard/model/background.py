"""Photos and sentences that a query has nothing to do with, to compare it with.

Some photos are similar to every sentence, and some sentences to every photo; among nearest
neighbours such *hubs* come up far too often (Radovanović et al. 2010). So from a similarity is
taken what the photo has with the background's sentences, and the sentence with its photos:

    discount(x) = 0.6 * (1/T * log(mean_b exp(T * cos(x, b))) - level)        T = 20

over all b of the background, x and b being mean vectors; the level is what the background's own
side has on average, so that hubs are lowered and loners raised. A similarity less both discounts
is scaled to the neighbourhood on both sides (CSLS: Conneau et al. 2018; with the smooth maximum
of the inverted softmax: Smith et al. 2017). The background is drawn from the photos and sentences
of training, so nothing of what is searched or evaluated enters.

A photo's discount is learned from whole captions. Where words attend to regions (t2i), sentences of
few words that count have only a part of it taken off (`photo_portions`): for a single name it hides
more than it finds.

Attention has a taste for short or for long sentences besides, which mean vectors do not show: the
mean over few words comes near some photo more easily. The trend of that with the logarithm of a
sentence's length (`Trend`) is taken off, too.

Cosines are taken in the few directions in which the background varies most.
"""

import hashlib
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from regard.core.padding import some_of
from regard.core.scoring import Direction
from regard.shapes import Float, Int
from regard.store import tensor_files
from regard.store.int8 import from_int8, to_int8

FILE = "background.safetensors"
Answers = Literal["photos", "sentences"]
_DIRECTIONS = 96  # of the joint space that are kept
_WEIGHT, _SHARPNESS = 0.6, 20.0  # of the formula; T is the second
_WHOLE = 6  # words that count, from which on all of a photo's discount is taken off
_KNOWN = (0.01, 0.99)  # lengths between which the trend is known
_AT_ONCE = 256  # rows compared with the whole background together


class Spread(NamedTuple):
    """How similar a query is to the background that answers it."""

    mean: float
    deviation: float


class Trend(NamedTuple):
    """How a sentence's best similarities with photos it has nothing to do with change with length.

    Lengths are logarithms of how many words of a sentence count (`EncodedCaptions.counted`).
    """

    slope: float
    """Similarity for each unit of length."""
    usual: float
    """Length at which nothing is taken off."""
    shortest: float
    """Lengths below count as this one, the trend being unknown there."""
    longest: float

    def discounts(self, words: Int[np.ndarray, " sentence"]) -> Float[np.ndarray, " sentence"]:
        """What is taken off sentences of so many words, their ends among them."""
        lengths = np.log(words).clip(self.shortest, self.longest)
        discounts: np.ndarray = self.slope * (lengths - self.usual)
        return discounts.astype(np.float32)


LEVEL = Trend(0.0, 0.0, 0.0, 0.0)
"""No taste for any length."""


class Background(NamedTuple):
    """Mean vectors of photos and sentences of training."""

    directions: Float[np.ndarray, "dim few"]
    """Orthonormal columns; photos and sentences are given along them."""
    photos: Float[np.ndarray, "photo few"]
    sentences: Float[np.ndarray, "sentence few"]
    levels: Float[np.ndarray, " two"]
    """Smooth maximum of a photo's cosines with the sentences, on average, and of a sentence's."""
    trend: Float[np.ndarray, " four"]
    """The numbers of a `Trend`."""

    @classmethod
    def of(
        cls, photos: Float[np.ndarray, "photo dim"], sentences: Float[np.ndarray, "sentence dim"]
    ) -> "Background":
        """From mean vectors of any length, in the precision in which they are kept on disk."""
        unit = _unit(photos), _unit(sentences)
        rows = np.concatenate(unit).astype(np.float64)
        _, vectors = np.linalg.eigh(rows.T @ rows)  # ascending
        directions = vectors[:, : -1 - _DIRECTIONS : -1].astype(np.float16).astype(np.float32)
        first, second = (from_int8(*to_int8(side @ directions, np.float16)) for side in unit)
        levels = _smooth_maximum(first, second).mean(), _smooth_maximum(second, first).mean()
        return cls(directions, first, second, np.array(levels, np.float32), _row_of(LEVEL))

    @property
    def length(self) -> Trend:
        """How similarities change with a sentence's length."""
        return Trend(*self.trend.tolist())

    def with_trend(self, trend: Trend) -> "Background":
        """The same, sentences lowered by their length besides."""
        return self._replace(trend=_row_of(trend))

    def save(self, folder: Path) -> None:
        """Write the file: int8 and a scale a row."""
        held = {"directions": self.directions.astype(np.float16)}
        held |= {"levels": self.levels, "trend": self.trend}
        for name in ("photos", "sentences"):
            held[name], held[f"{name}_scale"] = to_int8(getattr(self, name), np.float16)
        tensor_files.write(folder / FILE, held)

    @classmethod
    def load(cls, folder: Path) -> "Background | None":
        """Read the file; None where a model has none.

        Raises:
            CheckpointError: it is damaged.
        """

        def make(held: tensor_files.Arrays) -> "Background":
            photos, sentences = (
                from_int8(held[name], held[f"{name}_scale"]) for name in ("photos", "sentences")
            )
            directions = held["directions"].astype(np.float32)
            return cls(directions, photos, sentences, held["levels"], held["trend"])

        remedy = "Make it anew with `regard calibrate`."
        return tensor_files.read(folder / FILE, make, "a model's background", remedy)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change when anything of it does."""
        digest = hashlib.sha256()
        for part in self:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:16]

    def photo_discounts(
        self, photos: Float[np.ndarray, "photo dim"]
    ) -> Float[np.ndarray, " photo"]:
        """What is taken off photos' similarities, given their mean vectors of any length."""
        return self._discounts(photos, self.sentences, self.levels[0])

    def sentence_discounts(
        self, sentences: Float[np.ndarray, "sentence dim"], words: Int[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        """What is taken off sentences' similarities, likewise.

        Args:
            words: how many of each count: all, its ends among them, or those whose vector is not 0.
        """
        by_photos = self._discounts(sentences, self.photos, self.levels[1])
        discounts: np.ndarray = by_photos + self.length.discounts(words)
        return discounts

    def spread(self, asked: Float[np.ndarray, "item dim"], answers: Answers) -> Spread:
        """Cosines of the mean of a query's vectors with the background.

        Args:
            asked: words of a sentence, or regions of a photo, without padding.
            answers: which side of the background answers it.
        """
        of_all = self.spreads(asked.mean(0, keepdims=True), answers)
        return Spread(*of_all[0].tolist())

    def spreads(
        self, asked: Float[np.ndarray, "item dim"], answers: Answers
    ) -> Float[np.ndarray, "item 2"]:
        """The same of many vectors, each by itself."""
        side = self.photos if answers == "photos" else self.sentences
        cosines = (_unit(asked) @ self.directions) @ side.T
        return np.stack([cosines.mean(1), cosines.std(1)], axis=1)

    def _discounts(
        self,
        rows: Float[np.ndarray, "row dim"],
        others: Float[np.ndarray, "other few"],
        level: float,
    ) -> Float[np.ndarray, " row"]:
        along = _unit(np.asarray(rows, np.float32)) @ self.directions
        discounts: np.ndarray = np.float32(_WEIGHT) * (_smooth_maximum(along, others) - level)
        return discounts.astype(np.float32)


def photo_portions(
    counted: Int[np.ndarray, " sentence"], direction: Direction
) -> Float[np.ndarray, " sentence"]:
    """How much of a photo's discount is taken off for sentences of so many words that count.

    All of it where regions attend to words (i2t): there it helps sentences of any length.
    """
    if direction == "i2t":
        return np.ones(len(counted), np.float32)
    portions: np.ndarray = (np.asarray(counted, np.float32) / _WHOLE).clip(max=1)
    return portions


def fit_trend(
    similarities: Float[np.ndarray, "photo sentence"], words: Int[np.ndarray, " sentence"]
) -> Trend:
    """By least squares, of the smooth maximum over photos.

    Args:
        similarities: with photos that have nothing to do with the sentences; nan elsewhere.
        words: how many each sentence has, its ends among them.
    """
    known = ~np.isnan(similarities).all(0)
    if not known.any():
        return LEVEL
    similarities, lengths = similarities[:, known], np.log(words[known])
    top = np.nanmax(similarities, axis=0)  # similarities of some scorers are far above 1
    powers = np.exp(_SHARPNESS * (similarities - top))
    best = top + np.log(np.nanmean(powers, axis=0)) / _SHARPNESS
    from_mean = lengths - lengths.mean()
    slope = from_mean @ (best - best.mean()) / max(float(from_mean @ from_mean), 1e-12)
    ends = np.quantile(lengths, _KNOWN)
    return Trend(float(slope), float(lengths.mean()), float(ends[0]), float(ends[1]))


def _smooth_maximum(
    rows: Float[np.ndarray, "row few"], others: Float[np.ndarray, "other few"]
) -> Float[np.ndarray, " row"]:
    """Of each row's inner products with the others."""
    out = np.empty(len(rows), np.float32)
    for some in some_of(len(rows), _AT_ONCE):
        part = (np.float32(_SHARPNESS) * rows[some]) @ others.T
        np.exp(part, out=part)  # at most e^20
        out[some] = np.log(part.mean(1, dtype=np.float64)) / _SHARPNESS
    return out


def _row_of(trend: Trend) -> Float[np.ndarray, " four"]:
    return np.array(trend, np.float32)


def _unit(rows: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
    return unit

"""Photos and sentences as a model embeds them.

Knows vectors, words and boxes. Knows nothing of how they come about.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regard.core.attention import l2norm
from regard.core.padding import pad
from regard.core.scoring import EPS
from regard.shapes import Float, Int
from regard.store.shards import RegionLabels, Regions


class EncodedImages(NamedTuple):
    """Embedded regions of several photos."""

    vectors: Float[np.ndarray, "image region dim"]
    """Unit vectors, zeros past each photo's count."""
    counts: Int[np.ndarray, " image"]
    """Regions of each photo."""
    boxes: tuple[Float[np.ndarray, "region 4"], ...]
    """x1, y1, x2, y2 in pixels of each original photo; empty arrays where unknown."""
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each original photo in pixels; 0 where unknown."""
    labels: tuple[RegionLabels | None, ...] = ()
    """What the regions of each photo look like; None, or nothing at all, where that is unknown."""

    def __repr__(self) -> str:
        """How many; the numbers are too many to print."""
        return f"EncodedImages({_count(len(self.counts), 'photo')}, {_sizes(self.vectors)})"

    @classmethod
    def of(cls, photos: Sequence[Regions]) -> "EncodedImages":
        """Several photos together, each given by its embedded regions."""
        vectors, counts = pad([photo.vectors for photo in photos])
        rest = zip(*((photo.boxes, photo.size, photo.labels) for photo in photos), strict=True)
        return cls(vectors, counts, *rest)

    def photo(self, row: int) -> Regions:
        """One photo, without padding."""
        count = int(self.counts[row])
        confidence = np.ones(count, np.float32)
        vectors, boxes = self.vectors[row, :count], self.boxes[row]
        labels = self.labels[row] if self.labels else None
        return Regions(vectors, boxes, confidence, *self.sizes[row], labels)


def with_vectors(
    photos: Sequence[Regions],
    vectors: Float[np.ndarray, "image region dim"],
    labels: RegionLabels | None = None,
) -> list[Regions]:
    """Photos with other vectors, given with padding, and with their labels.

    Args:
        labels: of all rows of all photos, padding too; None where there are none.
    """
    width, made = vectors.shape[1], []
    for number, photo in enumerate(photos):
        count = len(photo.vectors)
        own = labels and labels.rows(slice(number * width, number * width + count))
        made.append(photo._replace(vectors=vectors[number, :count], labels=own))
    return made


class EncodedCaption(NamedTuple):
    """Embedded words of one sentence."""

    words: tuple[str, ...]
    """The words themselves, <start> and <end> included."""
    vectors: Float[np.ndarray, "word dim"]
    """Of length 1; where words have weights, of these, 0 for words that name nothing."""

    @property
    def directions(self) -> Float[np.ndarray, "word dim"]:
        """The vectors with length 1, or 0."""
        directions: np.ndarray = l2norm(self.vectors, dim=-1)
        return directions

    @property
    def portions(self) -> Float[np.ndarray, " word"]:
        """How much each word counts, 1 in all: alike, or by its weight."""
        lengths = np.linalg.norm(self.vectors, axis=-1)
        portions: np.ndarray = lengths / max(float(lengths.sum()), EPS)
        return portions

    @property
    def counted(self) -> int:
        """How many words have a vector that is not 0."""
        return int(self.vectors.any(-1).sum())


class EncodedCaptions(NamedTuple):
    """Embedded words of several sentences."""

    vectors: Float[np.ndarray, "cap word dim"]
    """As of one sentence (`EncodedCaption`), zeros past each sentence's length."""
    lengths: Int[np.ndarray, " cap"]
    """Words of each sentence, <start> and <end> included."""
    words: tuple[tuple[str, ...], ...]
    """The words themselves, <start> and <end> included: they attend and count like any other."""

    def __repr__(self) -> str:
        """How many; the numbers are too many to print."""
        return f"EncodedCaptions({_count(len(self.lengths), 'sentence')}, {_sizes(self.vectors)})"

    @property
    def directions(self) -> Float[np.ndarray, "cap word dim"]:
        """The vectors with length 1, or 0."""
        directions: np.ndarray = l2norm(self.vectors, dim=-1)
        return directions

    @property
    def counted(self) -> Int[np.ndarray, " cap"]:
        """How many words of each sentence have a vector that is not 0."""
        counted: np.ndarray = self.vectors.any(-1).sum(-1)
        return counted

    def caption(self, row: int) -> EncodedCaption:
        """One sentence, without padding."""
        return EncodedCaption(self.words[row], self.vectors[row, : self.lengths[row]])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _sizes(vectors: Float[np.ndarray, "row item dim"]) -> str:
    return f"at most {vectors.shape[1]} vectors of {vectors.shape[2]} numbers each"

"""Where words point in a photo, by a small form learned from phrases with boxes.

The score of region r for word w is (w P) . (r Q) + g . shape(r): a bilinear form of rank far below
the space's, and what size and place of region is likely before anything is read. A map over the
photo comes of exp(score), as of any numbers per region (`regard.explain.maps`). The model itself
stays as it is: similarities know nothing of it.

Knows vectors and boxes. Fitting is `regard.training.pointing`'s matter.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.shapes import Float
from regard.store import tensor_files
from regard.store.int8 import from_int8, to_int8

FILE = "pointer.safetensors"
SHAPES = 8
"""Numbers that describe the size and place of a box."""


class Pointer(NamedTuple):
    """The form, for the vectors of one model."""

    words: Float[np.ndarray, "dim rank"]
    """P."""
    regions: Float[np.ndarray, "dim rank"]
    """Q."""
    shape: Float[np.ndarray, " shape"]
    """g, weights of `describe`."""

    def scores(
        self,
        words: Float[np.ndarray, "word dim"],
        regions: Float[np.ndarray, "region dim"],
        boxes: Float[np.ndarray, "region 4"],
        size: tuple[int, int],
    ) -> Float[np.ndarray, "word region"]:
        """Scores of all regions for every word; those of a phrase are the mean of its words'.

        Args:
            boxes: x1, y1, x2, y2 in pixels.
            size: width and height of the photo in pixels.
        """
        fit = (words @ self.words) @ (regions @ self.regions).T
        scores: np.ndarray = fit + describe(boxes, size) @ self.shape
        return scores

    def save(self, folder: Path) -> None:
        """Write the file: both matrices in int8 with a scale a column, the shapes in float32."""
        held = {"shape": self.shape.astype(np.float32)}
        for name in ("words", "regions"):
            columns = to_int8(getattr(self, name).T)
            held[name] = np.ascontiguousarray(columns.codes.T)
            held[f"{name}_scale"] = columns.scales
        tensor_files.write(folder / FILE, held)

    @classmethod
    def load(cls, folder: Path) -> "Pointer | None":
        """Read the file; None where a model has none.

        Raises:
            CheckpointError: it is damaged.
        """

        def make(held: tensor_files.Arrays) -> "Pointer":
            words, regions = (
                np.ascontiguousarray(from_int8(held[name].T, held[f"{name}_scale"]).T)
                for name in ("words", "regions")
            )
            return cls(words, regions, held["shape"])

        remedy = "Make it anew with `regard point`, or remove it."
        return tensor_files.read(folder / FILE, make, "a model's pointer", remedy)


def describe(
    boxes: Float[np.ndarray, "*region 4"], size: tuple[int, int]
) -> Float[np.ndarray, "*region shape"]:
    """Logarithms of a box's relative sides, its middle counted from the photo's, and their squares.

    Args:
        boxes: x1, y1, x2, y2 in pixels.
        size: width and height of the photo in pixels.
    """
    scale = np.array([*size, *size], np.float32).clip(1)
    low, high = np.split(np.asarray(boxes, np.float32) / scale, 2, axis=-1)
    plain = np.concatenate([np.log((high - low).clip(1e-3)), (low + high) / 2 - 0.5], axis=-1)
    described: np.ndarray = np.concatenate([plain, plain**2], axis=-1)
    return described

"""Whether a photo shows what a word of a backbone names: what words are held against for that.

Some words are near every photo and some near none, and a thing may fill a photo or a corner. So
three cosines of a word count, by weights that are fitted to captions with words exchanged:

    evidence = a * (largest cosine with a region) + b * (cosine with the whole photo)
             + c * (mean cosine with whole photos)

All are linear in the word, so its evidence is its largest product with regions that were moved.
"""

from typing import Any, NamedTuple

import numpy as np

from regard.shapes import Float


class Support(NamedTuple):
    """What was fitted."""

    usual: Float[np.ndarray, " dim"]
    """Mean of whole photos."""
    region: float
    """Weight of the region; not below 0."""
    whole: float
    """Weight of the whole photo."""
    mean: float
    """Weight of what is usual."""

    def moved(self, rows: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "region dim"]:
        """Regions of a photo, whose whole comes first, as words are held against them."""
        moved: np.ndarray = self.region * rows[1:] + self.whole * rows[0] + self.mean * self.usual
        return moved

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {**self._asdict(), "usual": [round(float(value), 5) for value in self.usual]}

    @classmethod
    def of(cls, tree: dict[str, Any]) -> "Support":
        """From that form."""
        weights = {name: float(tree[name]) for name in ("region", "whole", "mean")}
        return cls(np.array(tree["usual"], np.float32), **weights)

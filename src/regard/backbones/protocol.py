"""What a backbone is: a network that sees photos whole and by region, and reads sentences.

Every vector that comes out has unit length and lives in one space. Knows arrays and words; how a
network makes them is the matter of each family's own file.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from regard.shapes import Bool, Float


class Look(NamedTuple):
    """One photo as a network gets it."""

    pixels: Float[np.ndarray, "3 side side"]
    """As the network was trained on them."""
    frame: tuple[float, float, float, float]
    """The part of the photo that is seen: x1, y1, x2, y2 in units of its width and height."""


class Seen(NamedTuple):
    """Photos as a network sees them."""

    whole: Float[np.ndarray, "photo dim"]
    regions: Float[np.ndarray, "photo region dim"]


class Heard(NamedTuple):
    """A sentence as a network reads it."""

    whole: Float[np.ndarray, " dim"]
    words: Float[np.ndarray, "word dim"]
    parts: Float[np.ndarray, " word"]
    """How long each word is within the sentence's vector, which is then the sum of
    parts[j] * words[j]; all 0 where a sentence is not made of its words."""


class Backbone(Protocol):
    """A pretrained pair of networks."""

    family: str
    dim: int
    """D, numbers of a vector."""
    side: int
    """Pixels of the square that the network sees."""
    cells: int
    """Patches along a side of that square."""
    sharpness: float
    """What the network multiplied its cosines by while it was trained."""
    device: str
    """Where the network computes, as torch names it."""
    is_made_of_words: bool
    """Whether a sentence's vector is the sum of its words."""

    def look(self, image: Image.Image) -> Look:
        """Prepare a picture of any size and mode as the network's own processor does."""
        ...

    def see(
        self,
        pixels: Float[np.ndarray, "photo 3 side side"],
        inside: Bool[np.ndarray, "region patch"],
    ) -> Seen:
        """See photos whole, and through windows.

        Args:
            inside: patches of each window, row by row; at least one in each.
        """
        ...

    def hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        """Read sentences.

        Args:
            sentences: their words, lower-cased, at least one in each.
            texts: as they were written.
        """
        ...

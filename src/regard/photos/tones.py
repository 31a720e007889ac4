"""What colours a whole photo has: whether it is black and white, and how much of it each colour is.

Knows pixels only.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from regard.shapes import Float

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
_HUES = (15, 40, 70, 165, 260, 295, 345, 360)  # degrees up to which each goes; the last is red
_SIDE = 64  # pixels a photo is looked at in
_PLAIN = 0.25  # saturation and value from which on a colour has a name
_DARK = 0.6  # value up to which orange is brown
_MOST = 0.02  # of the pixels that may be coloured in a black and white photo
_TINT = 8  # of 255 between a pixel's highest and lowest number: JPEG tints greys, snow is bluer


class Tones(NamedTuple):
    """A photo's colours."""

    is_grey: bool
    """Black and white."""
    shares: tuple[float, ...]
    """How much of the photo each of `COLOURS` is, from 0 to 1; greys are none of them."""


def measure(image: Image.Image) -> Tones:
    """Look at all pixels of an RGB picture."""
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    pixels = np.asarray(small, np.float32).reshape(-1, 3)
    spread = np.ptp(pixels, axis=1)
    named = _names(pixels, spread)
    shares = tuple(float((named == number).mean()) for number in range(len(COLOURS)))
    return Tones(bool((spread > _TINT).mean() <= _MOST), shares)


def _names(
    pixels: Float[np.ndarray, "pixel 3"], spread: Float[np.ndarray, " pixel"]
) -> Float[np.ndarray, " pixel"]:
    """Which of `COLOURS` each pixel is, as a number; -1 for none."""
    red, green, blue = pixels.T
    highest = pixels.max(1)
    size = np.maximum(spread, 1e-6)
    sixth = np.select(
        [highest == red, highest == green],
        [(green - blue) / size % 6, (blue - red) / size + 2],
        (red - green) / size + 4,
    )
    named = np.searchsorted(_HUES, 60 * sixth) % (len(_HUES) - 1)  # after pink comes red
    plain = (spread >= _PLAIN * highest) & (highest >= _PLAIN * 255)
    is_brown = (named == COLOURS.index("orange")) & (highest <= _DARK * 255)
    named[is_brown] = COLOURS.index("brown")
    return np.where(plain, named, -1)

"""An extractor without a network: colours and edges of the pyramid's boxes, counted.

Every box is cut into 3 x 3 cells; a cell and the whole box are described by how much of each hue
and grey they hold and by the directions of their edges. A photo takes a few milliseconds and no
weights, which is enough for drawn scenes and tests; on real photos it knows colours, not things.
"""

import numpy as np
from PIL import Image

from regard.photos.decode import Photo
from regard.regions.pyramid import pyramid_boxes
from regard.shapes import Float
from regard.store.shards import Regions

SHORT_SIDE = 96
_LONGEST = 4  # a panorama is squeezed to this many short sides
_HUES, _GREYS, _EDGES = 12, 5, 9  # histogram bins
_CHANNELS = _HUES + _GREYS + _EDGES
_CELLS = 3  # each way


class StatisticsExtractor:
    """Histograms of hue, grey and edge direction of the 36 pyramid boxes."""

    identity = f"statistics-1/short{SHORT_SIDE}"
    feature_dim = (_CELLS * _CELLS + 1) * _CHANNELS
    short_side = SHORT_SIDE

    def __call__(self, photo: Photo) -> Regions:
        """Describe the 36 regions of a photo."""
        scale = SHORT_SIDE / min(photo.width, photo.height)
        size = [
            min(_LONGEST * SHORT_SIDE, round(side * scale)) for side in (photo.width, photo.height)
        ]
        resized = photo.image.resize(size, Image.Resampling.BOX)
        pixels = np.asarray(resized, np.float32) / 255
        boxes = pyramid_boxes()
        return Regions(
            _describe(np.concatenate([_colours(pixels), _edges(pixels)], 2), boxes),
            boxes * np.array([photo.width, photo.height] * 2, np.float32),
            np.ones(len(boxes), np.float32),
            photo.width,
            photo.height,
        )


def _spread(
    position: Float[np.ndarray, "y x"], weight: Float[np.ndarray, "y x"], bins: int
) -> Float[np.ndarray, "y x bin"]:
    """Put each weight into the two bins around its position (0 to 1, round), linearly."""
    exact = position * bins
    low = np.floor(exact).astype(int)
    part = (exact - low)[..., None]
    every = np.arange(bins)
    into_low = (low[..., None] % bins) == every
    into_high = ((low[..., None] + 1) % bins) == every
    counted: Float[np.ndarray, "y x bin"] = weight[..., None] * (
        (1 - part) * into_low + part * into_high
    )
    return counted


def _colours(pixels: Float[np.ndarray, "y x 3"]) -> Float[np.ndarray, "y x bin"]:
    """Hue, as far as a pixel is colourful, and grey level, as far as it is not."""
    high, low = pixels.max(2), pixels.min(2)
    chroma = high - low
    red, green, blue = np.moveaxis(pixels, 2, 0)
    angle = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue) / (2 * np.pi) % 1
    level = np.minimum(0.5 * (high + low) * _GREYS, _GREYS - 1e-3).astype(int)
    grey = (1 - chroma)[..., None] * (level[..., None] == np.arange(_GREYS))
    return np.concatenate([_spread(angle, chroma, _HUES), grey], 2)


def _edges(pixels: Float[np.ndarray, "y x 3"]) -> Float[np.ndarray, "y x bin"]:
    """Direction of the edge through each pixel, by its strength; light to dark either way."""
    down, across = np.gradient(pixels.mean(2))
    angle = np.arctan2(down, across) / np.pi % 1
    return _spread(angle, np.hypot(down, across), _EDGES)


def _describe(
    channels: Float[np.ndarray, "y x channel"], boxes: Float[np.ndarray, "region 4"]
) -> Float[np.ndarray, "region feature"]:
    """Square roots of the mean channels of every box and its cells."""
    height, width, _ = channels.shape
    sums = np.zeros((height + 1, width + 1, channels.shape[2]))
    sums[1:, 1:] = channels.cumsum(0, dtype=np.float64).cumsum(1)
    steps = np.arange(_CELLS + 1) / _CELLS
    across = np.rint((boxes[:, :1] + steps * (boxes[:, 2:3] - boxes[:, :1])) * width).astype(int)
    down = np.rint((boxes[:, 1:2] + steps * (boxes[:, 3:] - boxes[:, 1:2])) * height).astype(int)
    corners = sums[down[:, :, None], across[:, None, :]]  # (R, 4, 4, channel)
    cells = np.diff(np.diff(corners, axis=1), axis=2).reshape(len(boxes), _CELLS**2, -1)
    area = (np.diff(down)[:, :, None] * np.diff(across)[:, None, :]).reshape(len(boxes), -1, 1)
    means = [cells / area, cells.sum(1, keepdims=True) / area.sum(1, keepdims=True)]
    features = np.sqrt(np.concatenate(means, 1).clip(0)).reshape(len(boxes), -1)
    return np.asarray(features, np.float32)

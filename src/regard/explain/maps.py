"""From numbers per region to a smooth map over the photo, and back to a point or one region.

Every region adds a Gaussian as wide and high as its box, times its score. Where boxes that fit a
word pile up, the map is bright; the place between two of them comes out too, which no single box
says. Which scores make the map that points best is measured (docs/explanations.md).

Knows boxes and numbers per region. Knows nothing of pixels or of models.
"""

from collections.abc import Sequence

import numpy as np

from regard.explain.explanation import WordExplanation
from regard.shapes import Float

_SHARPNESS = 10.0  # of the exponential that turns cosines into scores
_FITS = 0.4  # a region is compared with where its map is above this share of its range


def region_scores(words: Sequence[WordExplanation]) -> Float[np.ndarray, " region"]:
    """How much each region counts for a word, or for the words of a phrase together.

    Args:
        words: of one explanation; what they say of regions is averaged.
    """
    pointing = [word.pointing for word in words if word.pointing is not None]
    if pointing:
        return pointed_scores(np.mean(pointing, axis=0))
    return cosine_scores(
        np.mean([word.cosines for word in words], axis=0),
        np.mean([word.attention for word in words], axis=0),
    )


def pointed_scores(pointing: Float[np.ndarray, " region"]) -> Float[np.ndarray, " region"]:
    """Of models that learned to point: the exponential of their scores, the largest 1."""
    scores: Float[np.ndarray, " region"] = np.exp(pointing - pointing.max())
    return scores


def cosine_scores(
    cosines: Float[np.ndarray, " region"], attention: Float[np.ndarray, " region"]
) -> Float[np.ndarray, " region"]:
    """Of models that never saw a box: exp(10 cosine) times the attention."""
    scores: Float[np.ndarray, " region"] = np.exp(_SHARPNESS * cosines) * attention
    return scores


def heat_map(
    scores: Float[np.ndarray, " region"],
    boxes: Float[np.ndarray, "region 4"],
    size: tuple[int, int],
    grid: tuple[int, int],
) -> Float[np.ndarray, "row column"]:
    """A smooth map over the photo, stretched to 0..1.

    Each region adds score * exp(-(dx^2 + dy^2) / 2), with dx and dy counted from the middle of
    its box in half widths and half heights.

    Args:
        scores: of the regions, at least 0.
        boxes: x1, y1, x2, y2 in pixels.
        size: width and height of the photo in pixels.
        grid: columns and rows of the map.

    Returns:
        Values at the cells' middles; all 1 where nothing distinguishes one place from another.
    """
    across, down = bumps(boxes, size, grid)
    summed = (down * np.asarray(scores, np.float64)[:, None]).T @ across
    low, high = float(summed.min()), float(summed.max())
    if high - low <= 1e-9 * abs(high):
        return np.ones_like(summed)
    stretched: Float[np.ndarray, "row column"] = (summed - low) / (high - low)
    return stretched


def bumps(
    boxes: Float[np.ndarray, "region 4"], size: tuple[int, int], grid: tuple[int, int]
) -> tuple[Float[np.ndarray, "region column"], Float[np.ndarray, "region row"]]:
    """Every region's Gaussian along both axes, at the cells' middles; as for `heat_map`."""
    return (
        _bump(boxes[:, 0], boxes[:, 2], size[0], grid[0]),
        _bump(boxes[:, 1], boxes[:, 3], size[1], grid[1]),
    )


def _bump(
    low: Float[np.ndarray, " region"], high: Float[np.ndarray, " region"], side: int, cells: int
) -> Float[np.ndarray, "region cell"]:
    """A Gaussian along one axis for every box; one half extent is one deviation."""
    places = (np.arange(cells) + 0.5) * side / cells
    middle = (low + high)[:, None] / 2
    deviation = np.maximum((high - low)[:, None] / 2, 0.5)  # a box of no width still shows
    bump: Float[np.ndarray, "region cell"] = np.exp(-0.5 * ((places - middle) / deviation) ** 2)
    return bump


def map_grid(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Columns and rows of a map with square cells, `longest` along the longer side."""
    width, height = size
    return (
        max(1, round(longest * width / max(size))),
        max(1, round(longest * height / max(size))),
    )


def peak(heat: Float[np.ndarray, "row column"], size: tuple[int, int]) -> tuple[float, float]:
    """The brightest place of a map, x and y in pixels of a photo of this size."""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    rows, columns = heat.shape
    return float((column + 0.5) * size[0] / columns), float((row + 0.5) * size[1] / rows)


def best_region(
    heat: Float[np.ndarray, "row column"],
    boxes: Float[np.ndarray, "region 4"],
    size: tuple[int, int],
) -> int:
    """The region whose box covers the bright part of a map best (intersection over union)."""
    rows, columns = heat.shape
    x, y = (np.arange(n) + 0.5 for n in (columns, rows))
    x, y = x * size[0] / columns, y * size[1] / rows
    across = (x >= boxes[:, :1]) & (x < boxes[:, 2:3])  # (R, column)
    down = (y >= boxes[:, 1:2]) & (y < boxes[:, 3:])  # (R, row)
    bright = (heat > _FITS).astype(np.float64)
    inside = ((down @ bright) * across).sum(1)
    union = across.sum(1) * down.sum(1) + bright.sum() - inside
    return int((inside / np.maximum(union, 1.0)).argmax())

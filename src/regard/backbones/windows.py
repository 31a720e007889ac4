"""The boxes that regions are, and which patches of a network each of them covers.

Knows boxes in units of a square; knows nothing of networks.
"""

import numpy as np

from regard.regions.pyramid import pyramid_boxes
from regard.shapes import Bool, Float

GRID_SIDE = 16  # most cells along a side of a grid


def boxes_of(regions: str, cells: int) -> Float[np.ndarray, "region 4"]:
    """Boxes of a kind of regions, x1, y1, x2, y2 in units of what is seen.

    Args:
        regions: pyramid, the 36 boxes of every Regard index, or grid, a patch each.
        cells: patches along a side; of more than 16 several make a cell.
    """
    if regions == "pyramid":
        return pyramid_boxes()
    side = min(cells, GRID_SIDE)
    starts = np.arange(side, dtype=np.float32) / side
    y, x = (axis.ravel() for axis in np.meshgrid(starts, starts, indexing="ij"))
    grid: Float[np.ndarray, "region 4"] = np.stack([x, y, x + 1 / side, y + 1 / side], 1)
    return grid.astype(np.float32)


def inside(boxes: Float[np.ndarray, "region 4"], cells: int) -> Bool[np.ndarray, "region patch"]:
    """Patches whose middle is in each box, row by row; the nearest one where there is none."""
    middles = (np.arange(cells) + 0.5) / cells
    across = _within(middles, boxes[:, 0:1], boxes[:, 2:3])
    down = _within(middles, boxes[:, 1:2], boxes[:, 3:4])
    patches: Bool[np.ndarray, "region y x"] = down[:, :, None] & across[:, None, :]
    return patches.reshape(len(boxes), -1)


def _within(
    middles: Float[np.ndarray, " cell"],
    low: Float[np.ndarray, "region 1"],
    high: Float[np.ndarray, "region 1"],
) -> Bool[np.ndarray, "region cell"]:
    within = (middles >= low) & (middles < high)
    far = np.abs(middles - (low + high) / 2)
    nearest = far == far.min(1, keepdims=True)
    return np.where(within.any(1, keepdims=True), within, nearest)


def in_photo(
    boxes: Float[np.ndarray, "region 4"],
    frame: tuple[float, float, float, float],
    size: tuple[int, int],
) -> Float[np.ndarray, "region 4"]:
    """Boxes of what is seen, in pixels of the photo.

    Args:
        frame: the part that is seen, in units of the photo's width and height.
        size: its width and height in pixels.
    """
    x1, y1, x2, y2 = frame
    origin, extent = np.array([x1, y1, x1, y1]), np.array([x2 - x1, y2 - y1] * 2)
    placed: Float[np.ndarray, "region 4"] = (origin + boxes * extent) * np.array([*size, *size])
    return placed.astype(np.float32)

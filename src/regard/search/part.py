"""A photo, or a part of one, as a query: region vectors to look like."""

from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.shapes import Float
from regard.store.region_store import Regions

_INSIDE = 0.6  # least part of a region that lies in a box for the region to be of it


class Box(NamedTuple):
    """A part of a photo: its left and top edge, width and height, as parts of the photo's."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def parse(cls, text: str) -> "Box":
        """Read "x,y,w,h".

        Raises:
            DataError: these are not four numbers, or lie outside the photo.
        """
        try:
            box = cls(*map(float, text.split(",")))
        except (ValueError, TypeError):
            box = cls(0, 0, 0, 0)
        right, bottom = box.x + box.width, box.y + box.height
        if not (0 <= box.x < right <= 1.001 and 0 <= box.y < bottom <= 1.001):
            raise DataError(
                f"box is {text!r}; it must be x,y,width,height as parts of the photo from 0 to 1, "
                "as 0.5,0,0.5,1 for its right half. Correct it."
            )
        return box


class Embedded(NamedTuple):
    """Region vectors of a photo that is embedded already."""

    vectors: Float[np.ndarray, "region dim"]


def part_of(regions: Regions, box: Box | None = None) -> Embedded:
    """The regions of a photo that lie in a box, or the one that fits it best where none does.

    Args:
        regions: embedded.
        box: None takes all of the photo.
    """
    vectors = np.asarray(regions.vectors, np.float32)
    if box is None or not len(regions.boxes):
        return Embedded(vectors)
    left, top, right, bottom = (np.asarray(regions.boxes, np.float64) / (regions.size * 2)).T
    across = np.minimum(right, box.x + box.width) - np.maximum(left, box.x)
    down = np.minimum(bottom, box.y + box.height) - np.maximum(top, box.y)
    common = across.clip(0) * down.clip(0)
    areas = (right - left) * (bottom - top)
    inside = common >= _INSIDE * areas
    if not inside.any():
        inside = np.zeros(len(areas), bool)
        inside[np.argmax(common / (areas + box.width * box.height - common))] = True
    return Embedded(vectors[inside])

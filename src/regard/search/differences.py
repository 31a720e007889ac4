"""What differs between two photos that are nearly the same, region by region, in plain words.

Knows records and embedded regions.
"""

from typing import NamedTuple

import numpy as np

from regard.photos import raw
from regard.search.catalog import PhotoRecord
from regard.shapes import Float
from regard.store.region_store import Regions

DIFFERS = 0.4
"""A region is another one when its cosine with all regions of the other photo is less than 1 minus
this. Into the corner of 30 photos another photo was pasted: the region that differed most lay on
it in all of them, in nine of ten by 0.59 or more. Made brighter or cut at two edges, nine of ten
differed by less than 0.33 everywhere."""
_MOST = 3  # regions told of
_SMALL = 0.5  # of a photo: larger regions are no place in it
_SAME_SIZE = 0.05  # part by which widths may differ


class Differences(NamedTuple):
    """What is told of two photos."""

    text: str
    boxes: list[list[float]]
    """Of the regions that differ most: x1, y1, x2, y2 as parts of the photo's width and height."""


def differences(
    photo: PhotoRecord, regions: Regions, other: PhotoRecord, others: Regions
) -> Differences:
    """What is different in a photo beside another one: what only one of the two shows."""
    chosen = _different(regions, others).round(4).tolist()
    told = [*_of_files(photo, other), *_of_times(photo, other)]
    names = list(dict.fromkeys(_place(box) for box in chosen))
    told.append(f"differs {_listed(names)}" if names else "no region differs")
    text = ", ".join(told)
    return Differences(text[0].upper() + text[1:], chosen)


def _parts(regions: Regions) -> Float[np.ndarray, "region 4"]:
    """Boxes as parts of width and height."""
    scale = np.array([*regions.size, *regions.size], np.float64).clip(1)
    parts: np.ndarray = (np.asarray(regions.boxes, np.float64) / scale).clip(0, 1)
    return parts


def _different(one: Regions, other: Regions) -> Float[np.ndarray, "few 4"]:
    """Boxes of the regions of either that differ most from all of the other, apart from others."""
    if not len(one.boxes) or not len(other.boxes):
        return np.zeros((0, 4))
    cosines = np.asarray(one.vectors, np.float32) @ np.asarray(other.vectors, np.float32).T
    nearest = np.concatenate([cosines.max(1), cosines.max(0)])
    boxes = np.concatenate([_parts(one), _parts(other)])
    sides = boxes[:, 2:] - boxes[:, :2]
    counts = (1 - nearest >= DIFFERS) & (sides.prod(1) < _SMALL)
    chosen: list[int] = []
    for row in np.argsort(nearest, kind="stable").tolist():
        if counts[row] and len(chosen) < _MOST and not any(_meet(boxes, row, c) for c in chosen):
            chosen.append(row)
    few: np.ndarray = boxes[chosen]
    return few


def _meet(boxes: Float[np.ndarray, "box 4"], one: int, other: int) -> bool:
    low, high = np.maximum(boxes[one], boxes[other]), np.minimum(boxes[one], boxes[other])
    return bool((low[:2] < high[2:]).all())


def _of_files(photo: PhotoRecord, other: PhotoRecord) -> list[str]:
    if photo.path.suffix.lower() in raw.ENDINGS and other.path.suffix.lower() not in raw.ENDINGS:
        return ["raw file"]
    ratio = photo.width / max(1, other.width)
    if abs(ratio - 1) <= _SAME_SIZE and abs(photo.height / max(1, other.height) - 1) <= _SAME_SIZE:
        return []
    size = f"({photo.width} × {photo.height})"
    same_shape = abs(ratio * other.height / max(1, photo.height) - 1) <= _SAME_SIZE
    if not same_shape:
        return [f"cut differently {size}"]
    return [f"{'smaller' if ratio < 1 else 'larger'} {size}"]


def _of_times(photo: PhotoRecord, other: PhotoRecord) -> list[str]:
    if photo.taken is None or other.taken is None or photo.taken == other.taken:
        return []
    apart = abs((photo.taken - other.taken).total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if apart >= size:
            number = round(apart / size)
            many = "" if number == 1 else "s"
            when = "later" if photo.taken > other.taken else "earlier"
            return [f"taken {number} {unit}{many} {when}"]
    return []


def _place(box: list[float]) -> str:
    """Where a box lies, in words."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    across = "left" if x < 0.4 else "right" if x > 0.6 else ""
    down = "upper" if y < 0.4 else "lower" if y > 0.6 else ""
    if down and across:
        return f"in the {down} {across}"
    if across:
        return f"on the {across}"
    return {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[down]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))

"""Photos that are nearly the same: raw files with their JPEG, bursts, copies and edits.

They are told by their names, by the times they were taken, and by the directions of their mean
regions. Knows records and unit vectors only.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from regard.photos import raw
from regard.search.catalog import PhotoRecord
from regard.shapes import Float, Int

ALIKE = 0.9
"""Cosine from which two photos are nearly the same. Of 40 photos made a quarter brighter one had
less (0.88), of 40 cut at the edges by some hundredths none (0.91), of 40 cut by a fifth about 10;
halved in size and much compressed, most had less. Of 80 different photos the two most alike had
0.76."""
BURST = 0.8
"""Likewise of two photos of one folder taken within two seconds. Of 30 photos cut by a tenth at
every edge none had less (0.83); of 435 pairs of different ones one had more (0.82)."""
_BURST_SECONDS = 2.0
_SHOT_SECONDS = 60.0  # farther apart, photos that are alike were taken one by one
_TWINS = (*raw.ENDINGS, ".heic", ".heif", ".hif")  # what a camera writes beside a JPEG
_BLOCK = 1024  # photos compared with all others at a time

_EPOCH = datetime(1970, 1, 1)

Pair = tuple[int, int]


def leaders(
    units: Float[np.ndarray, "photo dim"], seconds: Float[np.ndarray, " photo"] | None = None
) -> Int[np.ndarray, " photo"]:
    """For each photo the first one that it nearly is, of those that are no other's; else itself.

    Args:
        seconds: when they were taken, NaN where unknown; farther apart than a minute, photos are
            not the same, however alike. None asks for no time.
    """
    count = len(units)
    lead = np.arange(count)
    free = np.ones(count, bool)
    for start in range(0, count, _BLOCK):
        near = units[start : start + _BLOCK] @ units[start:].T >= ALIKE
        if seconds is not None:
            apart = np.abs(seconds[start : start + _BLOCK, None] - seconds[start:])
            near &= ~(apart > _SHOT_SECONDS)
        for row in np.flatnonzero(near.sum(1) > 1):
            place = start + int(row)
            if not free[place]:
                continue
            others = start + np.flatnonzero(near[row])
            others = others[(others > place) & free[others]]
            lead[others] = place
            free[others] = False
    return lead


def joined(lead: Int[np.ndarray, " photo"], pairs: Iterable[Pair]) -> Int[np.ndarray, " photo"]:
    """The first photo of each one's stack, with some pairs that are of one stack besides."""
    first = lead.tolist()

    def root(place: int) -> int:
        while first[place] != place:
            place = first[place]
        return place

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return np.array([root(place) for place in range(len(first))], np.int64)


def twins(photos: Sequence[PhotoRecord]) -> list[Pair]:
    """Photos that are one shot by their names: IMG_1.CR2 and IMG_1.JPG of one folder."""
    by_name: dict[tuple[str, str], list[int]] = {}
    for place, photo in enumerate(photos):
        by_name.setdefault((str(photo.path.parent), photo.path.stem.lower()), []).append(place)
    return [
        (one, other)
        for places in by_name.values()
        for one, other in pairwise(places)
        if _are_twins(photos[one], photos[other])
    ]


def _are_twins(one: PhotoRecord, other: PhotoRecord) -> bool:
    endings = {one.path.suffix.lower(), other.path.suffix.lower()}
    apart = abs(_seconds(one) - _seconds(other))
    return len(endings) == 2 and not endings.isdisjoint(_TWINS) and not apart > _BURST_SECONDS


def bursts(
    photos: Sequence[PhotoRecord],
    units_of: Callable[[Sequence[int]], Float[np.ndarray, "some dim"]],
) -> list[Pair]:
    """Photos of one folder taken one right after the other that look much alike.

    Args:
        units_of: gives the unit vectors of photos at some places.
    """
    dated = [place for place, photo in enumerate(photos) if photo.taken is not None]
    dated.sort(key=lambda place: (str(photos[place].path.parent), _seconds(photos[place])))
    close = [pair for pair in pairwise(dated) if _are_close(photos[pair[0]], photos[pair[1]])]
    if not close:
        return []
    first, second = (units_of(places) for places in zip(*close, strict=True))
    alike = np.einsum("pd,pd->p", first, second) >= BURST
    return [pair for pair, is_alike in zip(close, alike, strict=True) if is_alike]


def _are_close(one: PhotoRecord, other: PhotoRecord) -> bool:
    apart = abs(_seconds(one) - _seconds(other))
    return one.path.parent == other.path.parent and apart <= _BURST_SECONDS


def _seconds(photo: PhotoRecord) -> float:
    return math.nan if photo.taken is None else (photo.taken - _EPOCH).total_seconds()


def stacked(
    photos: Sequence[PhotoRecord], units: Float[np.ndarray, "photo dim"], *, measured: bool
) -> dict[str, str]:
    """Of photos that are nearly another, by their ids, the first of their stack.

    Args:
        measured: whether `ALIKE` holds for the model; else names and times alone tell.
    """
    if not len(photos):
        return {}
    seconds = np.array([_seconds(photo) for photo in photos])
    lead = leaders(units, seconds) if measured else np.arange(len(photos))
    pairs = [*twins(photos), *bursts(photos, lambda places: units[list(places)])]
    return named(photos, joined(lead, pairs))


def named(photos: Sequence[PhotoRecord], lead: Int[np.ndarray, " photo"]) -> dict[str, str]:
    """By id, the first of the stack of each photo that is not the first itself."""
    rows = enumerate(lead.tolist())
    return {photos[place].id: photos[first].id for place, first in rows if first != place}

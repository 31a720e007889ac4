"""Photos as groups of like regions: what tells, after their means, which are worth scoring.

In the mean of a photo's regions drowns what only a few of them show. So the regions of every photo
of a large collection are brought together in four groups by their directions (k-means on the
sphere: Dhillon & Modha 2001, begun with the region most like the mean and those farthest from all
before). A word's largest cosine with the four comes nearer to what attention makes of it.

Each group's unit vector is kept in int8, along the directions in which the model's background
varies most, where it has one.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from regard.core.attention import l2norm
from regard.shapes import Float, Int
from regard.store.int8 import to_int8

GROUPS = 4
_ROUNDS = 4
_AT_ONCE = 256  # photos grouped together
_SCORED = 2048  # photos scored together

Rows = Callable[[int, int], Float[np.ndarray, "region dim"]]


def dtype_of(few: int) -> np.dtype:
    """Of one photo's groups, in so many directions."""
    return np.dtype(
        [("start", np.int64), ("codes", np.int8, (GROUPS, few)), ("scales", np.float32, GROUPS)]
    )


def make(
    rows: Rows,
    starts: Int[np.ndarray, " photo"],
    counts: Int[np.ndarray, " photo"],
    directions: Float[np.ndarray, "dim few"],
) -> np.ndarray:
    """Groups of a shard's photos.

    Args:
        rows: gives region vectors of the shard from a row to another.
        starts, counts: where each photo's regions begin, and how many they are, one at least.
        directions: orthonormal columns.
    """
    out = np.zeros(len(starts), dtype_of(directions.shape[1]))
    out["start"] = starts
    for count in np.unique(counts).tolist():
        alike = np.flatnonzero(counts == count)
        for first in range(0, len(alike), _AT_ONCE):
            part = alike[first : first + _AT_ONCE]
            regions = np.stack([rows(start, start + count) for start in starts[part].tolist()])
            along = group_means(np.asarray(regions, np.float32)) @ directions
            codes, scales = to_int8(along.reshape(-1, along.shape[-1]))
            out["codes"][part] = codes.reshape(along.shape)
            out["scales"][part] = scales.reshape(-1, GROUPS)
    return out


def group_means(
    regions: Float[np.ndarray, "photo region dim"],
) -> Float[np.ndarray, "photo group dim"]:
    """Unit vectors of the four groups of each photo's regions; fewer regions stand for several."""
    photos = np.arange(len(regions))
    chosen = [_products(regions, regions.mean(1)).argmax(1)]
    nearest = np.full(regions.shape[:2], -np.inf, np.float32)
    while len(chosen) < GROUPS:
        nearest = np.maximum(nearest, _products(regions, regions[photos, chosen[-1]]))
        chosen.append(nearest.argmin(1))
    means = regions[photos[:, None], np.stack(chosen, 1)]
    for _ in range(_ROUNDS):
        own = np.matmul(regions, means.transpose(0, 2, 1)).argmax(2)
        member = (own[:, None] == np.arange(GROUPS)[:, None]).astype(np.float32)
        sums = np.matmul(member, regions)
        empty = ~member.any(2)
        sums[empty] = means[empty]
        means = l2norm(sums, -1)
    unit: np.ndarray = means
    return unit


def _products(
    regions: Float[np.ndarray, "photo region dim"], asked: Float[np.ndarray, "photo dim"]
) -> Float[np.ndarray, "photo region"]:
    products: np.ndarray = np.matmul(regions, asked[:, :, None])[..., 0]
    return products


def similarities(
    groups: np.ndarray, places: npt.NDArray[np.int64], words: Float[np.ndarray, "word few"]
) -> Float[np.ndarray, " photo"]:
    """Sum over words of the largest inner product with a group, for some photos of a shard."""
    out = np.empty(len(places), np.float32)
    for first in range(0, len(places), _SCORED):
        part = groups[places[first : first + _SCORED]]
        codes = part["codes"].reshape(-1, words.shape[1]).astype(np.float32)
        products = (codes @ words.T).reshape(len(part), GROUPS, -1) * part["scales"][..., None]
        out[first : first + _SCORED] = products.max(1).sum(1)
    return out

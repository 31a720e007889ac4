"""From similarities to figures: ranks, recalls, means over galleries, and how sure they are.

Intervals come from a bootstrap over photos: a photo is drawn with its captions, because the
captions of one photo are found or missed together. Ranks count from 1, recalls are percentages.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from regard.core.metrics import (
    RECALL_AT,
    Recalls,
    Retrieval,
    Ties,
    caption_ranks,
    check_similarity,
    image_ranks,
    recalls,
)
from regard.shapes import Float, Int

_RESAMPLES = 2000
_LEVEL = (2.5, 97.5)
Interval = tuple[float, float]


class Ranks(NamedTuple):
    """How far down the first right answer of every query of one gallery is."""

    of_images: Int[np.ndarray, " image"]
    """Rank of each photo's best caption."""
    of_captions: Int[np.ndarray, " cap"]
    """Rank of each caption's photo."""
    photo_of_caption: Int[np.ndarray, " cap"]


class Intervals(NamedTuple):
    """95 % intervals of recalls, by K, and of rSum."""

    caption_retrieval: dict[int, Interval]
    image_retrieval: dict[int, Interval]
    rsum: Interval


def rank(
    scores: Float[np.ndarray, "image cap"],
    photo_of_caption: Int[np.ndarray, " cap"],
    ties: Ties = "pessimistic",
) -> Ranks:
    """Ranks of all queries of a gallery.

    Raises:
        ShapeError: a similarity is not finite, or the matrix does not fit the captions.
    """
    check_similarity(scores, photo_of_caption)
    return Ranks(
        caption_ranks(scores, photo_of_caption, ties),
        image_ranks(scores, photo_of_caption, ties),
        photo_of_caption,
    )


def figures(galleries: Sequence[Ranks]) -> Retrieval:
    """Recalls and ranks both ways; over several galleries the mean of theirs."""
    captions = _mean([recalls(g.of_images) for g in galleries])
    images = _mean([recalls(g.of_captions) for g in galleries])
    rsum = sum(captions.recall.values()) + sum(images.recall.values())
    return Retrieval(captions, images, rsum)


def _mean(sides: Sequence[Recalls]) -> Recalls:
    return Recalls(
        {k: float(np.mean([one.recall[k] for one in sides])) for k in RECALL_AT},
        float(np.mean([one.median_rank for one in sides])),
        float(np.mean([one.mean_rank for one in sides])),
    )


def intervals(galleries: Sequence[Ranks]) -> Intervals:
    """95 % bootstrap intervals, from 2,000 redrawn sets of photos of the same size.

    Both retrieval directions use the same draws, so that rSum's interval knows that they rise
    and fall together.
    """
    hits, captions = hits_by_photo(galleries)
    draws = redrawn(hits[None], captions)[:, 0]
    limits = [interval(column) for column in draws.T]
    half = len(RECALL_AT)
    return Intervals(
        dict(zip(RECALL_AT, limits[:half], strict=True)),
        dict(zip(RECALL_AT, limits[half:], strict=True)),
        interval(draws.sum(1)),
    )


def redrawn(
    hits: Float[np.ndarray, "model photo six"], captions: Int[np.ndarray, " photo"]
) -> Float[np.ndarray, "draw model six"]:
    """Recalls of models in per cent, on redrawn sets of photos that are the same for all."""
    photos, half = len(captions), len(RECALL_AT)
    random = np.random.default_rng(0)
    draws = np.empty((_RESAMPLES, len(hits), 2 * half))
    for row in range(_RESAMPLES):
        times = np.bincount(random.integers(photos, size=photos), minlength=photos)
        queries = np.repeat([photos, times @ captions], half)
        draws[row] = 100 * (times @ hits) / queries
    return draws


def hits_by_photo(
    galleries: Sequence[Ranks],
) -> tuple[Float[np.ndarray, "photo six"], Int[np.ndarray, " photo"]]:
    """Per photo: found among the first 1, 5, 10, its captions found likewise; its captions."""
    hits, captions = [], []
    for ranks in galleries:
        photos = len(ranks.of_images)
        own = [ranks.of_images <= k for k in RECALL_AT]
        of_captions = [
            np.bincount(ranks.photo_of_caption, ranks.of_captions <= k, photos) for k in RECALL_AT
        ]
        hits.append(np.stack([*own, *of_captions], 1).astype(np.float64))
        captions.append(np.bincount(ranks.photo_of_caption, minlength=photos))
    return np.concatenate(hits), np.concatenate(captions)


def interval(draws: Float[np.ndarray, " draw"]) -> Interval:
    """What 95 % of the draws lie within."""
    low, high = np.percentile(draws, _LEVEL)
    return float(low), float(high)

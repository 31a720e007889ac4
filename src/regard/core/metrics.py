"""Retrieval metrics from a similarity matrix and the list of which image each caption is of.

Any number of captions an image. Knows nothing of models or splits. Ranks count from 1,
recalls are percentages. Ties count against the model unless the official order is asked for.
"""

from typing import Literal, NamedTuple

import numpy as np

from regard.core.attention import Array
from regard.errors import ShapeError
from regard.shapes import Float, Int

Ties = Literal["pessimistic", "official"]
RECALL_AT = (1, 5, 10)
_BLOCK = 1 << 20  # numbers looked at together


class Recalls(NamedTuple):
    """What one retrieval direction achieved."""

    recall: dict[int, float]
    """Per cent of queries whose best true answer is among the first K, by K."""
    median_rank: float
    mean_rank: float


class Retrieval(NamedTuple):
    """Both retrieval directions and their sum."""

    caption_retrieval: Recalls
    """Captions found for images, printed image→text."""
    image_retrieval: Recalls
    """Images found for captions, printed text→image."""
    rsum: float
    """Sum of the six recalls, at most 600."""


def check_similarity(
    similarity: Float[Array, "image cap"], image_of_caption: Int[Array, " cap"]
) -> None:
    """Refuse matrices a ranking would be meaningless for.

    Raises:
        ShapeError: a value is not finite, a caption names no image, an image has no caption.
    """
    scores = np.asarray(similarity)
    images = len(scores)
    wrong = sum(int((~np.isfinite(scores[rows])).sum()) for rows in _blocks(scores))
    if wrong:
        raise ShapeError(
            f"similarity holds {wrong} values that are not finite; every one must be a number. "
            "Look for NaN in the features or the weights."
        )
    counts = np.bincount(np.asarray(image_of_caption), minlength=images)
    if len(counts) > images or not (counts > 0).all():
        raise ShapeError(
            f"image_of_caption names {int((counts > 0).sum())} images; the matrix has {images} "
            "and each must have at least one caption. Check the order of the caption file."
        )


def caption_ranks(
    similarity: Float[Array, "image cap"],
    image_of_caption: Int[Array, " cap"],
    ties: Ties = "pessimistic",
) -> Int[np.ndarray, " image"]:
    """Rank of the best true caption of each image among all captions."""
    images = np.arange(len(similarity))
    return _ranks(np.asarray(similarity), images, np.asarray(image_of_caption), ties)


def image_ranks(
    similarity: Float[Array, "image cap"],
    image_of_caption: Int[Array, " cap"],
    ties: Ties = "pessimistic",
) -> Int[np.ndarray, " cap"]:
    """Rank of the true image of each caption among all images."""
    images = np.arange(len(similarity))
    return _ranks(np.asarray(similarity).T, np.asarray(image_of_caption), images, ties)


def _ranks(
    scores: Float[np.ndarray, "query answer"],
    image_of_query: Int[np.ndarray, " query"],
    image_of_answer: Int[np.ndarray, " answer"],
    ties: Ties,
) -> Int[np.ndarray, " query"]:
    """Rank of each query's first true answer; `official` is numpy's order of `argsort()[::-1]`."""
    ranks = np.empty(len(scores), np.int64)
    for rows in _blocks(scores):
        block, true = scores[rows], image_of_query[rows, None] == image_of_answer
        if ties == "official":
            ranks[rows] = np.take_along_axis(true, block.argsort(1)[:, ::-1], 1).argmax(1) + 1
        else:
            best = np.where(true, block, -np.inf).max(1, keepdims=True)
            ranks[rows] = ((block >= best) & ~true).sum(1) + 1
    return ranks


def _blocks(matrix: Float[np.ndarray, "row column"]) -> list[slice]:
    """Rows of a matrix, a few at a time: what is made of them stays small."""
    step = max(1, _BLOCK // max(1, matrix.shape[1]))
    return [slice(low, low + step) for low in range(0, len(matrix), step)]


def recalls(ranks: Int[np.ndarray, " query"]) -> Recalls:
    """R@K, median and mean of ranks that count from 1; the median is floored, as published."""
    share = {k: 100.0 * float((ranks <= k).mean()) for k in RECALL_AT}
    return Recalls(share, float(np.floor(np.median(ranks))), float(ranks.mean()))


def retrieval(
    similarity: Float[Array, "image cap"],
    image_of_caption: Int[Array, " cap"],
    ties: Ties = "pessimistic",
) -> Retrieval:
    """R@1/5/10, median and mean rank both ways, and rSum.

    Raises:
        ShapeError: the matrix is not finite or does not fit the captions.
    """
    check_similarity(similarity, image_of_caption)
    captions = recalls(caption_ranks(similarity, image_of_caption, ties))
    images = recalls(image_ranks(similarity, image_of_caption, ties))
    rsum = sum(captions.recall.values()) + sum(images.recall.values())
    return Retrieval(captions, images, rsum)


def retrieval_tree(found: Retrieval) -> dict[str, object]:
    """The stable JSON form: R@K in per cent and ranks both ways, and rsum."""

    def side(one: Recalls) -> dict[str, float]:
        recall = {f"R@{k}": value for k, value in one.recall.items()}
        return {**recall, "median_rank": one.median_rank, "mean_rank": one.mean_rank}

    return {
        "image_to_text": side(found.caption_retrieval),
        "text_to_image": side(found.image_retrieval),
        "rsum": found.rsum,
    }

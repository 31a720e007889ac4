"""Retrieval metrics from a similarity matrix and the list of which image each caption is of.

Any number of captions an image. Knows nothing of models or splits. Ranks count from 1,
recalls are percentages. Ties count against the model unless the official order is asked for.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.errors import ShapeError

Ties = Literal["pessimistic", "official"]
RECALL_AT = (1, 5, 10)


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
    similarity: Float[Tensor, "image cap"], image_of_caption: Int[Tensor, " cap"]
) -> None:
    """Refuse matrices a ranking would be meaningless for.

    Raises:
        ShapeError: a value is not finite, a caption names no image, an image has no caption.
    """
    images = similarity.shape[0]
    if not torch.isfinite(similarity).all():
        raise ShapeError(
            f"similarity holds {int((~torch.isfinite(similarity)).sum())} values that are not "
            "finite; every one must be a number. Look for NaN in the features or the weights."
        )
    counts = torch.bincount(image_of_caption, minlength=images)
    if len(counts) > images or not bool((counts > 0).all()):
        raise ShapeError(
            f"image_of_caption names {int((counts > 0).sum())} images; the matrix has {images} "
            "and each must have at least one caption. Check the order of the caption file."
        )


def caption_ranks(
    similarity: Float[Tensor, "image cap"],
    image_of_caption: Int[Tensor, " cap"],
    ties: Ties = "pessimistic",
) -> Int[Tensor, " image"]:
    """Rank of the best true caption of each image among all captions."""
    images = torch.arange(len(similarity), device=similarity.device)
    true = image_of_caption[None, :] == images[:, None]  # (I, C)
    if ties == "official":
        order = _official_order(similarity)
        return true.gather(1, order).int().argmax(1) + 1
    best = similarity.masked_fill(~true, -torch.inf).amax(1, keepdim=True)
    return ((similarity >= best) & ~true).sum(1) + 1


def image_ranks(
    similarity: Float[Tensor, "image cap"],
    image_of_caption: Int[Tensor, " cap"],
    ties: Ties = "pessimistic",
) -> Int[Tensor, " cap"]:
    """Rank of the true image of each caption among all images."""
    if ties == "official":
        order = _official_order(similarity.T)
        return (order == image_of_caption[:, None]).int().argmax(1) + 1
    own = similarity.gather(0, image_of_caption[None, :])  # (1, C)
    return (similarity >= own).sum(0)


def _official_order(rows: Float[Tensor, "row column"]) -> Int[Tensor, "row column"]:
    """Numpy's `argsort()[::-1]` row by row: the order the official evaluation ranks by."""
    order = rows.detach().cpu().numpy().argsort(axis=1)[:, ::-1]
    return torch.from_numpy(order.copy()).to(rows.device)


def recalls(ranks: Int[Tensor, " query"]) -> Recalls:
    """R@K, median and mean of ranks that count from 1; the median is floored, as published."""
    share = {k: 100.0 * (ranks <= k).double().mean().item() for k in RECALL_AT}
    median = float(ranks.double().quantile(0.5).floor())
    return Recalls(share, median, ranks.double().mean().item())


def retrieval(
    similarity: Float[Tensor, "image cap"],
    image_of_caption: Int[Tensor, " cap"],
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

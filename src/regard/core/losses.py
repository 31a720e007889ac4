"""Losses over similarities: triplet ranking (Faghri et al. 2018; SCAN eqs. 7-8) and contrastive.

Knows nothing of how similarities are made. Captions of the same image can be told apart from
true negatives by a mask, so they are never pushed away.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.core.scoring import Negatives
from regard.shapes import Bool, Float, Int


class Hardest(NamedTuple):
    """The most confusing wrong partner of each pair in a batch."""

    caption_of_image: Int[Tensor, " pair"]
    image_of_caption: Int[Tensor, " pair"]


def not_negative(image_ids: Int[Tensor, " pair"]) -> Bool[Tensor, "pair pair"]:
    """True where caption c belongs to image i, the diagonal and shared images alike."""
    return image_ids[:, None] == image_ids[None, :]


def hardest_negatives(
    by_image: Float[Tensor, "own pair"],
    by_caption: Float[Tensor, "own pair"],
    excluded: Bool[Tensor, "own pair"],
) -> Hardest:
    """The highest-scoring pair that is not excluded, for each image and each caption.

    Args:
        by_image: similarity of pairs' images with all captions.
        by_caption: of their captions with all images.
    """
    sides = (side.masked_fill(excluded, -torch.inf) for side in (by_image, by_caption))
    return Hardest(*(side.argmax(1) for side in sides))


def hinge(
    positive: Float[Tensor, "*#pair"],
    negative_caption: Float[Tensor, "*#pair"],
    negative_image: Float[Tensor, "*#pair"],
    margin: float,
) -> Float[Tensor, ""]:
    """Summed hinge over negative captions and negative images of pairs (eqs. 7 and 8).

    A pair whose whole batch shares its image has no negative: -inf costs nothing.
    """
    caption_cost = (margin + negative_caption - positive).clamp_min(0)
    image_cost = (margin + negative_image - positive).clamp_min(0)
    return caption_cost.sum() + image_cost.sum()


def triplet_loss(
    similarity: Float[Tensor, "pair pair"],
    excluded: Bool[Tensor, "pair pair"],
    margin: float = 0.2,
    negatives: Negatives = "hardest",
) -> Float[Tensor, ""]:
    """Triplet ranking loss of a batch, summed over pairs (eqs. 7 and 8).

    Args:
        similarity: image i against caption c; the diagonal holds the true pairs.
        excluded: entries that are not negatives; must hold the diagonal.
        margin: alpha, how much better the true pair must score.
        negatives: the hardest of each row and column (eq. 8) or all of them (eq. 7).
    """
    positive = similarity.diagonal()
    negative = similarity.masked_fill(excluded, -torch.inf)
    if negatives == "hardest":
        return hinge(positive, negative.amax(1), negative.amax(0), margin)
    return hinge(positive[:, None], negative, negative.T, margin)


def contrastive_loss(
    images: Float[Tensor, "pair dim"],
    captions: Float[Tensor, "pair dim"],
    excluded: Bool[Tensor, "own pair"],
    own: Int[Tensor, " own"],
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """In-batch cross entropy of the mean-pooled embeddings, both ways averaged.

    It keeps hardest negatives from collapsing the space at the start and trains the pooled
    vector that large indexes search candidates with.
    """
    sides = images[own] @ captions.T, captions[own] @ images.T
    return cross_entropy_of_pairs(*sides, excluded, own, temperature)


def cross_entropy_of_pairs(
    by_image: Float[Tensor, "own pair"],
    by_caption: Float[Tensor, "own pair"],
    excluded: Bool[Tensor, "own pair"],
    own: Int[Tensor, " own"],
    temperature: float,
) -> Float[Tensor, ""]:
    """In-batch cross entropy of similarities over a temperature, both ways averaged.

    Args:
        by_image: similarity of pairs' images with all captions of the batch.
        by_caption: of their captions with all images.
        excluded: entries that are not negatives.
        own: which pairs of the batch these are; of the rest others have the loss.
    """
    others = excluded.scatter(1, own[:, None], False)
    logits = (side.masked_fill(others, -torch.inf) / temperature for side in (by_image, by_caption))
    by_image, by_caption = (F.cross_entropy(side, own, reduction="sum") for side in logits)
    return (by_image + by_caption) / (2 * excluded.shape[1])

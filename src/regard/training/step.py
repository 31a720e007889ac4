"""One training step whose gradient touches only the pairs the loss looks at.

With hardest negatives the loss depends on 3 P of the P x P similarities. All pairs are scored
without gradient, the hardest are picked, and only the 3 P pairs are scored again with gradient.
The gradient equals that of the full matrix, because a maximum passes its gradient to one entry.
"""

from dataclasses import asdict
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from regard.core.attention import masked_mean, paired_similarity, similarity
from regard.core.losses import (
    contrastive_loss,
    cross_entropy_of_pairs,
    hardest_negatives,
    hinge,
    not_negative,
    triplet_loss,
)
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.device import on_processor, read
from regard.kernels import Wanted, similarity_matrix
from regard.training.batches import Batch
from regard.training.config import TrainConfig
from regard.training.encoders import embed_regions, embed_words
from regard.training.pairs import chosen_similarity
from regard.training.precision import mixed, products_in


class StepLoss(NamedTuple):
    """The loss of a batch and its parts."""

    total: Float[Tensor, ""]
    """What is minimised."""
    triplet: Float[Tensor, ""]
    """Summed over the batch, as the paper prints it; 0 while warming up."""
    contrastive: Float[Tensor, ""]
    """Of mean vectors and of similarities, means over the batch; 0 where they have no weight."""


class Embedded(NamedTuple):
    """A batch in the joint space."""

    regions: Float[Tensor, "photo region dim"]
    words: Float[Tensor, "pair word dim"]


def batch_loss(
    model: MatchingModel, batch: Batch, config: TrainConfig, *, warming_up: bool = False
) -> StepLoss:
    """Loss of a batch, ready for `backward`.

    Args:
        warming_up: use the contrastive loss alone.
    """
    return loss_of(model, embed(model, batch, config), batch, config, warming_up=warming_up)


def loss_of(
    model: MatchingModel,
    embedded: Embedded,
    batch: Batch,
    config: TrainConfig,
    *,
    warming_up: bool = False,
) -> StepLoss:
    """Loss of a batch that is embedded already; as `batch_loss` otherwise."""
    excluded = _excluded(batch, config)
    total = triplet = contrastive = embedded.regions.new_zeros(())
    if config.contrastive_weight:
        term = _contrastive(embedded, batch, excluded)
        total = total + config.contrastive_weight * term
        contrastive = term.detach()
    if config.attention_weight:
        scores = _all_similarities(embedded, batch, model.config.scoring)[batch.photo_of_pair]
        term = cross_entropy_of_pairs(scores, excluded, config.attention_temperature)
        total = total + config.attention_weight * term
        contrastive = contrastive + term.detach()
    if config.triplet_weight and not warming_up:
        term = _triplet(model, embedded, batch, excluded, config)
        total = total + config.triplet_weight * term
        triplet = term.detach()
    return StepLoss(total, triplet, contrastive)


def embed(model: MatchingModel, batch: Batch, config: TrainConfig) -> Embedded:
    """Both encoders, in the precision asked for or the quicker one."""
    texts = (batch.word_ids, batch.lengths, batch.states, batch.naming)
    device = batch.features.device
    dtype = products_in(config.precision, device)
    if on_processor(batch.features):
        return Embedded(
            embed_regions(model.regions, batch.features, dtype, model.label_names()),
            embed_words(model.words, *texts, dtype),
        )
    with mixed(dtype, device):
        return Embedded(model.regions(batch.features, model.label_names()), model.words(*texts))


def _excluded(batch: Batch, config: TrainConfig) -> Bool[Tensor, "pair pair"]:
    """Pairs that are never negatives: the true ones, and the same photo's if asked for."""
    if config.mask_same_photo:
        return not_negative(batch.photo_of_pair)
    return torch.eye(len(batch.lengths), dtype=torch.bool, device=batch.features.device)


def _contrastive(
    embedded: Embedded, batch: Batch, excluded: Bool[Tensor, "pair pair"]
) -> Float[Tensor, ""]:
    """Contrastive loss of the pairs; each photo's regions are pooled once."""
    pooled = masked_mean(embedded.regions, batch.region_mask)[batch.photo_of_pair, None]
    one = torch.ones(len(pooled), 1, dtype=torch.bool, device=pooled.device)
    return contrastive_loss(pooled, embedded.words, one, batch.word_mask, excluded)


def _all_similarities(
    embedded: Embedded, batch: Batch, scoring: Scoring
) -> Float[Tensor, "photo pair"]:
    """Similarities of all photos and captions; words that change nothing are left out first."""
    words, mask = embedded.words, batch.word_mask
    if scoring.skips_zeros:
        counted = mask & words.detach().any(-1)
        order = torch.argsort(counted.byte(), dim=1, descending=True, stable=True)
        order = order[:, : int(read(counted.sum(1).max()))]
        mask = counted.gather(1, order)
        words = words.gather(1, order[..., None].expand(-1, -1, words.shape[2]))
    scores: Tensor = similarity(embedded.regions, words, batch.region_mask, mask, scoring)
    return scores


def _triplet(
    model: MatchingModel,
    embedded: Embedded,
    batch: Batch,
    excluded: Bool[Tensor, "pair pair"],
    config: TrainConfig,
) -> Float[Tensor, ""]:
    """Triplet loss, through the chosen pairs only when negatives are the hardest."""
    scoring = model.config.scoring
    regions, words = embedded
    rows = batch.photo_of_pair
    if config.negatives == "sum":
        scores = similarity(regions, words, batch.region_mask, batch.word_mask, scoring)
        return triplet_loss(scores[rows], excluded, config.margin, "sum")
    scores = similarity_matrix(
        regions.detach(),
        words.detach(),
        batch.lengths,
        region_lengths=batch.counts,
        precision=_of_scores(config, batch),
        **asdict(scoring),
    )
    hardest = hardest_negatives(scores[rows], excluded)
    pairs = torch.arange(len(rows), device=scores.device)
    image = torch.cat([rows, rows, rows[hardest.image_of_caption]])  # (3P,)
    caption = torch.cat([pairs, hardest.caption_of_image, pairs])
    chosen = _chosen(embedded, batch, (image, caption), scoring)
    positive, negative_caption, negative_image = chosen.chunk(3)
    lonely = excluded.all(1)  # a batch of one photo has no negative; it costs nothing
    negative_caption = negative_caption.masked_fill(lonely, -torch.inf)
    negative_image = negative_image.masked_fill(lonely, -torch.inf)
    return hinge(positive, negative_caption, negative_image, config.margin)


def _chosen(
    embedded: Embedded, batch: Batch, pairs: tuple[Tensor, Tensor], scoring: Scoring
) -> Float[Tensor, " chosen"]:
    """Similarity of images with captions, given by their indices."""
    (regions, words), (image, caption) = embedded, pairs
    masks = (batch.region_mask, batch.word_mask)
    if scoring.scorer == "attention" and on_processor(regions):
        code = image * len(words) + caption
        wanted, place = torch.unique(code, return_inverse=True)  # each pair once
        once = wanted // len(words), wanted % len(words)
        return chosen_similarity(regions, words, masks, once, scoring)[place]
    scores: Tensor = paired_similarity(
        regions[image], words[caption], masks[0][image], masks[1][caption], scoring
    )
    return scores


def _of_scores(config: TrainConfig, batch: Batch) -> Wanted:
    """The precision of the similarities that hardest negatives are found by."""
    if config.precision == "fast" and on_processor(batch.features):
        return "fast"
    half = products_in(config.precision, batch.features.device) is torch.bfloat16
    return "bfloat16" if half else "float32"

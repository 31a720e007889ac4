"""One training step whose gradient touches only the pairs the loss looks at.

With hardest negatives the loss depends on 3 P of the P x P similarities. All pairs are scored
without gradient, the hardest are picked, and only the 3 P pairs are scored again with gradient.
The gradient equals that of the full matrix, because a maximum passes its gradient to one entry.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.core.attention import masked_mean, paired_similarity, similarity
from regard.core.losses import (
    Hardest,
    contrastive_loss,
    cross_entropy_of_pairs,
    hardest_negatives,
    hinge,
    not_negative,
)
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.device import on_processor, read
from regard.kernels import Wanted, similarity_matrix
from regard.shapes import Bool, Float
from regard.training.batches import Batch
from regard.training.config import TrainConfig
from regard.training.encoders import embed_regions, embed_words
from regard.training.gathered import Embedded, Pairs, gathered
from regard.training.pairs import chosen_similarity
from regard.training.precision import mixed, products_in
from regard.training.ranks import ALONE, Ranks

_Score = Callable[[slice, slice], Tensor]
"""Similarities of some photos with some captions."""


class StepLoss(NamedTuple):
    """The loss of a batch and its parts."""

    total: Float[Tensor, ""]
    """What is minimised."""
    triplet: Float[Tensor, ""]
    """Summed over the batch, as the paper prints it; 0 while warming up."""
    contrastive: Float[Tensor, ""]
    """Of mean vectors and of similarities, means over the batch; 0 where they have no weight."""


def batch_loss(
    model: MatchingModel,
    batch: Batch,
    config: TrainConfig,
    *,
    warming_up: bool = False,
    ranks: Ranks = ALONE,
) -> StepLoss:
    """Loss of a batch, ready for `backward`.

    Args:
        warming_up: use the contrastive loss alone.
        ranks: the processes among which a batch is parted; each has its part of the loss.
    """
    embedded = embed(model, batch, config)
    return loss_of(model, embedded, batch, config, warming_up=warming_up, ranks=ranks)


def loss_of(
    model: MatchingModel,
    embedded: Embedded,
    batch: Batch,
    config: TrainConfig,
    *,
    warming_up: bool = False,
    ranks: Ranks = ALONE,
) -> StepLoss:
    """Loss of a batch that is embedded already; as `batch_loss` otherwise."""
    embedded, pairs = gathered(embedded, batch, ranks)
    excluded, scores = _excluded(pairs, config), _Scores(model, ranks)
    total = triplet = contrastive = embedded.regions.new_zeros(())
    if config.contrastive_weight:
        term = _contrastive(embedded, pairs, excluded)
        total = total + config.contrastive_weight * term
        contrastive = term.detach()
    if config.attention_weight:
        sides = _sides(pairs, scores.of(_counting(embedded, pairs, scores.scoring)))
        term = cross_entropy_of_pairs(*sides, excluded, pairs.places, config.attention_temperature)
        total = total + config.attention_weight * term
        contrastive = contrastive + term.detach()
    if config.triplet_weight and not warming_up:
        term = _triplet(scores, embedded, pairs, excluded, config)
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
            embed_regions(model.regions, batch.features, dtype, model.label_names(), batch.counts),
            embed_words(model.words, *texts, dtype),
        )
    with mixed(dtype, device):
        names = model.label_names()
        return Embedded(model.regions(batch.features, names, batch.counts), model.words(*texts))


def _excluded(pairs: Pairs, config: TrainConfig) -> Bool[Tensor, "own pair"]:
    """Pairs that are never negatives: the true ones, and the same photo's if asked for."""
    if config.mask_same_photo:
        return not_negative(pairs.same)[pairs.own]
    return torch.eye(len(pairs.same), dtype=torch.bool, device=pairs.same.device)[pairs.own]


def _contrastive(
    embedded: Embedded, pairs: Pairs, excluded: Bool[Tensor, "own pair"]
) -> Float[Tensor, ""]:
    """Contrastive loss of the pairs; each photo's regions are pooled once."""
    images = masked_mean(embedded.regions, pairs.region_mask)[pairs.photo_of_pair]
    captions = masked_mean(embedded.words, pairs.word_mask)
    return contrastive_loss(images, captions, excluded, pairs.places)


class _Scored(NamedTuple):
    """Vectors with what of them is real."""

    regions: Tensor
    words: Tensor
    region_mask: Tensor
    word_mask: Tensor


def _counting(embedded: Embedded, pairs: Pairs, scoring: Scoring) -> _Scored:
    """All vectors, words that change nothing left out."""
    words, mask = embedded.words, pairs.word_mask
    if scoring.skips_zeros:
        counted = mask & words.detach().any(-1)
        order = torch.argsort(counted.byte(), dim=1, descending=True, stable=True)
        order = order[:, : int(read(counted.sum(1).max()))]
        mask = counted.gather(1, order)
        words = words.gather(1, order[..., None].expand(-1, -1, words.shape[2]))
    return _Scored(embedded.regions, words, pairs.region_mask, mask)


class _Scores:
    """Differentiable similarities, as a model has them."""

    def __init__(self, model: MatchingModel, ranks: Ranks) -> None:
        self.scoring, self.reasoner, self.total = model.config.scoring, model.reasoner, ranks.total

    def of(self, scored: _Scored) -> _Score:
        """Of some photos with some captions."""

        def score(photos: slice, captions: slice) -> Float[Tensor, "photo pair"]:
            regions, words, region_mask, word_mask = scored
            sides = regions[photos], words[captions], region_mask[photos], word_mask[captions]
            if self.reasoner is not None:
                return self.reasoner.all_pairs(*sides)
            found: Tensor = similarity(*sides, self.scoring)
            return found

        return score

    def paired(self, scored: _Scored) -> Float[Tensor, " pair"]:
        """Of image p with caption p only."""
        if self.reasoner is not None:
            reasoned: Tensor = self.reasoner(*scored, self.total)
            return reasoned
        found: Tensor = paired_similarity(*scored, self.scoring)
        return found


def _sides(
    pairs: Pairs, score: _Score
) -> tuple[Float[Tensor, "own pair"], Float[Tensor, "own pair"]]:
    """Similarities of one's own images with all captions, and of one's own captions with all."""
    rows, everything = pairs.photo_of_pair, slice(None)
    if pairs.all_own:
        whole = score(everything, everything)[rows]
        return whole, whole.T
    by_image = score(pairs.own_photos, everything)[rows[pairs.own] - pairs.own_photos.start]
    return by_image, score(everything, pairs.own)[rows].T


def _triplet(
    scores: _Scores,
    embedded: Embedded,
    pairs: Pairs,
    excluded: Bool[Tensor, "own pair"],
    config: TrainConfig,
) -> Float[Tensor, ""]:
    """Triplet loss, through the chosen pairs only when negatives are the hardest."""
    own, rows = pairs.places, pairs.photo_of_pair
    if config.negatives == "sum":
        scored = _Scored(*embedded, pairs.region_mask, pairs.word_mask)
        sides = _sides(pairs, scores.of(scored))
        captions, images = (side.masked_fill(excluded, -torch.inf) for side in sides)
        return hinge(sides[0].gather(1, own[:, None]), captions, images, config.margin)
    hardest = _hardest(scores, embedded, pairs, excluded, config)
    image = torch.cat([rows[own], rows[own], rows[hardest.image_of_caption]])  # 3 for each pair
    caption = torch.cat([own, hardest.caption_of_image, own])
    chosen = _chosen(scores, embedded, pairs, (image, caption))
    positive, negative_caption, negative_image = chosen.chunk(3)
    lonely = excluded.all(1)  # a batch of one photo has no negative; it costs nothing
    negative_caption = negative_caption.masked_fill(lonely, -torch.inf)
    negative_image = negative_image.masked_fill(lonely, -torch.inf)
    return hinge(positive, negative_caption, negative_image, config.margin)


@torch.no_grad()
def _hardest(
    scores: _Scores,
    embedded: Embedded,
    pairs: Pairs,
    excluded: Bool[Tensor, "own pair"],
    config: TrainConfig,
) -> Hardest:
    """The hardest negatives of one's own pairs, by the quickest way that the scores have."""
    regions, words = (side.detach() for side in embedded)
    if scores.reasoner is not None:
        scored = _Scored(regions, words, pairs.region_mask, pairs.word_mask)
        return hardest_negatives(*_sides(pairs, scores.of(scored)), excluded)
    how: dict[str, Any] = {"precision": _of_scores(config, regions), **asdict(scores.scoring)}

    def score(photos: slice, captions: slice) -> Float[Tensor, "photo pair"]:
        lengths, counts = pairs.lengths[captions], pairs.counts[photos]
        found: Tensor = similarity_matrix(
            regions[photos], words[captions], lengths, region_lengths=counts, **how
        )
        return found

    return hardest_negatives(*_sides(pairs, score), excluded)


def _chosen(
    scores: _Scores, embedded: Embedded, known: Pairs, pairs: tuple[Tensor, Tensor]
) -> Float[Tensor, " chosen"]:
    """Similarity of images with captions, given by their indices."""
    (regions, words), (image, caption) = embedded, pairs
    masks = (known.region_mask, known.word_mask)
    if scores.scoring.scorer == "attention" and on_processor(regions):
        code = image * len(words) + caption
        wanted, place = torch.unique(code, return_inverse=True)  # each pair once
        once = wanted // len(words), wanted % len(words)
        return chosen_similarity(regions, words, masks, once, scores.scoring)[place]
    sides = regions[image], words[caption], masks[0][image], masks[1][caption]
    return scores.paired(_Scored(*sides))


def _of_scores(config: TrainConfig, regions: Tensor) -> Wanted:
    """The precision of the similarities that hardest negatives are found by."""
    if config.precision == "fast" and on_processor(regions):
        return "fast"
    half = products_in(config.precision, regions.device) is torch.bfloat16
    return "bfloat16" if half else "float32"

"""Similarities of chosen pairs, differentiable, without copying the pairs' vectors (CPU).

The numbers of `core.paired_similarity`. Each pair is one product of an image's regions with a
caption's real words; inner products within an item are computed once however often it is chosen.
"""

from typing import Any

import torch
from torch import Tensor

from regard.core.attention import attend, pool, relevance
from regard.core.scoring import EPS, TINY, Scoring
from regard.shapes import Bool, Float, Int

_Chosen = tuple[list[int], list[int], list[int]]  # image and caption of a pair, a caption's words


def chosen_similarity(
    regions: Float[Tensor, "image region dim"],
    words: Float[Tensor, "cap word dim"],
    masks: tuple[Bool[Tensor, "image region"], Bool[Tensor, "cap word"]],
    pairs: tuple[Int[Tensor, " pair"], Int[Tensor, " pair"]],
    scoring: Scoring,
) -> Float[Tensor, " pair"]:
    """Similarity by attention of image `pairs[0][p]` with caption `pairs[1][p]`."""
    image, caption = pairs
    cosine, gram, norms = _Products.apply(  # type: ignore[no-untyped-call]
        regions, words, (image.tolist(), caption.tolist(), masks[1].sum(1).tolist()), scoring
    )
    region_mask, word_mask = masks[0][image], masks[1][caption]
    if scoring.direction == "t2i":
        cosine, query_mask, context_mask = cosine.transpose(1, 2), word_mask, region_mask
        gram, norms = gram[image], norms[caption]
    else:
        query_mask, context_mask = region_mask, word_mask
        gram, norms = gram[caption], norms[image]
    looked_at = cosine
    if scoring.pooling == "weighted":  # as `core.attention.directed`, by lengths that are known
        looked_at, norms = cosine / norms.clamp_min(EPS)[..., None], torch.ones_like(norms)
    weights = attend(looked_at, query_mask, context_mask, scoring)
    pooled: Tensor = pool(relevance(cosine, weights, gram, norms), query_mask, scoring)
    return pooled


class _Products(torch.autograd.Function):
    """Cosines of pairs, Gram matrices of contexts and lengths of queries; differentiable once.

    Cosines are (P, R, W), 0 past a caption's end. All gradients go into one buffer a side.
    """

    @staticmethod
    def forward(
        ctx: Any, regions: Tensor, words: Tensor, chosen: _Chosen, scoring: Scoring
    ) -> tuple[Tensor, Tensor, Tensor]:
        cosine = regions.new_zeros(len(chosen[0]), regions.shape[1], words.shape[1])
        for p, (i, c) in enumerate(zip(*chosen[:2], strict=True)):
            count = chosen[2][c]
            cosine[p, :, :count] = regions[i] @ words[c, :count].T
        query, context = (words, regions) if scoring.direction == "t2i" else (regions, words)
        norms = query.norm(dim=-1)
        ctx.save_for_backward(regions, words, norms)
        ctx.chosen, ctx.scoring = chosen, scoring
        return cosine, context @ context.transpose(1, 2), norms

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, of_cosine: Tensor, of_gram: Tensor, of_norms: Tensor
    ) -> tuple[Tensor | None, ...]:
        regions, words, norms = ctx.saved_tensors
        query, context = (words, regions) if ctx.scoring.direction == "t2i" else (regions, words)
        share = of_norms / norms.clamp_min(TINY)
        of_query = query * share[..., None]
        of_context = torch.bmm(of_gram + of_gram.transpose(1, 2), context)
        both = (of_query, of_context)
        of_words, of_regions = both if ctx.scoring.direction == "t2i" else both[::-1]
        for p, (i, c) in enumerate(zip(*ctx.chosen[:2], strict=True)):
            count = ctx.chosen[2][c]
            given = of_cosine[p, :, :count]
            of_regions[i].addmm_(given, words[c, :count])
            of_words[c, :count].addmm_(given.T, regions[i])
        return of_regions, of_words, None, None

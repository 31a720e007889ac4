"""The same scores by plain torch operations, on any device, and by the readable reference.

Every normalisation and scorer. Captions are taken in order of length so that tiles carry little
padding; a tile holds a bounded number of cosines whatever the sizes of the sets.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from regard.core.attention import attend, pool, relevance, similarity
from regard.core.scoring import Scoring
from regard.kernels.checks import Side, mask_of
from regard.kernels.workers import Progress, run_tasks


class _Part(NamedTuple):
    """A run of items of nearly one length, cut to the longest of them."""

    places: Tensor  # (n,) the caller's index
    vectors: Tensor  # (n, K, D) float32, 0 beyond an item's end
    mask: Tensor  # (n, K)
    factor: Tensor  # (n K, D) the vectors in the type they are multiplied in
    gram: Tensor  # (n, K, K)
    norms: Tensor  # (n, K)


class _Plan(NamedTuple):
    """How a backend goes about it."""

    score: Callable[[_Part, _Part, Scoring], Tensor]
    dtype: torch.dtype
    region_vectors: int  # most region vectors of a tile
    cosines: int  # most cosines of a tile


def by_torch(
    regions: Side,
    words: Side,
    scoring: Scoring,
    *,
    dtype: torch.dtype = torch.float32,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tensor:
    """(I, C) float32 by matrix products in `dtype` and torch operations in float32."""
    if scoring.scorer == "pooled":
        masks = mask_of(regions), mask_of(words)
        whole: Tensor = similarity(regions.vectors.float(), words.vectors.float(), *masks, scoring)
        return whole
    plan = _Plan(_score_parts, dtype, 144, 1 << 18)  # one tile's temporaries stay in the caches
    if regions.vectors.is_cuda:
        plan = _Plan(_score_parts, dtype, 4608, 1 << 26)
    return _tiled(regions, words, scoring, plan, (threads, progress))


def by_reference(
    regions: Side,
    words: Side,
    scoring: Scoring,
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tensor:
    """(I, C) float32 by `core.similarity`, a tile at a time."""
    plan = _Plan(_score_reference, torch.float32, 144, 1 << 20)
    return _tiled(regions, words, scoring, plan, (threads, progress))


def _tiled(
    regions: Side,
    words: Side,
    scoring: Scoring,
    plan: _Plan,
    how: tuple[int, Progress | None],
) -> Tensor:
    """Fill (I, C) tile by tile; what is known of an item alone is computed once."""
    out = torch.empty(len(regions.vectors), len(words.vectors), device=regions.vectors.device)
    if out.numel() == 0:
        return out
    images = _parts(regions, plan.region_vectors, plan.dtype)
    widest = max(part.mask.numel() for part in images)
    captions = _parts(words, plan.cosines // widest, plan.dtype)

    def work(pair: tuple[_Part, _Part]) -> None:
        image, caption = pair
        out[image.places[:, None], caption.places] = plan.score(image, caption, scoring)

    tasks = list(product(images, captions))
    threads, progress = how
    if not out.is_cuda:
        run_tasks(tasks, work, threads, progress)
        return out
    for done, task in enumerate(tasks, 1):
        work(task)
        if progress is not None:
            progress(done, len(tasks))
    return out


def _parts(side: Side, limit: int, dtype: torch.dtype) -> list[_Part]:
    """Items in order of length, in runs of at most `limit` padded vectors (or one item)."""
    order = side.lengths.argsort(stable=True)
    parts: list[_Part] = []
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and (end + 1 - begin) * int(side.lengths[order[end]]) <= limit:
            end += 1
        parts.append(_part(side, order[begin:end], dtype))
        begin = end
    return parts


def _part(side: Side, chosen: Tensor, dtype: torch.dtype) -> _Part:
    longest = int(side.lengths[chosen].max())
    places = chosen.to(side.vectors.device)
    mask = (torch.arange(longest) < side.lengths[chosen][:, None]).to(places.device)
    vectors = side.vectors[places, :longest].float().masked_fill(~mask[:, :, None], 0.0)
    factor = vectors.view(-1, vectors.shape[-1]).to(dtype)
    gram = vectors @ vectors.transpose(1, 2)
    return _Part(places, vectors, mask, factor, gram, vectors.norm(dim=-1))


def _score_parts(image: _Part, caption: _Part, scoring: Scoring) -> Tensor:
    """(n, m) similarities of two parts, in Gram form (see `core.attention`)."""
    products = (image.factor @ caption.factor.T).float()
    cosine = products.view(*image.mask.shape, *caption.mask.shape).transpose(1, 2)  # (n, m, R, W)
    query_mask, context_mask = image.mask[:, None], caption.mask[None]
    gram, norms = caption.gram[None], image.norms[:, None]
    if scoring.direction == "t2i":
        cosine = cosine.transpose(-1, -2)  # (n, m, W, R)
        query_mask, context_mask = context_mask, query_mask
        gram, norms = image.gram[:, None], caption.norms[None]
    if scoring.scorer == "sum_max":
        best = cosine.masked_fill(~context_mask.unsqueeze(-2), -torch.inf).amax(-1)
        return best.masked_fill(~query_mask, 0.0).sum(-1)
    weights = attend(cosine, query_mask, context_mask, scoring)
    pooled: Tensor = pool(relevance(cosine, weights, gram, norms), query_mask, scoring)
    return pooled


def _score_reference(image: _Part, caption: _Part, scoring: Scoring) -> Tensor:
    scores: Tensor = similarity(image.vectors, caption.vectors, image.mask, caption.mask, scoring)
    return scores

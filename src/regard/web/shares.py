"""Shares of every word in many photos at once: `regard.explain` for a whole tile of photos.

Gives the same numbers as explaining the photos one by one, without their attention.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from regard.core.attention import attend, pool
from regard.core.scoring import EPS, Scoring


@dataclass(frozen=True)
class _Tile:
    """Some photos and one sentence."""

    regions: Float[Tensor, "photo region dim"]
    real: Bool[Tensor, "photo region"]
    words: Float[Tensor, "word dim"]
    cosine: Float[Tensor, "photo region word"]


@torch.inference_mode()
def word_shares(
    vectors: Float[np.ndarray, "photo region dim"],
    counts: Int[np.ndarray, " photo"],
    words: Float[np.ndarray, "word dim"],
    scoring: Scoring,
) -> Float[np.ndarray, "photo word"]:
    """What every word of a sentence adds to its similarity with each photo.

    Args:
        vectors: region vectors, zeros past each photo's count.
        words: word vectors without padding, <start> and <end> included.

    Returns:
        Shares; a row sums to that photo's similarity.
    """
    regions = torch.from_numpy(vectors).float()  # from float16 many times faster than numpy
    rows = torch.from_numpy(np.asarray(words, np.float32))
    real = torch.arange(regions.shape[1])[None] < torch.from_numpy(np.asarray(counts))[:, None]
    tile = _Tile(regions, real, rows, regions @ rows.T)
    if scoring.scorer == "pooled":
        return _pooled(tile).numpy()
    if scoring.direction == "t2i":
        return _of_words(tile, scoring).numpy()
    return _of_regions(tile, scoring).numpy()


def _of_words(tile: _Tile, scoring: Scoring) -> Float[Tensor, "photo word"]:
    """Words attend to regions: a word's share is that of its own relevance."""
    cosine = tile.cosine.transpose(1, 2)  # (I, W, R)
    if scoring.scorer == "sum_max":
        return cosine.masked_fill(~tile.real[:, None], -torch.inf).amax(-1)
    everyone = torch.ones(cosine.shape[:2], dtype=torch.bool)
    weights = attend(cosine, everyone, tile.real, scoring)
    found = _relevance(cosine, weights, tile.regions, tile.words.norm(dim=-1)[None])
    return _share(found, everyone, scoring)


def _of_regions(tile: _Tile, scoring: Scoring) -> Float[Tensor, "photo word"]:
    """Regions attend to words: each hands its share on to the words it attends to."""
    everyone = torch.ones(len(tile.cosine), len(tile.words), dtype=torch.bool)
    if scoring.scorer == "sum_max":
        best = tile.cosine.max(-1)
        weights = F.one_hot(best.indices, len(tile.words)).to(tile.cosine)
        share = best.values.masked_fill(~tile.real, 0.0)
    else:
        weights = attend(tile.cosine, tile.real, everyone, scoring)
        norms = tile.regions.norm(dim=-1)
        found = _relevance(tile.cosine, weights, tile.words[None], norms)
        share = _share(found, tile.real, scoring)
    return (share[..., None] * weights).masked_fill(~tile.real[..., None], 0.0).sum(1)


def _pooled(tile: _Tile) -> Float[Tensor, "photo word"]:
    """Cosine of the means: a word adds its mean cosine over the lengths of both means."""
    counts = tile.real.sum(1, keepdim=True)
    region_length = (tile.regions.sum(1) / counts).norm(dim=-1, keepdim=True) + EPS
    word_length = tile.words.mean(0).norm() + EPS
    mean = tile.cosine.masked_fill(~tile.real[..., None], 0.0).sum(1) / counts
    share: Tensor = mean / (len(tile.words) * region_length * word_length)
    return share


def _relevance(
    cosine: Float[Tensor, "photo query context"],
    weights: Float[Tensor, "photo query context"],
    context: Float[Tensor, "#photo context dim"],
    query_norm: Float[Tensor, "#photo query"],
) -> Float[Tensor, "photo query"]:
    """Cosine of each query with what it attended to (eqs. 4 and 5)."""
    length: Tensor = (weights @ context).norm(dim=-1).clamp_min(EPS) * query_norm
    return (weights * cosine).sum(-1) / length.clamp_min(EPS)


def _share(
    found: Float[Tensor, "photo query"], real: Bool[Tensor, "photo query"], scoring: Scoring
) -> Float[Tensor, "photo query"]:
    """What each relevance adds to the similarity pooled from all of a photo's."""
    if scoring.pooling == "sum":
        return found.masked_fill(~real, 0.0)
    total: Tensor = pool(found, real, scoring)[:, None]
    hidden = found.masked_fill(~real, -torch.inf)
    if scoring.pooling == "lse":
        return torch.softmax(scoring.lambda_lse * hidden, -1) * total
    if scoring.pooling == "max":
        return F.one_hot(hidden.argmax(-1), found.shape[1]) * total
    return found.masked_fill(~real, 0.0) / real.sum(-1, keepdim=True)

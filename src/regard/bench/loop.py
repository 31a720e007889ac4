"""The yardstick: scores computed as SCAN's published code computes them, caption by caption.

A plain transcription of the procedure (attended vectors built, images repeated per caption), on
current torch, in float32. Slow on purpose; never used to score anything but the benchmark.
"""

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from regard.core.scoring import DEFAULT_SCORING, Scoring


def attend_by_building(query: Tensor, context: Tensor, lambda_softmax: float) -> Tensor:
    """(n, Q, D) attended vectors of every query.

    Args:
        query: (n, Q, D).
        context: (n, K, D).
    """
    cosine = leaky_relu(torch.bmm(context, query.transpose(1, 2)), 0.1)  # (n, K, Q)
    cosine = cosine / (cosine.pow(2).sum(2, keepdim=True).sqrt() + 1e-8)
    weights = torch.softmax(cosine.transpose(1, 2).contiguous() * lambda_softmax, dim=2)
    attended = torch.bmm(context.transpose(1, 2), weights.transpose(1, 2).contiguous())
    return attended.transpose(1, 2).contiguous()


def loop_over_captions(
    regions: Tensor, words: Tensor, lengths: list[int], scoring: Scoring = DEFAULT_SCORING
) -> Tensor:
    """(I, C) similarities, one caption at a time.

    Args:
        regions: (I, R, D).
        words: (C, W, D).
    """
    columns = []
    for caption, length in zip(words, lengths, strict=True):
        repeated = caption[:length].unsqueeze(0).repeat(len(regions), 1, 1)  # (I, W, D)
        query, context = repeated, regions
        if scoring.direction == "i2t":
            query, context = context, query
        attended = attend_by_building(query, context, scoring.lambda_softmax)
        relevances = _cosine(query, attended)  # (I, Q)
        columns.append(_pool(relevances, scoring))
    return torch.stack(columns, 1)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine along the last axis, written out as the published code does."""
    lengths: Tensor = torch.norm(a, 2, 2) * torch.norm(b, 2, 2)
    return torch.sum(a * b, 2) / lengths.clamp(min=1e-8)


def _pool(relevances: Tensor, scoring: Scoring) -> Tensor:
    """(I,) one similarity from (I, Q) relevances."""
    if scoring.pooling == "lse":
        return torch.log(torch.exp(relevances * scoring.lambda_lse).sum(1)) / scoring.lambda_lse
    if scoring.pooling == "max":
        return relevances.max(1).values
    return relevances.mean(1) if scoring.pooling == "mean" else relevances.sum(1)

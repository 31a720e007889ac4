"""Stacked cross attention of images and captions (Lee et al., ECCV 2018, sections 3.1-3.2).

The readable truth that every faster path is tested against. One side asks (the query), the
other is attended to (the context): words ask regions in t2i, regions ask words in i2t.

The attended vector is never built. For a query q with weights a over context vectors k,
q . sum(a_k k) = sum(a_k q.k)  and  |sum(a_k k)|^2 = a^T G a  with  G = K K^T,
so everything after the cosines works on Q x K numbers whatever D is.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from regard.core.scoring import DEFAULT_SCORING, EPS, LEAK, Normalization, Scoring

_TINY = 1e-30  # keeps the gradient of a square root finite at exactly zero


def l2norm(x: Float[Tensor, "*shape"], dim: int) -> Float[Tensor, "*shape"]:
    """Divide by the Euclidean norm plus 1e-8, as the official code does; 0 stays 0.

    The gradient at exactly zero is zero rather than NaN.
    """
    squared = x.pow(2).sum(dim, keepdim=True)
    return x / (squared.clamp_min(_TINY).sqrt() + EPS)


def normalize_cosine(
    cosine: Float[Tensor, "*batch query context"],
    query_mask: Bool[Tensor, "*#batch query"],
    normalization: Normalization,
) -> Float[Tensor, "*batch query context"]:
    """Clip and normalise cosines over the query axis (eq. 1; LeakyReLU(0.1) for the clip).

    Padded queries are zero before any norm is taken, so they change nothing.
    """
    real = query_mask.unsqueeze(-1)
    if normalization == "softmax":
        return torch.softmax(cosine.masked_fill(~real, -torch.inf), dim=-2)
    if normalization.startswith("clipped"):
        cosine = torch.nn.functional.leaky_relu(cosine, LEAK)
    cosine = cosine.masked_fill(~real, 0.0)
    if normalization.endswith("l2norm"):
        return l2norm(cosine, dim=-2)
    if normalization.endswith("l1norm"):
        return cosine / (cosine.abs().sum(-2, keepdim=True) + EPS)
    return cosine


def attend(
    cosine: Float[Tensor, "*batch query context"],
    query_mask: Bool[Tensor, "*#batch query"],
    context_mask: Bool[Tensor, "*#batch context"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Tensor, "*batch query context"]:
    """Attention of every query over its context (eq. 2).

    Returns:
        Weights; each row sums to 1 over the real context, padded context gets exactly 0.
        Rows of padded queries are meaningless and masked out later.
    """
    normalized = normalize_cosine(cosine, query_mask, scoring.normalization)
    logits = (scoring.lambda_softmax * normalized).masked_fill(
        ~context_mask.unsqueeze(-2), -torch.inf
    )
    return torch.softmax(logits, dim=-1)


def relevance(
    cosine: Float[Tensor, "*batch query context"],
    attention: Float[Tensor, "*batch query context"],
    context_gram: Float[Tensor, "*#batch context context"],
    query_norm: Float[Tensor, "*#batch query"],
) -> Float[Tensor, "*batch query"]:
    """Cosine of each query with the context it attended to (eqs. 4 and 5), in Gram form.

    Args:
        context_gram: inner products of the context vectors with each other.
        query_norm: Euclidean length of each query vector (1 for embeddings).
    """
    numerator = (attention * cosine).sum(-1)
    squared = ((attention @ context_gram) * attention).sum(-1)
    length = squared.clamp_min(EPS * EPS).sqrt() * query_norm
    return numerator / length.clamp_min(EPS)


def pool(
    relevance: Float[Tensor, "*batch query"],
    query_mask: Bool[Tensor, "*#batch query"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Tensor, " *batch"]:
    """One similarity from the relevances of the real queries (eqs. 6, 7; max; sum)."""
    if scoring.pooling == "lse":
        scaled = (scoring.lambda_lse * relevance).masked_fill(~query_mask, -torch.inf)
        return torch.logsumexp(scaled, -1) / scoring.lambda_lse
    if scoring.pooling == "max":
        return relevance.masked_fill(~query_mask, -torch.inf).amax(-1)
    total = relevance.masked_fill(~query_mask, 0.0).sum(-1)
    return total / query_mask.sum(-1) if scoring.pooling == "mean" else total


def masked_mean(
    vectors: Float[Tensor, "*batch item dim"], mask: Bool[Tensor, "*batch item"]
) -> Float[Tensor, "*batch dim"]:
    """Unit vector in the direction of the mean of the real vectors."""
    total = vectors.masked_fill(~mask.unsqueeze(-1), 0.0).sum(-2)
    return l2norm(total / mask.sum(-1, keepdim=True), dim=-1)


def _score(
    cosine: Float[Tensor, "*batch region word"],
    regions: Float[Tensor, "*#batch region dim"],
    words: Float[Tensor, "*#batch word dim"],
    region_mask: Bool[Tensor, "*#batch region"],
    word_mask: Bool[Tensor, "*#batch word"],
    scoring: Scoring,
) -> Float[Tensor, " *batch"]:
    """Similarity from cosines laid out (region, word), by attention or Sum-Max."""
    query, query_mask, context, context_mask = (words, word_mask, regions, region_mask)
    if scoring.direction == "t2i":
        cosine = cosine.transpose(-1, -2)
    else:
        query, query_mask, context, context_mask = (regions, region_mask, words, word_mask)
    if scoring.scorer == "sum_max":
        best = cosine.masked_fill(~context_mask.unsqueeze(-2), -torch.inf).amax(-1)
        return best.masked_fill(~query_mask, 0.0).sum(-1)
    weights = attend(cosine, query_mask, context_mask, scoring)
    gram = context @ context.transpose(-1, -2)
    found = relevance(cosine, weights, gram, query.norm(dim=-1))
    return pool(found, query_mask, scoring)


def similarity(
    regions: Float[Tensor, "image region dim"],
    words: Float[Tensor, "cap word dim"],
    region_mask: Bool[Tensor, "image region"],
    word_mask: Bool[Tensor, "cap word"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Tensor, "image cap"]:
    """Similarity of every image with every caption; memory grows with I x C x R x W.

    Args:
        regions: region vectors, unit length unless the caller wants otherwise.
        words: word vectors, likewise.
    """
    if scoring.scorer == "pooled":
        return masked_mean(regions, region_mask) @ masked_mean(words, word_mask).T
    cosine = torch.einsum("ird,cwd->icrw", regions, words)  # (I, C, R, W)
    return _score(
        cosine,
        regions[:, None],
        words[None],
        region_mask[:, None],
        word_mask[None],
        scoring,
    )


def paired_similarity(
    regions: Float[Tensor, "pair region dim"],
    words: Float[Tensor, "pair word dim"],
    region_mask: Bool[Tensor, "pair region"],
    word_mask: Bool[Tensor, "pair word"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Tensor, " pair"]:
    """Similarity of image p with caption p only; differentiable, memory P x R x W."""
    if scoring.scorer == "pooled":
        return (masked_mean(regions, region_mask) * masked_mean(words, word_mask)).sum(-1)
    cosine = regions @ words.transpose(-1, -2)  # (P, R, W)
    return _score(cosine, regions, words, region_mask, word_mask, scoring)

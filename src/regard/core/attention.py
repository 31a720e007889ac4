"""Stacked cross attention of images and captions (Lee et al., ECCV 2018, sections 3.1-3.2).

The readable truth that every faster path is tested against. One side asks (the query), the
other is attended to (the context): words ask regions in t2i, regions ask words in i2t.

The attended vector is never built. For a query q with weights a over context vectors k,
q . sum(a_k k) = sum(a_k q.k)  and  |sum(a_k k)|^2 = a^T G a  with  G = K K^T,
so everything after the cosines works on Q x K numbers whatever D is.

Arrays may be numpy's or torch's, all of a call alike; torch's keep their gradients.
"""

from typing import Any

from regard.core.arrays import namespace
from regard.core.scoring import (
    DEFAULT_SCORING,
    EPS,
    LEAK,
    TINY,
    Normalization,
    Scoring,
    refuse_learned,
)
from regard.shapes import Bool, Float

Array = Any
"""An array of numpy or of torch."""

_NEVER = float("-inf")  # a logit that gets no weight, a relevance that is never the largest


def l2norm(x: Float[Array, "*shape"], dim: int) -> Float[Array, "*shape"]:
    """Divide by the Euclidean norm plus 1e-8, as the official code does; 0 stays 0.

    The gradient at exactly zero is zero rather than NaN.
    """
    xp = namespace(x)
    squared = xp.sum(x * x, axis=dim, keepdims=True)
    return x / (xp.sqrt(_at_least(squared, TINY)) + EPS)


def normalize_cosine(
    cosine: Float[Array, "*batch query context"],
    query_mask: Bool[Array, "*#batch query"],
    normalization: Normalization,
) -> Float[Array, "*batch query context"]:
    """Clip and normalise cosines over the query axis (eq. 1; LeakyReLU(0.1) for the clip).

    Padded queries are zero before any norm is taken, so they change nothing.
    """
    xp = namespace(cosine)
    real = query_mask[..., None]
    if normalization == "softmax":
        return softmax(xp.where(real, cosine, _NEVER), axis=-2)
    if normalization.startswith("clipped"):
        cosine = xp.where(cosine > 0, cosine, LEAK * cosine)
    cosine = xp.where(real, cosine, 0.0)
    if normalization.endswith("l2norm"):
        return l2norm(cosine, dim=-2)
    if normalization.endswith("l1norm"):
        return cosine / (xp.sum(xp.abs(cosine), axis=-2, keepdims=True) + EPS)
    return cosine


def attend(
    cosine: Float[Array, "*batch query context"],
    query_mask: Bool[Array, "*#batch query"],
    context_mask: Bool[Array, "*#batch context"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Array, "*batch query context"]:
    """Attention of every query over its context (eq. 2).

    Returns:
        Weights; each row sums to 1 over the real context, padded context gets exactly 0.
        Rows of padded queries are meaningless and masked out later.
    """
    xp = namespace(cosine)
    logits = scoring.lambda_softmax * normalize_cosine(cosine, query_mask, scoring.normalization)
    return softmax(xp.where(context_mask[..., None, :], logits, _NEVER), axis=-1)


def directed(
    cosine: Float[Array, "*batch query context"],
    query: Float[Array, "*#batch query dim"],
    scoring: Scoring,
) -> Float[Array, "*batch query context"]:
    """What attention looks at: where lengths of queries are weights, cosines without these."""
    if scoring.pooling != "weighted":
        return cosine
    lengths = namespace(query).linalg.vector_norm(query, axis=-1)
    return cosine / _at_least(lengths, EPS)[..., None]


def relevance(
    cosine: Float[Array, "*batch query context"],
    attention: Float[Array, "*batch query context"],
    context_gram: Float[Array, "*#batch context context"],
    query_norm: Float[Array, "*#batch query"],
) -> Float[Array, "*batch query"]:
    """Cosine of each query with the context it attended to (eqs. 4 and 5), in Gram form.

    Args:
        context_gram: inner products of the context vectors with each other.
        query_norm: of each query vector, from `query_lengths`.
    """
    xp = namespace(cosine)
    numerator = xp.sum(attention * cosine, axis=-1)
    squared = xp.sum((attention @ context_gram) * attention, axis=-1)
    length = xp.sqrt(_at_least(squared, EPS * EPS)) * query_norm
    return numerator / _at_least(length, EPS)


def best(
    cosine: Float[Array, "*batch query context"], context_mask: Bool[Array, "*#batch context"]
) -> Float[Array, "*batch query"]:
    """Relevance of each query to its best context alone (eqs. 9 and 10; Pan et al. 2023)."""
    xp = namespace(cosine)
    return xp.max(xp.where(context_mask[..., None, :], cosine, _NEVER), axis=-1)


def query_lengths(
    query: Float[Array, "*batch query dim"], scoring: Scoring
) -> Float[Array, "*batch query"]:
    """What relevances are divided by: lengths of the queries, or 1 where lengths are weights."""
    xp = namespace(query)
    if scoring.pooling == "weighted":
        return xp.ones_like(query[..., 0])
    return xp.linalg.vector_norm(query, axis=-1)


def pool(
    relevance: Float[Array, "*batch query"],
    query_mask: Bool[Array, "*#batch query"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Array, " *batch"]:
    """One similarity from the relevances of the real queries (eqs. 6, 7; max; sum).

    With weighted pooling relevances hold their weights already (`query_lengths`).
    """
    xp = namespace(relevance)
    if scoring.pools in ("lse", "max"):
        real = xp.where(query_mask, relevance, _NEVER)
        top = xp.max(real, axis=-1, keepdims=True)
        if scoring.pools == "max":
            return top[..., 0]
        total = xp.sum(xp.exp(scoring.lambda_lse * (real - top)), axis=-1)
        return top[..., 0] + xp.log(total) / scoring.lambda_lse
    total = xp.sum(xp.where(query_mask, relevance, 0.0), axis=-1)
    return total / _count(query_mask, total) if scoring.pools == "mean" else total


def masked_mean(
    vectors: Float[Array, "*batch item dim"], mask: Bool[Array, "*batch item"]
) -> Float[Array, "*batch dim"]:
    """Unit vector in the direction of the mean of the real vectors."""
    xp = namespace(vectors)
    total = xp.sum(xp.where(mask[..., None], vectors, 0.0), axis=-2)
    return l2norm(total / _count(mask, total)[..., None], dim=-1)


def similarity(
    regions: Float[Array, "image region dim"],
    words: Float[Array, "cap word dim"],
    region_mask: Bool[Array, "image region"],
    word_mask: Bool[Array, "cap word"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Array, "image cap"]:
    """Similarity of every image with every caption; memory grows with I x C x R x W.

    Args:
        regions: region vectors, unit length unless the caller wants otherwise.
        words: word vectors, likewise.
    """
    refuse_learned(scoring, "attention alone")
    if scoring.scorer == "pooled":
        return masked_mean(regions, region_mask) @ masked_mean(words, word_mask).T
    xp = namespace(regions)
    cosine = xp.tensordot(regions, words, axes=((2,), (2,)))  # (I, R, C, W)
    sides = regions[:, None], words[None], region_mask[:, None], word_mask[None]
    return _score(xp.permute_dims(cosine, (0, 2, 1, 3)), *sides, scoring)


def paired_similarity(
    regions: Float[Array, "pair region dim"],
    words: Float[Array, "pair word dim"],
    region_mask: Bool[Array, "pair region"],
    word_mask: Bool[Array, "pair word"],
    scoring: Scoring = DEFAULT_SCORING,
) -> Float[Array, " pair"]:
    """Similarity of image p with caption p only; differentiable, memory P x R x W."""
    xp = namespace(regions)
    refuse_learned(scoring, "attention alone")
    if scoring.scorer == "pooled":
        return xp.sum(masked_mean(regions, region_mask) * masked_mean(words, word_mask), axis=-1)
    cosine = regions @ xp.matrix_transpose(words)  # (P, R, W)
    return _score(cosine, regions, words, region_mask, word_mask, scoring)


def _score(
    cosine: Float[Array, "*batch region word"],
    regions: Float[Array, "*#batch region dim"],
    words: Float[Array, "*#batch word dim"],
    region_mask: Bool[Array, "*#batch region"],
    word_mask: Bool[Array, "*#batch word"],
    scoring: Scoring,
) -> Float[Array, " *batch"]:
    """Similarity from cosines laid out (region, word), by attention, soft or hard."""
    xp = namespace(cosine)
    query, query_mask, context, context_mask = regions, region_mask, words, word_mask
    if scoring.direction == "t2i":
        query, query_mask, context, context_mask = words, word_mask, regions, region_mask
        cosine = xp.matrix_transpose(cosine)
    if scoring.is_hard:
        return pool(best(cosine, context_mask), query_mask, scoring)
    weights = attend(directed(cosine, query, scoring), query_mask, context_mask, scoring)
    facts = context @ xp.matrix_transpose(context), query_lengths(query, scoring)
    return pool(relevance(cosine, weights, *facts), query_mask, scoring)


def softmax(logits: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """Powers over an axis that sum to 1; those of logits of minus infinity are 0."""
    xp = namespace(logits)
    powers = xp.exp(logits - xp.max(logits, axis=axis, keepdims=True))
    return powers / xp.sum(powers, axis=axis, keepdims=True)


def _at_least(x: Float[Array, "*shape"], least: float) -> Float[Array, "*shape"]:
    """The larger of the two; no gradient where that is `least`."""
    return namespace(x).where(x > least, x, least)


def _count(mask: Bool[Array, "*batch item"], like: Float[Array, "..."]) -> Float[Array, "*batch"]:
    """How many are real, in the type of another array."""
    xp = namespace(mask)
    return xp.sum(xp.astype(mask, like.dtype), axis=-1)

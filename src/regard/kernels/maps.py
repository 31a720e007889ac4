"""Which word looked where: attention weights and relevances of given pairs."""

from typing import NamedTuple

from regard.core.arrays import namespace
from regard.core.attention import attend, directed, pool, relevance
from regard.core.scoring import DEFAULT_SCORING, Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels.checks import (
    Array,
    Lengths,
    Side,
    as_given,
    as_side,
    check_match,
    check_side,
    mask_of,
    real_vectors,
)


class AttentionMaps(NamedTuple):
    """What one step of cross attention saw; without the pair axis if none was given.

    Arrays of numpy if both sides were, else tensors on their device.
    """

    weights: Array
    """(pair, Q, K): rows sum to 1 over the real context; t2i (pair, W, R), i2t (pair, R, W).

    Padded queries and padded context hold 0.
    """
    relevances: Array
    """(pair, Q): cosine of each query with what it attended to; 0 for padded queries."""
    cosines: Array
    """(pair, Q, K): the raw inner products, 0 where padded."""
    similarities: Array
    """(pair,): the relevances pooled."""


def attention(
    regions: Array,
    words: Array,
    scoring: Scoring = DEFAULT_SCORING,
    *,
    region_lengths: Lengths = None,
    lengths: Lengths = None,
) -> AttentionMaps:
    """Attention of the given pairs (eqs. 1-5), in float32.

    Args:
        regions: (R, D) of one image, or (pair, R, D); an array of numpy or of torch.
        words: (W, D) of one caption, or (pair, W, D).
        region_lengths: (pair,) real regions; None means all.
        lengths: (pair,) real words; None means all.

    Raises:
        ShapeError: the two sides do not pair up, or hold NaN or infinity.
        ConfigError: the scorer has no attention.
    """
    if scoring.scorer != "attention":
        raise ConfigError(
            f"scorer is {scoring.scorer}; it must be attention to have attention maps. "
            "Choose the attention scorer."
        )
    one = regions.ndim == words.ndim == 2
    image = as_side(regions[None] if one else regions, region_lengths, "regions")
    caption = as_side(words[None] if one else words, lengths, "words")
    check_match(image, caption)
    if len(image.vectors) != len(caption.vectors):
        raise ShapeError(
            f"the number of captions is {len(caption.vectors)}; it must be that of images, "
            f"{len(image.vectors)}. Pass pairs, image n with caption n."
        )
    check_side(image, "regions")
    check_side(caption, "words")
    sides = (caption, image) if scoring.direction == "t2i" else (image, caption)
    maps = (part[0, ...] if one else part for part in _maps(*sides, scoring))
    return AttentionMaps(*(as_given(part, regions, words) for part in maps))


def _maps(query: Side, context: Side, scoring: Scoring) -> tuple[Array, ...]:
    """Weights, relevances, cosines and similarities of pairs."""
    xp = namespace(query.vectors)
    asked, seen = real_vectors(query), real_vectors(context)
    query_mask, context_mask = mask_of(query), mask_of(context)
    across = xp.matrix_transpose(seen)
    cosine = asked @ across  # (pair, Q, K)
    weights = attend(directed(cosine, asked, scoring), query_mask, context_mask, scoring)
    weights = xp.where(query_mask[..., None], weights, 0.0)
    lengths = xp.linalg.vector_norm(asked, axis=-1)
    relevances = relevance(cosine, weights, seen @ across, lengths)
    pooled = pool(relevances, query_mask, scoring)
    return weights, xp.where(query_mask, relevances, 0.0), cosine, pooled

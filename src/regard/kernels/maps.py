"""Which word looked where: attention weights and relevances of given pairs."""

from typing import NamedTuple

from torch import Tensor

from regard.core.attention import attend, pool, relevance
from regard.core.scoring import DEFAULT_SCORING, Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels.checks import Array, Lengths, as_side, check_match, check_side, mask_of


class AttentionMaps(NamedTuple):
    """What one step of cross attention saw; without the pair axis if none was given."""

    weights: Tensor
    """(pair, Q, K): rows sum to 1 over the real context; t2i (pair, W, R), i2t (pair, R, W).

    Padded queries and padded context hold 0.
    """
    relevances: Tensor
    """(pair, Q): cosine of each query with what it attended to; 0 for padded queries."""
    cosines: Tensor
    """(pair, Q, K): the raw inner products, 0 where padded."""
    similarities: Tensor
    """(pair,): the relevances pooled."""


def attention(
    regions: Tensor | Array,
    words: Tensor | Array,
    scoring: Scoring = DEFAULT_SCORING,
    *,
    region_lengths: Lengths = None,
    lengths: Lengths = None,
) -> AttentionMaps:
    """Attention of the given pairs (eqs. 1-5), in float32.

    Args:
        regions: (R, D) of one image, or (pair, R, D).
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
    if one:
        regions, words = regions[None], words[None]
    image = as_side(regions, region_lengths, "regions")
    caption = as_side(words, lengths, "words")
    check_match(image, caption)
    if len(image.vectors) != len(caption.vectors):
        raise ShapeError(
            f"the number of captions is {len(caption.vectors)}; it must be that of images, "
            f"{len(image.vectors)}. Pass pairs, image n with caption n."
        )
    check_side(image, "regions")
    check_side(caption, "words")
    query, context = (caption, image) if scoring.direction == "t2i" else (image, caption)
    query_mask, context_mask = mask_of(query), mask_of(context)
    asked = query.vectors.float().masked_fill(~query_mask[..., None], 0.0)
    seen = context.vectors.float().masked_fill(~context_mask[..., None], 0.0)
    cosine = asked @ seen.transpose(1, 2)  # (pair, Q, K)
    weights = attend(cosine, query_mask, context_mask, scoring)
    weights = weights.masked_fill(~query_mask[..., None], 0.0)
    found = relevance(cosine, weights, seen @ seen.transpose(1, 2), asked.norm(dim=-1))
    maps = (weights, found.masked_fill(~query_mask, 0.0), cosine, pool(found, query_mask, scoring))
    return AttentionMaps(*(part[0] for part in maps)) if one else AttentionMaps(*maps)

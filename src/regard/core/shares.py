"""Similarities taken apart: what every word saw, and its share of the score. Many pairs at once.

The shares of all words add up to the similarity, for every direction, pooling and scorer. With
relevances R (paper's eqs. 4 and 5) and the similarity S pooled from them, an attending item
(a word in t2i, a region in i2t) has the share

    mean R / n      sum R      max S for the largest, else 0      lse softmax(lambda2 R) S
    weighted R times the length of its vector, so that one of length 0 adds exactly nothing

In t2i these are the words' shares. In i2t region i hands its share s_i on to the words it
attends to: word j gets sum_i s_i a_ij, and it looks at region i as much as s_i a_ij counts in
its favour. Hard attention is the same with one-hot weights, Sum-Max that with sum pooling. The
pooled scorer is bilinear, so region i and word j contribute their cosine over the lengths of the
means.

Everywhere: regions of a photo a pair; words of a sentence a pair, or of one sentence for all.
"""

from typing import NamedTuple

import numpy as np

from regard.core.attention import attend, directed, masked_mean, pool, query_lengths, relevance
from regard.core.scoring import EPS, Scoring, refuse_learned
from regard.shapes import Bool, Float


class WordParts(NamedTuple):
    """What words add to the similarities of their pairs, and what they saw; 0 of padding."""

    share: Float[np.ndarray, "pair word"]
    """A row sums to the similarity of its pair."""
    relevance: Float[np.ndarray, "pair word"]
    """Cosine of a word with what it attended to; in i2t, of the regions that speak for it."""
    attention: Float[np.ndarray, "pair word region"]
    """Weights of the regions, a row summing to 1; zeros where no region attends to a word."""


class _Asking(NamedTuple):
    """The side that attends: its shares, relevances and attention; 0 of padding."""

    share: Float[np.ndarray, "pair query"]
    relevance: Float[np.ndarray, "pair query"]
    attention: Float[np.ndarray, "pair query context"]


def word_shares(
    regions: Float[np.ndarray, "pair region dim"],
    words: Float[np.ndarray, "#pair word dim"],
    region_mask: Bool[np.ndarray, "pair region"],
    word_mask: Bool[np.ndarray, "#pair word"],
    scoring: Scoring,
) -> Float[np.ndarray, "pair word"]:
    """What every word adds to the similarity of its pair; `word_parts` without the rest."""
    refuse_learned(scoring, "shares of words")
    word_mask = _counted(words, word_mask, scoring)
    if scoring.scorer == "pooled":
        return _ask_mean(regions, words, region_mask, word_mask)[0]
    if scoring.direction == "t2i":
        return _ask(words, regions, word_mask, region_mask, scoring).share
    asking = _ask(regions, words, region_mask, word_mask, scoring)
    share: np.ndarray = (asking.share[:, None] @ asking.attention)[:, 0]
    return share


def word_parts(
    regions: Float[np.ndarray, "pair region dim"],
    words: Float[np.ndarray, "#pair word dim"],
    region_mask: Bool[np.ndarray, "pair region"],
    word_mask: Bool[np.ndarray, "#pair word"],
    scoring: Scoring,
) -> WordParts:
    """Similarities of pairs, taken apart by word."""
    refuse_learned(scoring, "an explanation")
    word_mask = _counted(words, word_mask, scoring)
    real = region_mask[:, None] & word_mask[..., None]  # (P, W, R)
    if scoring.scorer == "pooled":
        cosine = np.where(real, words @ np.swapaxes(regions, 1, 2), 0)
        attention = _in_favour(cosine, real.astype(cosine.dtype))
        return WordParts(*_ask_mean(regions, words, region_mask, word_mask), attention)
    if scoring.direction == "t2i":
        return WordParts(*_ask(words, regions, word_mask, region_mask, scoring))
    asking = _ask(regions, words, region_mask, word_mask, scoring)
    looks = np.swapaxes(asking.attention, 1, 2)  # (P, W, R)
    handed_on = asking.share[:, None] * looks
    attention = _in_favour(handed_on, looks)
    relevances = (attention @ asking.relevance[..., None])[..., 0]
    return WordParts(handed_on.sum(-1), relevances, attention)


def _counted(
    words: Float[np.ndarray, "#pair word dim"],
    word_mask: Bool[np.ndarray, "#pair word"],
    scoring: Scoring,
) -> Bool[np.ndarray, "#pair word"]:
    """Real words, less those whose vector is zero where these change nothing."""
    return word_mask & words.any(-1) if scoring.skips_zeros else word_mask


def _ask(
    query: Float[np.ndarray, "#pair query dim"],
    context: Float[np.ndarray, "#pair context dim"],
    query_mask: Bool[np.ndarray, "#pair query"],
    context_mask: Bool[np.ndarray, "#pair context"],
    scoring: Scoring,
) -> _Asking:
    """One side attends to the other, or to the best alone."""
    cosine = _cosines(query, context)
    if scoring.is_hard:
        best = np.where(context_mask[:, None], cosine, -np.inf).argmax(-1)[..., None]
        attention = (best == np.arange(cosine.shape[-1])).astype(cosine.dtype)
        relevances = np.take_along_axis(cosine, best, -1)[..., 0]
    else:
        looked_at = directed(cosine, query, scoring)
        attention = attend(looked_at, query_mask, context_mask, scoring)
        relevances = _relevance(cosine, attention, query_lengths(query, scoring), context)
    relevances = np.where(query_mask, relevances, 0)
    attention = np.where(query_mask[..., None], attention, 0)
    share = _share(relevances, query_mask, scoring)
    if scoring.pooling == "weighted" and scoring.scorer == "attention":
        relevances = share / np.linalg.norm(query, axis=-1).clip(EPS)
    return _Asking(share, relevances, attention)


def _relevance(
    cosine: Float[np.ndarray, "pair query context"],
    attention: Float[np.ndarray, "pair query context"],
    query_norm: Float[np.ndarray, "#pair query"],
    context: Float[np.ndarray, "#pair context dim"],
) -> Float[np.ndarray, "pair query"]:
    """Cosine of each query with what it attended to (eqs. 4 and 5), the cheaper way.

    Products of a sentence's words with each other are few; those of all photos' regions are more
    work than to build what the words of one sentence attended to.
    """
    if len(context) == 1:
        gram = context @ np.swapaxes(context, 1, 2)
        relevances: np.ndarray = relevance(cosine, attention, gram, query_norm)
    else:
        attended = attention @ context
        length = np.sqrt(np.einsum("pqd,pqd->pq", attended, attended)) * query_norm
        relevances = np.einsum("pqk,pqk->pq", attention, cosine) / length.clip(EPS)
    return relevances


def _cosines(
    query: Float[np.ndarray, "#pair query dim"], context: Float[np.ndarray, "#pair context dim"]
) -> Float[np.ndarray, "pair query context"]:
    """Inner products; with one sentence for many photos a single product of matrices."""
    if len(context) == 1:
        flat: np.ndarray = query.reshape(-1, query.shape[2]) @ context[0].T
        return flat.reshape(len(query), query.shape[1], context.shape[1])
    if len(query) == 1:
        return np.ascontiguousarray(np.swapaxes(_cosines(context, query), 1, 2))
    cosine: np.ndarray = query @ np.swapaxes(context, 1, 2)
    return cosine


def _share(
    relevances: Float[np.ndarray, "pair query"],
    query_mask: Bool[np.ndarray, "#pair query"],
    scoring: Scoring,
) -> Float[np.ndarray, "pair query"]:
    """What each relevance adds to the similarity pooled from all of its pair."""
    if scoring.pools in ("sum", "weighted"):
        return relevances
    real = np.where(query_mask, relevances, -np.inf)
    total = pool(relevances, query_mask, scoring)[:, None]
    if scoring.pools == "mean":
        count = query_mask.sum(-1, keepdims=True)
        share: np.ndarray = relevances / count.astype(relevances.dtype)
    elif scoring.pools == "max":
        share = total * (real.argmax(-1)[:, None] == np.arange(real.shape[-1]))
    else:
        powers = np.exp(scoring.lambda_lse * (real - real.max(-1, keepdims=True)))
        share = total * powers / powers.sum(-1, keepdims=True)
    return share


def _ask_mean(
    regions: Float[np.ndarray, "pair region dim"],
    words: Float[np.ndarray, "#pair word dim"],
    region_mask: Bool[np.ndarray, "pair region"],
    word_mask: Bool[np.ndarray, "#pair word"],
) -> tuple[Float[np.ndarray, "pair word"], Float[np.ndarray, "pair word"]]:
    """Shares of the words in the cosine of the means, and cosines with the regions' mean."""
    cosine = (words @ masked_mean(regions, region_mask)[..., None])[..., 0]  # (P, W)
    relevances = np.where(word_mask, cosine, 0)
    total = np.where(word_mask[..., None], words, 0).sum(1)  # (P, D)
    count = word_mask.sum(-1, keepdims=True)
    length = np.linalg.norm(total, axis=-1, keepdims=True) + EPS * count
    return relevances / length.astype(relevances.dtype), relevances


def _in_favour(
    contribution: Float[np.ndarray, "pair word region"],
    otherwise: Float[np.ndarray, "pair word region"],
) -> Float[np.ndarray, "pair word region"]:
    """Contributions that speak for a word, as weights that sum to 1.

    A word nothing speaks for gets the weights of `otherwise`; all zeros there stay zeros.
    """
    favour = contribution.clip(0)
    favour = np.where(favour.sum(-1, keepdims=True) > 0, favour, otherwise)
    total = favour.sum(-1, keepdims=True)
    weights: np.ndarray = favour / np.where(total > 0, total, 1)
    return weights

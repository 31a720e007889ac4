"""Whole photos with whole sentences, and what each word has to do with it.

Vectors have one number more than the network gives. A photo's first row is the whole photo, the
others are its regions; their last number is 0. A sentence's first row is the whole sentence, the
others are its words, all of unit length but for the last number, a row's *part*: how long it is
within the sentence's vector. So

    similarity = sum_j part_j * (word_j . whole photo)  +  weight * SCAN(regions, words)

The parts of a sentence made of its words (TIPSv2) are theirs and the first row has none; else the
first row has all of it, and words add nothing but by the weight. Inner products of regions and
words are cosines, whatever the last number says.
"""

from typing import NamedTuple

import numpy as np

from regard.core.scoring import Scoring
from regard.core.shares import WordParts, word_parts, word_shares
from regard.model.encoded import EncodedCaption, EncodedCaptions
from regard.shapes import Bool, Float


class WholeScores(NamedTuple):
    """How similarities are made of vectors."""

    weight: float = 0.0
    """How much SCAN's similarity of regions and words counts beside the whole."""

    def shares(
        self,
        regions: Float[np.ndarray, "pair region dim"],
        words: Float[np.ndarray, "#pair word dim"],
        region_mask: Bool[np.ndarray, "pair region"],
        word_mask: Bool[np.ndarray, "#pair word"],
        scoring: Scoring,
    ) -> Float[np.ndarray, "pair word"]:
        """What every row of a sentence adds to the similarity of its pair."""
        share = _of_whole(regions, words, word_mask)
        if self.weight and words.shape[1] > 1:
            masks = region_mask[:, 1:], word_mask[:, 1:]
            share[:, 1:] += self.weight * word_shares(
                regions[:, 1:], directions(words[:, 1:]), *masks, scoring
            )
        return share

    def parts(
        self,
        regions: Float[np.ndarray, "pair region dim"],
        words: Float[np.ndarray, "#pair word dim"],
        region_mask: Bool[np.ndarray, "pair region"],
        word_mask: Bool[np.ndarray, "#pair word"],
        scoring: Scoring,
    ) -> WordParts:
        """Shares, and what each row sees: the first the whole photo, words its regions."""
        share = _of_whole(regions, words, word_mask)
        seen = word_parts(
            regions[:, 1:],
            directions(words[:, 1:]),
            region_mask[:, 1:],
            word_mask[:, 1:],
            scoring,
        )
        share[:, 1:] += self.weight * seen.share
        relevance, attention = np.zeros_like(share), np.zeros((*share.shape, regions.shape[1]))
        relevance[:, 0] = (regions[:, 0] * words[:, 0]).sum(-1)
        relevance[:, 1:] = seen.relevance
        attention[:, 0, 0] = 1
        attention[:, 1:, 1:] = seen.attention
        return WordParts(share, relevance, attention)


class Sentence(EncodedCaption):
    """A sentence whose words carry their parts."""

    @property
    def directions(self) -> Float[np.ndarray, "word dim"]:
        """The words without them, of length 1."""
        return directions(self.vectors)


class Sentences(EncodedCaptions):
    """Sentences whose words carry their parts."""

    @property
    def directions(self) -> Float[np.ndarray, "cap word dim"]:
        """The words without them, of length 1."""
        return directions(self.vectors)

    def caption(self, row: int) -> Sentence:
        """One sentence, without padding."""
        return Sentence(*super().caption(row))


def directions(words: Float[np.ndarray, "... dim"]) -> Float[np.ndarray, "... dim"]:
    """Words without their parts."""
    bare = np.array(words)
    bare[..., -1] = 0
    return bare


def asked_for(words: Float[np.ndarray, "... word dim"]) -> Float[np.ndarray, "... dim"]:
    """The vector whose inner product with a whole photo is the similarity.

    Of a sentence the sum of its words by their parts; of a photo, which has no parts, the whole.
    """
    parts = words[..., -1:]
    summed = (words * parts).sum(-2)
    summed[..., -1] = 0
    has_parts = np.any(parts != 0, axis=-2)
    asked: Float[np.ndarray, "... dim"] = np.where(has_parts, summed, words[..., 0, :])
    return asked


def _of_whole(
    regions: Float[np.ndarray, "pair region dim"],
    words: Float[np.ndarray, "#pair word dim"],
    word_mask: Bool[np.ndarray, "#pair word"],
) -> Float[np.ndarray, "pair word"]:
    """Parts of rows times their cosines with the whole photo; a photo's first row has all of it."""
    cosine = (words @ regions[:, 0, :, None])[..., 0]  # (P, W)
    part = words[..., -1].copy()
    part[~part.any(1), 0] = 1
    share: Float[np.ndarray, "pair word"] = np.where(word_mask & (part != 0), cosine * part, 0)
    return share

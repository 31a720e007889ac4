"""A similarity taken apart: what every word saw, and its share of the score.

The shares of all words add up to the similarity, for every direction, pooling and scorer. With
relevances R (paper's eqs. 4 and 5) and the similarity S pooled from them, an attending item
(a word in t2i, a region in i2t) has the share

    mean R / n      sum R      max S for the largest, else 0      lse softmax(lambda2 R) S

In t2i these are the words' shares. In i2t region i hands its share s_i on to the words it
attends to: word j gets sum_i s_i a_ij, and it looks at region i as much as s_i a_ij counts in
its favour. Sum-Max is the same with one-hot attention and sum pooling. The pooled scorer is
bilinear, so region i and word j contribute their cosine over the lengths of the means.

What a model takes off a similarity because photo or sentence are similar to everything is taken
off the shares of all n words alike: a share is then what the word adds beyond that.

Knows embeddings and boxes. Knows nothing of pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from regard.core.attention import attend, pool, relevance
from regard.core.scoring import EPS, Scoring
from regard.errors import ShapeError
from regard.model.judgement import Calibration
from regard.model.pointer import Pointer
from regard.words.function_words import names_something
from regard.words.vocabulary import END, START

UNSUPPORTED = 0.2  # below this probability a word is said to be shown by no region


@dataclass(frozen=True)
class WordExplanation:
    """One word's part in a similarity."""

    word: str
    relevance: float
    """Cosine of the word with what it attended to; in i2t, of the regions that speak for it."""
    share: float
    """What the word adds to the similarity; the shares of all words sum to it."""
    attention: Float[np.ndarray, " region"]
    """Weight of every region, summing to 1; all zeros where no region attends to the word."""
    cosines: Float[np.ndarray, " region"]
    """Cosine of the word with every region, before any attention."""
    support: float | None = None
    """Probability that the photo shows what the word names, one in two doing so before looking,
    from its largest cosine; None for words that name nothing and models without a curve."""
    pointing: Float[np.ndarray, " region"] | None = None
    """Where the word points, as the model's pointer scores every region; None without one, and
    for words that name nothing."""

    @property
    def is_unsupported(self) -> bool:
        """Whether no region shows what the word names."""
        return self.support is not None and self.support < UNSUPPORTED

    @property
    def is_sentence_end(self) -> bool:
        """Whether this is <start> or <end>, which attend and count but are no words to show."""
        return self.word in (START, END)


@dataclass(frozen=True)
class Explanation:
    """A similarity of one photo with one sentence, taken apart."""

    similarity: float
    words: tuple[WordExplanation, ...]
    """In the order of the sentence, <start> and <end> included."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels of the original photo; no rows where unknown."""
    size: tuple[int, int]
    """Width and height of the original photo in pixels."""

    def pointed(
        self,
        pointer: Pointer | None,
        regions: Float[np.ndarray, "region dim"],
        words: Float[np.ndarray, "word dim"],
    ) -> "Explanation":
        """The same, with where words point; as it is without a pointer or boxes.

        Only words that name something: pointers are taught by no others.

        Args:
            regions: vectors the explanation was made from.
            words: likewise, <start> and <end> included.
        """
        if pointer is None or not len(self.boxes):
            return self
        rows = pointer.scores(words, regions, self.boxes, self.size)
        told = (
            replace(word, pointing=row)
            if names_something(word.word) and not word.is_sentence_end
            else word
            for word, row in zip(self.words, rows, strict=True)
        )
        return replace(self, words=tuple(told))

    @property
    def sentence_words(self) -> tuple[WordExplanation, ...]:
        """The words a reader sees: all but <start> and <end>."""
        return tuple(word for word in self.words if not word.is_sentence_end)

    @property
    def unsupported(self) -> list[str]:
        """Words that no region supports, each once."""
        return list(dict.fromkeys(word.word for word in self.words if word.is_unsupported))

    @property
    def sentence_ends_share(self) -> float:
        """What <start> and <end> add to the similarity."""
        return sum(word.share for word in self.words if word.is_sentence_end)

    @property
    def importance(self) -> Float[np.ndarray, " word"]:
        """Share of each of the `sentence_words` relative to the largest; 0 for negative ones."""
        shares = np.array([word.share for word in self.sentence_words]).clip(0)
        importance: Float[np.ndarray, " word"] = shares / max(float(shares.max(initial=0)), EPS)
        return importance

    @property
    def strength(self) -> Float[np.ndarray, "word region"]:
        """How strongly each of the `sentence_words` lights up each region, 0 to 1.

        Attention relative to the word's strongest region, times the word's importance: the
        strongest region of the weightiest word has 1.
        """
        attention = np.stack([word.attention for word in self.sentence_words])
        relative = attention / attention.max(1, keepdims=True).clip(EPS)
        strength: Float[np.ndarray, "word region"] = self.importance[:, None] * relative
        return strength

    def to_tree(self) -> dict[str, Any]:
        """Plain values for JSON: similarity, words, and which of them no region supports.

        A region is [x1, y1, x2, y2, attention] in pixels of the original photo.
        """
        boxes = np.asarray(self.boxes, np.float64).round(2).tolist()
        return {
            "similarity": self.similarity,
            "words": [
                {
                    "word": word.word,
                    "relevance": word.relevance,
                    "share": word.share,
                    "support": word.support,
                    "regions": [
                        [*box, round(float(weight), 6)]
                        for box, weight in zip(boxes, word.attention, strict=False)
                    ],
                }
                for word in self.words
            ],
            "unsupported": self.unsupported,
        }


class _Parts(NamedTuple):
    similarity: Float[Tensor, ""]
    relevance: Float[Tensor, " word"]
    share: Float[Tensor, " word"]
    attention: Float[Tensor, "word region"]


def explain(
    regions: Float[np.ndarray, "region dim"],
    words: Float[np.ndarray, "word dim"],
    word_texts: Sequence[str],
    boxes: Float[np.ndarray, "box 4"],
    size: tuple[int, int],
    scoring: Scoring,
    *,
    word_curve: Calibration | None = None,
    discount: float = 0.0,
) -> Explanation:
    """Take the similarity of one photo and one sentence apart.

    Args:
        regions: region vectors of the photo, without padding.
        words: word vectors of the sentence, without padding, <start> and <end> included.
        word_texts: the words, as many as there are vectors.
        boxes: of the regions, x1, y1, x2, y2 in pixels of the original; no rows where unknown.
        size: width and height of the original photo in pixels.
        scoring: how the similarity is made.
        word_curve: from a word's largest cosine to its support; None where there is none.
        discount: taken off the similarity, every word alike (`regard.model.background`).

    Raises:
        ShapeError: there is no region or no word, or texts or boxes do not fit the vectors.
    """
    _check(regions, words, word_texts, boxes)
    region_rows = torch.from_numpy(np.asarray(regions, np.float64))
    word_rows = torch.from_numpy(np.asarray(words, np.float64))
    with torch.inference_mode():
        cosines = word_rows @ region_rows.T  # (W, R)
        parts = _take_apart(region_rows, word_rows, cosines, scoring)
    described = (
        WordExplanation(
            text,
            float(found),
            float(share) - discount / len(words),
            attention.numpy(),
            cosine.numpy(),
            word_support(text, float(cosine.max()), word_curve),
        )
        for text, found, share, attention, cosine in zip(
            word_texts, parts.relevance, parts.share, parts.attention, cosines, strict=True
        )
    )
    similarity = float(parts.similarity) - discount
    return Explanation(similarity, tuple(described), np.asarray(boxes), size)


def word_support(word: str, largest: float, curve: Calibration | None) -> float | None:
    """Probability that a photo shows what a word names; None where nothing can be said.

    Args:
        largest: of the word's cosines with the regions.
    """
    if curve is None or word in (START, END) or not names_something(word):
        return None
    return float(curve.probability(np.array(largest)))


def _check(
    regions: np.ndarray, words: np.ndarray, word_texts: Sequence[str], boxes: np.ndarray
) -> None:
    if not len(regions) or not len(words):
        raise ShapeError(
            f"there are {len(regions)} regions and {len(words)} words; there must be at least "
            "one of each. Look at the photo's regions and the sentence."
        )
    if len(word_texts) != len(words):
        raise ShapeError(
            f"there are {len(word_texts)} word texts for {len(words)} word vectors; each vector "
            "must have its word. Cut padding off and keep <start> and <end>."
        )
    if len(boxes) not in (0, len(regions)):
        raise ShapeError(
            f"there are {len(boxes)} boxes for {len(regions)} regions; each region must have its "
            "box. Give none at all where they are unknown."
        )


def _take_apart(
    regions: Float[Tensor, "region dim"],
    words: Float[Tensor, "word dim"],
    cosines: Float[Tensor, "word region"],
    scoring: Scoring,
) -> _Parts:
    if scoring.scorer == "pooled":
        return _pooled(regions, words, cosines)
    if scoring.direction == "t2i":
        found, attention = _attention(words, regions, cosines, scoring)
        total, share = _share(found, scoring)
        return _Parts(total, found, share, attention)
    found, attention = _attention(regions, words, cosines.T, scoring)  # (R,), (R, W)
    total, region_share = _share(found, scoring)
    handed_on = (region_share[:, None] * attention).T  # (W, R)
    looks = _supporting(handed_on, otherwise=attention.T)
    return _Parts(total, looks @ found, handed_on.sum(1), looks)


def _attention(
    query: Float[Tensor, "query dim"],
    context: Float[Tensor, "context dim"],
    cosines: Float[Tensor, "query context"],
    scoring: Scoring,
) -> tuple[Float[Tensor, " query"], Float[Tensor, "query context"]]:
    """Relevance of every query and its weights over the context; Sum-Max takes the best alone."""
    if scoring.scorer == "sum_max":
        best = cosines.max(1)
        return best.values, F.one_hot(best.indices, len(context)).to(cosines)
    real = torch.ones(len(query), dtype=torch.bool), torch.ones(len(context), dtype=torch.bool)
    weights = attend(cosines, *real, scoring)
    gram = context @ context.T
    return relevance(cosines, weights, gram, query.norm(dim=-1)), weights


def _share(
    relevances: Float[Tensor, " query"], scoring: Scoring
) -> tuple[Float[Tensor, ""], Float[Tensor, " query"]]:
    """The similarity and every query's share of it; the shares sum to it."""
    if scoring.scorer == "sum_max" or scoring.pooling == "sum":
        return relevances.sum(), relevances
    total = pool(relevances, torch.ones(len(relevances), dtype=torch.bool), scoring)
    if scoring.pooling == "lse":
        return total, torch.softmax(scoring.lambda_lse * relevances, 0) * total
    if scoring.pooling == "max":
        return total, F.one_hot(relevances.argmax(), len(relevances)) * total
    return total, relevances / len(relevances)


def _pooled(
    regions: Float[Tensor, "region dim"],
    words: Float[Tensor, "word dim"],
    cosines: Float[Tensor, "word region"],
) -> _Parts:
    """Cosine of the means: every (word, region) pair adds its inner product over the lengths."""
    region_length, word_length = regions.mean(0).norm() + EPS, words.mean(0).norm() + EPS
    contribution = cosines / (cosines.numel() * region_length * word_length)
    looks = _supporting(contribution, otherwise=torch.ones_like(contribution))
    share = contribution.sum(1)
    return _Parts(share.sum(), cosines.mean(1) / region_length, share, looks)


def _supporting(
    contribution: Float[Tensor, "word region"], otherwise: Float[Tensor, "word region"]
) -> Float[Tensor, "word region"]:
    """Contributions that speak for a word, as weights that sum to 1.

    A word nothing speaks for gets the weights of `otherwise`; all zeros there stay zeros.
    """
    favour = contribution.clamp_min(0)
    favour = torch.where(favour.sum(1, keepdim=True) > 0, favour, otherwise)
    total = favour.sum(1, keepdim=True)
    return favour / torch.where(total > 0, total, 1.0)

"""What a model says of its similarities: how they are lowered to rank, and what they are worth.

Two numbers for two jobs. To rank answers to one question, similarities are lowered by what photo
and sentence have with anything (`regard.model.background`). How well a sentence describes a photo
is told by the *agreement*, from which only so much of that is taken off as agrees best with people,
none of it perhaps. Probabilities of pairs are told by it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from regard.core.padding import pad
from regard.core.scoring import Scoring
from regard.core.shares import word_shares
from regard.explain.explanation import is_lacking
from regard.model.background import Answers, Background, photo_portions
from regard.model.encoded import EncodedCaption, EncodedCaptions
from regard.model.judgement import Curves, Judgement
from regard.shapes import Float, Int
from regard.store.shards import Regions
from regard.words.function_words import naming_words

_AT_ONCE = 64  # photos whose gist is scored together


class Judging(ABC):
    """The part of a model that needs its background and its curves alone."""

    info: dict[str, Any]
    background: Background | None
    word_shares = staticmethod(word_shares)

    def shown(self, regions: Float[np.ndarray, "region dim"]) -> Float[np.ndarray, "shown dim"]:
        """What words are held against to tell whether a photo shows what they name: its regions."""
        return regions

    @property
    @abstractmethod
    def scoring(self) -> Scoring:
        """How regions and words become a similarity."""

    @property
    def curves(self) -> Curves:
        """What the model's maker has fitted to tell what similarities are worth."""
        return Curves.of(self.info)

    def photo_discounts(self, sums: Float[np.ndarray, "image dim"]) -> Float[np.ndarray, " image"]:
        """What is taken off photos' similarities, given the sums of their region vectors."""
        if self.background is None:
            return np.zeros(len(sums), np.float32)
        return self.background.photo_discounts(sums)

    def sentence_discounts(
        self, sums: Float[np.ndarray, "cap dim"], counted: Int[np.ndarray, " cap"]
    ) -> Float[np.ndarray, " cap"]:
        """Likewise off sentences', given the sums of their word vectors and how many are not 0."""
        if self.background is None:
            return np.zeros(len(sums), np.float32)
        return self.background.sentence_discounts(sums, counted)

    def photo_portions(self, counted: Int[np.ndarray, " cap"]) -> Float[np.ndarray, " cap"]:
        """How much of photos' discounts is taken off for sentences of so many words that count."""
        return photo_portions(counted, self.scoring.direction)

    def discounts(
        self, photos: Sequence[Regions], sentences: Sequence[EncodedCaption]
    ) -> Float[np.ndarray, "photo sentence"]:
        """What is taken off the similarities of each photo with each sentence."""
        regions = [np.asarray(photo.vectors, np.float32).sum(0) for photo in photos]
        words = [sentence.vectors.sum(0) for sentence in sentences]
        counted = np.array([sentence.counted for sentence in sentences])
        return self.discounts_of_sums(np.stack(regions), np.stack(words), counted)

    def discounts_of_sums(
        self,
        regions: Float[np.ndarray, "image dim"],
        words: Float[np.ndarray, "cap dim"],
        counted: Int[np.ndarray, " cap"],
    ) -> Float[np.ndarray, "image cap"]:
        """The same, given the sums of their vectors and how many words of a sentence count."""
        of_photos = np.outer(self.photo_discounts(regions), self.photo_portions(counted))
        both: np.ndarray = of_photos + self.sentence_discounts(words, counted)
        return both

    def agreements(
        self,
        similarities: Sequence[float],
        photos: Sequence[Regions],
        sentences: Sequence[EncodedCaption],
    ) -> list[float]:
        """Agreements of pairs, from the similarities by which they are ranked.

        Args:
            photos, sentences: one of either, and as many of the other as there are similarities.
        """
        kept = 1 - self.curves.lowered
        if not kept or not len(similarities):
            return list(similarities)
        added: np.ndarray = kept * self.discounts(photos, sentences).ravel()
        return [float(one) for one in np.asarray(similarities) + added]

    def evidence(
        self,
        words: Float[np.ndarray, "word dim"],
        photos: Sequence[Float[np.ndarray, "region dim"]],
    ) -> Float[np.ndarray, "photo word 3"]:
        """What tells whether photos show what words name (`regard.model.judgement.WordCurve`).

        Args:
            words: their directions.
            photos: region vectors of each.
        """
        evidence = np.zeros((len(photos), len(words), 3), np.float32)
        for row, regions in zip(evidence, photos, strict=True):
            row[:, 0] = (words @ np.asarray(self.shown(regions), np.float32).T).max(1)
        if self.background is not None:
            evidence[..., 1:] = self.background.spreads(words, "photos")
        return evidence

    def supports(
        self, photos: Sequence[Regions], caption: EncodedCaption
    ) -> list[list[float | None]]:
        """Probabilities that each photo shows what words name; None where nothing can be said."""
        curve = self.curves.word
        if curve is None:
            return [[None] * len(caption.words) for _ in photos]
        evidence = self.evidence(caption.directions, [photo.vectors for photo in photos])
        naming = naming_words(caption.words)
        return [
            [one if names else None for names, one in zip(naming, row, strict=True)]
            for row in curve.probability(evidence).tolist()
        ]

    def unsupported(self, photo: Regions, captions: EncodedCaptions) -> list[list[str]]:
        """Words of each sentence that no region of a photo supports, each once."""
        unsupported = []
        for caption in map(captions.caption, range(len(captions.words))):
            supports = zip(caption.words, self.supports([photo], caption)[0], strict=True)
            lacking = (word for word, support in supports if is_lacking(support))
            unsupported.append(list(dict.fromkeys(lacking)))
        return unsupported

    def judge(
        self,
        similarities: Sequence[float],
        photos: Sequence[Regions],
        sentences: Sequence[EncodedCaption],
        answers: Answers,
        among: int,
        gist: EncodedCaption | None = None,
    ) -> list[Judgement]:
        """What similarities with one photo or one sentence are worth.

        Args:
            similarities: by which the answers are ranked.
            photos, sentences: as for `agreements`; the one that is single asks.
            answers: what was looked at.
            among: how many answers were looked at.
            gist: of a sentence that asks (`regard.words.gist`); None where it is the sentence.
        """
        agreements, told = self.agreements(similarities, photos, sentences), similarities
        if answers == "photos":
            sentence = gist or sentences[0]
            asked, counted = sentence.vectors, sentence.counted
            told = self._similarities(photos, gist) if gist else similarities
        else:
            asked, counted = np.asarray(photos[0].vectors, np.float32), 0
        spread = None if self.background is None else self.background.spread(asked, answers)
        return self.curves.judge(agreements, told, answers, spread, among, counted)

    def _similarities(self, photos: Sequence[Regions], gist: EncodedCaption) -> list[float]:
        """By which photos would be ranked for a gist; for as few as a list of answers has."""
        found: list[float] = []
        for start in range(0, len(photos), _AT_ONCE):
            some = photos[start : start + _AT_ONCE]
            regions, counts = pad([photo.vectors for photo in some])
            real = np.arange(regions.shape[1]) < counts[:, None]
            words = gist.vectors[None]
            every = np.ones(words.shape[:2], bool)
            shares = self.word_shares(regions, words, real, every, self.scoring).sum(1)
            found += (shares - self.discounts(some, [gist])[:, 0]).tolist()
        return found

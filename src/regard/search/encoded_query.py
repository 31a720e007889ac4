"""A query as vectors, with the model that reads it: what is scored, judged and explained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from regard.core.scoring import Scoring
from regard.explain.explanation import Explanation, Label, is_lacking, readings, with_texts
from regard.model.encoded import EncodedCaption
from regard.model.judgement import Judgement
from regard.model.model import Model
from regard.search.part import Embedded, part_of
from regard.search.query import Query
from regard.shapes import Float
from regard.store.region_store import Regions
from regard.words.gist import gist_of, is_put_otherwise


class WeightedCaption(NamedTuple):
    """One sentence of a query."""

    weight: float
    caption: EncodedCaption


class Glance(NamedTuple):
    """What a photo shows of a query's words, each once, in their order."""

    unsupported: list[str]
    """Words of sentences that count for it, and that it does not show."""
    read: list[str]
    """Words that were read in it."""


@dataclass(frozen=True)
class EncodedQuery:
    """The parts of a query.

    A similarity with it is the sum of theirs by weight, over the sizes of all weights.
    """

    model: Model
    sentences: tuple[WeightedCaption, ...]
    photos: tuple[Float[np.ndarray, "region dim"], ...] = ()
    """Region vectors of photos to look like, each of weight 1."""
    gist: EncodedCaption | None = None
    """Of the one sentence, by which it is judged whether anything fits; None where it is this."""

    @classmethod
    def of(cls, model: Model, query: Query) -> "EncodedQuery":
        """Embed a query's sentences and photos.

        Raises:
            DataError: a sentence has no word, or a photo is no photo.
            PhotoError: a photo cannot be read.
        """
        sentences: list[WeightedCaption] = []
        photos: list[np.ndarray] = []
        gist = None
        if query.sentences:
            texts = [part.text for part in query.sentences]
            if len(texts) == 1 and model.curves.photos and is_put_otherwise(texts[0]):
                texts.append(gist_of(texts[0]))
            captions = model.encode_captions(texts)
            for row, part in enumerate(query.sentences):
                sentences.append(WeightedCaption(part.weight, captions.caption(row)))
            gist = captions.caption(1) if len(texts) > len(sentences) else None
        for like in query.like:
            if isinstance(like, Embedded):
                photos.append(like.vectors)
            else:
                photos.append(part_of(model.encode_images([like]).photo(0)).vectors)
        return cls(model, tuple(sentences), tuple(photos), gist)

    @property
    def parts(self) -> list[tuple[float, Float[np.ndarray, "_ dim"]]]:
        """Weights and vectors of all parts."""
        sentences = [(part.weight, part.caption.vectors) for part in self.sentences]
        return [*sentences, *((1.0, vectors) for vectors in self.photos)]

    @property
    def is_one_sentence(self) -> bool:
        """Whether it is a sentence to be like: only of these are similarities calibrated."""
        return not self.photos and len(self.sentences) == 1 and self.sentences[0].weight > 0

    @property
    def photo_portions(self) -> list[float]:
        """How much of a photo's discount is taken off the similarities of each sentence."""
        counted = np.array([part.caption.counted for part in self.sentences], int)
        portions: list[float] = self.model.photo_portions(counted).tolist()
        return portions

    @property
    def lowered(self) -> float:
        """How much of a photo's discount is taken off the similarity."""
        pairs = zip(self.sentences, self.photo_portions, strict=True)
        return sum(part.weight * portion for part, portion in pairs) / self._sizes

    @property
    def discount(self) -> float:
        """What is taken off every similarity because of the sentences (`Model.similarity`)."""
        pairs = zip(self.sentences, self.discounts, strict=True)
        return sum(part.weight * discount for part, discount in pairs) / self._sizes

    @property
    def discounts(self) -> list[float]:
        """What is taken off the similarities of each sentence."""
        if not self.sentences:
            return []
        sums = np.stack([part.caption.vectors.sum(0) for part in self.sentences])
        counted = np.array([part.caption.counted for part in self.sentences])
        discounts: list[float] = self.model.sentence_discounts(sums, counted).tolist()
        return discounts

    @property
    def _sizes(self) -> float:
        return sum(abs(part.weight) for part in self.sentences) + len(self.photos)

    def judge(
        self, similarities: Sequence[float], photos: Sequence[Regions], among: int
    ) -> list[Judgement]:
        """What similarities of photos are worth; nothing is said but of one sentence.

        Args:
            photos: embedded, one for each similarity.
            among: how many photos were looked at.
        """
        if not self.is_one_sentence or not len(similarities):
            return [Judgement()] * len(similarities)
        asked = [self.sentences[0].caption]
        return self.model.judge(similarities, photos, asked, "photos", among, self.gist)

    def glance(self, photos: Sequence[Regions]) -> list[Glance]:
        """What explanations of photos say in words, without their maps and in far less time."""
        glances = [Glance([], []) for _ in photos]
        for weight, caption in self.sentences:
            supports = self.model.supports(photos, caption)
            for photo, row, glance in zip(photos, supports, glances, strict=True):
                columns = zip(caption.words, row, readings(caption.words, photo.texts), strict=True)
                for word, support, read in columns:
                    if weight > 0 and is_lacking(support, read) and word not in glance.unsupported:
                        glance.unsupported.append(word)
                    if read and word not in glance.read:
                        glance.read.append(word)
        return glances

    def explain(self, photo: Regions, number: int, scoring: Scoring | None = None) -> Explanation:
        """What every word of one sentence sees in a photo.

        Args:
            photo: embedded.
            number: of the sentence, from 0.
            scoring: how the similarity is made; None takes the model's own.
        """
        explanation = self.model.explain(photo, self.sentences[number].caption, scoring)
        return with_texts(explanation, photo.texts)

    def explain_whole(self, photo: Regions, scoring: Scoring | None = None) -> Explanation:
        """What every word of all sentences sees in a photo, as for `explain`.

        A word's share counts by its sentence's weight, so that the shares still sum to the
        similarity. Words of sentences that are to be unlike the photo have no support.
        """
        similarity, words = 0.0, []
        looks: tuple[Label, ...] = ()
        for number, part in enumerate(self.sentences):
            explanation = self.explain(photo, number, scoring)
            factor = part.weight / self._sizes
            similarity += factor * explanation.similarity
            looks = explanation.looks
            for word in explanation.words:
                support = word.support if part.weight > 0 else None
                words.append(replace(word, share=factor * word.share, support=support))
        return Explanation(similarity, tuple(words), np.asarray(photo.boxes), photo.size, looks)

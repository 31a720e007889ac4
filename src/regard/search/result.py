"""What a search gives back: photos with their similarity, and why.

Knows results only; finding them is the index's matter.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from regard.core.scoring import Scoring
from regard.errors import DataError
from regard.explain.numbers import Explanation, explain
from regard.model.background import Background
from regard.model.judgement import Calibration, Verdict, verdict
from regard.model.pointer import Pointer
from regard.search.catalog import PhotoRecord
from regard.store.region_store import Regions


class AskedSentence(NamedTuple):
    """One embedded sentence of a query."""

    weight: float
    words: tuple[str, ...]
    """<start> and <end> included."""
    vectors: Float[np.ndarray, "word dim"]


class Asked(NamedTuple):
    """The sentences of a query, and how they are scored."""

    sentences: tuple[AskedSentence, ...]
    scoring: Scoring
    curve: Calibration | None = None
    """From similarity to probability; None where there is none for this query."""
    word_curve: Calibration | None = None
    """From a word's largest cosine to its support; None where there is none."""
    background: Background | None = None
    """What photos and sentences are compared with; None lowers no similarity."""
    pointer: Pointer | None = None
    """Says where words point; None where the model has none."""

    @property
    def discount(self) -> float:
        """What the sentences are taken off for, weighted and summed (`regard.model.background`)."""
        if self.background is None or not self.sentences:
            return 0.0
        means = np.stack([part.vectors.mean(0) for part in self.sentences])
        weights = np.array([part.weight for part in self.sentences])
        words = np.array([len(part.vectors) for part in self.sentences])
        return float(weights @ self.background.sentence_discounts(means, words))

    def probability(self, similarity: float) -> float | None:
        """Probability that a photo of this similarity fits; None where there is no curve."""
        if self.curve is None:
            return None
        return float(self.curve.probability(np.array(similarity)))


@dataclass(frozen=True)
class Hit:
    """A photo that was found."""

    photo: PhotoRecord
    similarity: float
    """Higher is better; of a query with several parts the weighted mean of theirs."""
    probability: float | None = None
    """That the photo really fits, one in two fitting before looking; of queries of one sentence
    where the model is calibrated."""
    regions: Regions | None = field(default=None, repr=False, compare=False)
    asked: Asked | None = field(default=None, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict | None:
        """Whether the photo more likely fits than not; None where there is no probability."""
        return verdict(self.probability)

    def explain(self, sentence: int = 0) -> Explanation:
        """What every word of a sentence saw in this photo.

        Args:
            sentence: which one of the query, from 0.

        Raises:
            DataError: the query has no such sentence (a photo as query has none).
        """
        if self.asked is None or self.regions is None or sentence >= len(self.asked.sentences):
            count = 0 if self.asked is None else len(self.asked.sentences)
            raise DataError(
                f"sentence is {sentence}; it must be one of the query's {count}, from 0. "
                "Only sentences can be explained."
            )
        part, background = self.asked.sentences[sentence], self.asked.background
        regions = self.regions
        vectors = np.asarray(regions.vectors, np.float32)
        return explain(
            vectors,
            part.vectors,
            part.words,
            np.asarray(regions.boxes),
            (self.photo.width, self.photo.height),
            self.asked.scoring,
            word_curve=self.asked.word_curve,
            discount=background.discount(vectors, part.vectors) if background else 0.0,
        ).pointed(self.asked.pointer, vectors, part.vectors)

    @property
    def unsupported(self) -> list[str]:
        """Words of sentences that count for a photo and that no region of it supports."""
        asked = self.asked.sentences if self.asked is not None else ()
        found = (self.explain(n).unsupported for n, part in enumerate(asked) if part.weight > 0)
        return list(dict.fromkeys(word for words in found for word in words))

    def words(self) -> list[dict[str, Any]]:
        """Words of all sentences for JSON, as in explanations, with `sentence` and `weight`.

        Regions are [x1, y1, x2, y2, attention] in pixels of the original photo. The shares of a
        sentence add up to its similarity; `sentence` counts from 0.
        """
        asked = self.asked.sentences if self.asked is not None else ()
        return [
            {**word, "sentence": number, "weight": part.weight}
            for number, part in enumerate(asked)
            for word in self.explain(number).to_tree()["words"]
        ]


@dataclass(frozen=True)
class SearchResult:
    """Photos for a query, best first unless sorted otherwise."""

    hits: list[Hit]
    verdict: Verdict | None
    """Whether a photo that fits is more likely among them than not; None without calibration."""
    unknown_words: dict[str, list[str]]
    """Words the model never learned, each with the nearest ones it knows."""
    total: int
    """Photos that were looked at: all that pass the filters."""
    match_probability: float | None = None
    """Probability that a photo that fits is among them, one query in two having one; None without
    a calibration that compares with a background."""

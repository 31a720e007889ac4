"""What a search gives back: photos with their similarity, and why.

Knows results only; finding them is the index's matter.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from regard.errors import DataError
from regard.explain.explanation import Explanation, Label
from regard.model.judgement import Judgement, Verdict, verdict
from regard.search.catalog import PhotoRecord
from regard.search.encoded_query import EncodedQuery
from regard.search.stacks import stacked
from regard.store.region_store import Regions


@dataclass(frozen=True)
class Hit:
    """A photo that was found."""

    photo: PhotoRecord
    """Where it is, how large, when taken."""
    similarity: float
    """Higher is better; of a query with several parts the weighted mean of theirs."""
    query: EncodedQuery = field(repr=False, compare=False)
    """What was asked, embedded."""
    regions: Regions = field(repr=False, compare=False)
    """Its embedded regions, as the index keeps them."""
    judgement: Judgement
    """What the similarity is worth; of queries of one sentence where the model is calibrated."""
    is_read: bool = False
    """Whether all words asked for were read in it, so that it comes before others."""

    @property
    def probability(self) -> float | None:
        """That the photo really fits, one in two fitting before looking."""
        return self.judgement.probability

    @property
    def verdict(self) -> Verdict | None:
        """Whether the photo more likely fits than not; None where there is no probability."""
        return verdict(self.probability)

    def explain(self, sentence: int = 0) -> Explanation:
        """What every word of a sentence saw in this photo; worked out once and kept.

        Args:
            sentence: which one of the query, from 0.

        Raises:
            DataError: the query has no such sentence (a photo as query has none).
        """
        count = len(self.query.sentences)
        if not 0 <= sentence < count:
            raise DataError(
                f"sentence is {sentence}; it must be one of the query's {count}, from 0. "
                "Only sentences can be explained."
            )
        return self._explanations[sentence]

    @cached_property
    def _explanations(self) -> list[Explanation]:
        numbers = range(len(self.query.sentences))
        return [self.query.explain(self.regions, number) for number in numbers]

    @property
    def wanted(self) -> list[Explanation]:
        """Explanations of the sentences that the photo is to be like."""
        pairs = zip(self.query.sentences, self._explanations, strict=True)
        return [explanation for part, explanation in pairs if part.weight > 0]

    @property
    def unsupported(self) -> list[str]:
        """Words of sentences that count for a photo and that no region of it supports."""
        words = (word for explanation in self.wanted for word in explanation.unsupported)
        return list(dict.fromkeys(words))

    @property
    def words_read(self) -> list[str]:
        """Words of sentences that count for a photo and that were read in it."""
        words = (word for explanation in self.wanted for word in explanation.words_read)
        return list(dict.fromkeys(words))

    @property
    def words_by_label(self) -> dict[str, list[str]]:
        """Words found by what a region looks like (`Explanation.words_by_label`)."""
        words: dict[str, list[str]] = {}
        for explanation in self.wanted:
            for label, found in explanation.words_by_label.items():
                words[label] = list(dict.fromkeys([*words.get(label, []), *found]))
        return words

    @property
    def looks(self) -> tuple[Label, ...]:
        """What each region looks like most; none where no sentence is asked, or nobody kept it."""
        return self._explanations[0].looks if self._explanations else ()

    @property
    def lacks_labels(self) -> bool:
        """Whether its index, of an older version, does not hold the labels of its model."""
        return self.query.model.labels is not None and self.regions.labels is None

    def words(self) -> list[dict[str, Any]]:
        """Words of all sentences for JSON, as in explanations, with `sentence` and `weight`.

        Regions are [x1, y1, x2, y2, attention] in pixels of the original photo. The shares of a
        sentence add up to its similarity; `sentence` counts from 0.
        """
        pairs = zip(self.query.sentences, self._explanations, strict=True)
        return [
            {**word, "sentence": number, "weight": part.weight}
            for number, (part, explanation) in enumerate(pairs)
            for word in explanation.to_tree()["words"]
        ]


@dataclass(frozen=True)
class SearchResult:
    """Photos for a query, best first unless sorted otherwise."""

    hits: list[Hit]
    """Photos that were found, as many as were asked for."""
    verdict: Verdict | None
    """Whether a photo that fits is more likely among them than not; None without calibration."""
    unknown_words: dict[str, list[str]]
    """Words the model never learned, each with the nearest ones it knows."""
    total: int
    """Photos that were looked at: all that pass the filters."""
    match_probability: float | None = None
    """Probability that a photo that fits is among them, one query in two having one; None without
    a calibration that compares with a background."""

    def stacks(self) -> list[list[Hit]]:
        """Hits in their order, each followed by those of it that are nearly the same photo."""
        lead = self.alike()
        stacks: dict[str, list[Hit]] = {}
        for hit in self.hits:
            stacks.setdefault(lead.get(hit.photo.id, hit.photo.id), []).append(hit)
        return list(stacks.values())

    def alike(self) -> dict[str, str]:
        """Of hits that are nearly an earlier one, by id, that one's id."""
        if not self.hits:
            return {}
        sums = np.stack([np.sum(hit.regions.vectors, 0, dtype=np.float32) for hit in self.hits])
        units = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-12)
        model = self.hits[0].query.model
        measured = model.background is not None and not model.ranks_wholes
        return stacked([hit.photo for hit in self.hits], units, measured=measured)

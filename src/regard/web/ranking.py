"""Photos for a sentence, page by page, also with some of its words switched off or weighted.

A word's weight multiplies its share of every photo's similarity; the sum is scaled so that equal
weights change nothing:

    similarity(weights) = n / sum(weights) * sum_j weight_j * share_j

over the n words of a sentence, <start> and <end> included. Attention is that of the whole
sentence. For mean pooling in t2i this is the weighted mean of the relevances, less the
discounts of `regard.model.background`. Shares of all photos are kept for the last few sentences, so
that a change of weights ranks at once.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regard.search import Filters, Index
from regard.search.index import Sort
from regard.search.result import Asked, AskedSentence, Hit, SearchResult
from regard.search.snapshot import Snapshot
from regard.web import models, wording
from regard.web.problems import ProblemError
from regard.web.recent import Recent
from regard.web.shares import word_shares

_FIRST_DEPTH = 120  # photos ranked at first; paging beyond doubles it
_BY_DATE = 1000
_KEPT_RANKINGS = 64
_KEPT_SHARES = 4


class Ask(NamedTuple):
    """A search, hashable."""

    text: str
    filters: Filters
    sort: Sort
    weights: tuple[float, ...] | None


class Ranking(NamedTuple):
    """An answer with the words of its query."""

    result: SearchResult
    sentences: tuple[AskedSentence, ...]
    words: list[models.Word]


class _Shares(NamedTuple):
    ids: list[str]
    values: Float[np.ndarray, "photo word"]


class Ranker:
    """Answers searches over an index, keeping the latest answers for further pages."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._rankings: Recent[Ranking] = Recent(_KEPT_RANKINGS)
        self._shares: Recent[_Shares] = Recent(_KEPT_SHARES)
        self._discounts: dict[str, float] = {}  # of photos, by id: a content keeps its own

    def rank(self, ask: Ask, depth: int) -> Ranking:
        """At least the first `depth` photos of a search, all there are if fewer.

        Raises:
            ProblemError: 422, weights that do not fit the words.
            DataError: the query asks for nothing.
        """
        k = _BY_DATE if ask.sort == "date" else _FIRST_DEPTH  # or each page had another order
        while k < depth:
            k *= 2
        with self._index.snapshot() as snapshot:
            work = partial(self._rank, snapshot, ask, k)
            return self._rankings.of(snapshot.generation, (ask, k), work)

    def _rank(self, snapshot: Snapshot, ask: Ask, k: int) -> Ranking:
        query = wording.parse(ask.text)
        if ask.weights is None:
            result = self._index.search(query, k, filters=ask.filters, sort=ask.sort)
            asked = result.hits[0].asked if result.hits else None
            sentences = asked.sentences if asked else wording.embed(self._index.model, query)
        else:
            sentences = wording.embed(self._index.model, query)
            result = self._weighted(snapshot, ask, sentences, k)
        words = wording.tell_words(self._index.model, sentences)
        return Ranking(result, sentences, words)

    def _weighted(
        self, snapshot: Snapshot, ask: Ask, sentences: tuple[AskedSentence, ...], k: int
    ) -> SearchResult:
        """Photos by the weighted sum of their words' shares."""
        assert ask.weights is not None
        scales = weight_scales(sentences, ask.weights)
        work = partial(self._all_shares, snapshot, ask.filters, sentences)
        shares = self._shares.of(snapshot.generation, (ask.text, ask.filters), work)
        similarities = shares.values @ scales
        best = np.argsort(-similarities, kind="stable")[:k]
        model = self._index.model
        judgement = model.judgement
        asked = Asked(
            sentences,
            model.scoring,
            word_curve=judgement.word,
            background=judgement.background,
            pointer=judgement.pointer,
        )
        hits = [
            Hit(
                snapshot.photo(shares.ids[row], ask.filters),
                float(similarities[row]),
                regions=snapshot.regions(shares.ids[row]),
                asked=asked,
            )
            for row in best
        ]
        if ask.sort == "date":
            hits.sort(key=lambda hit: hit.photo.taken or datetime.min, reverse=True)
        return SearchResult(hits, None, {}, len(shares.ids))

    def _all_shares(
        self, snapshot: Snapshot, filters: Filters, sentences: tuple[AskedSentence, ...]
    ) -> _Shares:
        """Shares of all words in all photos that pass."""
        scoring = self._index.model.scoring
        ids: list[str] = []
        tiles = [np.zeros((0, sum(len(part.words) for part in sentences)), np.float32)]
        of_sentences = [self._sentence_discount(part) for part in sentences]
        for tile_ids, vectors, counts in snapshot.tiles(filters):
            ids += tile_ids
            lowered = self._photo_discounts(tile_ids, vectors)
            parts = [
                word_shares(vectors, counts, part.vectors, scoring)
                - (lowered + discount)[:, None] / len(part.words)
                for part, discount in zip(sentences, of_sentences, strict=True)
            ]
            tiles.append(np.concatenate(parts, axis=1))
        return _Shares(ids, np.concatenate(tiles))

    def _photo_discounts(
        self, ids: list[str], vectors: Float[np.ndarray, "photo region dim"]
    ) -> Float[np.ndarray, " photo"]:
        """What the similarities of photos are lowered by; remembered."""
        background = self._index.model.background
        if background is None:
            return np.zeros(len(ids), np.float32)
        if any(photo_id not in self._discounts for photo_id in ids):
            found = background.photo_discounts(vectors.sum(1, dtype=np.float32))
            self._discounts.update(zip(ids, found.tolist(), strict=True))
        return np.array([self._discounts[photo_id] for photo_id in ids], np.float32)

    def _sentence_discount(self, part: AskedSentence) -> float:
        background = self._index.model.background
        if background is None:
            return 0.0
        words = np.array([len(part.vectors)])
        return float(background.sentence_discounts(part.vectors.mean(0, keepdims=True), words)[0])


def weight_scales(
    sentences: tuple[AskedSentence, ...], weights: Sequence[float]
) -> Float[np.ndarray, " word"]:
    """What each word's share is multiplied by: its weight, its sentence's, and the scaling.

    Raises:
        ProblemError: 422, not one weight a word, or a sentence of which nothing counts.
    """
    count = sum(len(part.words) for part in sentences)
    if len(weights) != count:
        raise ProblemError(
            422,
            f"there are {len(weights)} weights",
            f"this sentence must have {count}, one a word with its start and end",
            "Reset them; an answer without weights lists the words.",
        )
    total = sum(abs(part.weight) for part in sentences)
    scales, start = [], 0
    for part in sentences:
        chosen = np.array(weights[start : start + len(part.words)], np.float64)
        start += len(part.words)
        if chosen.sum() <= 0:
            chosen[:] = 0.0  # the whole sentence is switched off
        else:
            chosen *= part.weight / total * len(chosen) / chosen.sum()
        scales.append(chosen)
    joined = np.concatenate(scales)
    if not joined.any():
        raise ProblemError(
            422, "every weight is 0", "at least one word must count", "Switch a word on."
        )
    return joined.astype(np.float32)

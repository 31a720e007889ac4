"""Photos for a sentence, page by page, also with some of its words switched off or weighted.

A word's weight multiplies its share of every photo's similarity; the sum is scaled so that equal
weights change nothing:

    similarity(weights) = n / sum(weights) * sum_j weight_j * share_j

over the n words of a sentence, <start> and <end> included. Attention is that of the whole
sentence. For mean pooling in t2i this is the weighted mean of the relevances, less the
discounts of `regard.model.background`. Shares of all photos are kept for the last few sentences, so
that a change of weights ranks at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np

from regard.explain.explanation import Explanation
from regard.kernels.prepared import as_floats
from regard.kernels.workers import run_tasks, thread_count
from regard.model.judgement import Judgement
from regard.search import Filters, Index
from regard.search.catalog import ID_DIGITS
from regard.search.encoded_query import EncodedQuery
from regard.search.index import Sort
from regard.search.part import Box, Embedded
from regard.search.query import Query
from regard.search.result import Hit, SearchResult
from regard.search.snapshot import Snapshot
from regard.shapes import Float
from regard.web import models, wording
from regard.web.problems import ProblemError
from regard.web.recent import Recent

MOST_WEIGHT = 5.0  # of a word
_FIRST_DEPTH = 40  # photos ranked at first, as the page asks; paging beyond makes it four times
_BY_DATE = 1000
_KEPT_RANKINGS = 64
_KEPT_SHARES = 4
_AT_ONCE = 64  # photos whose shares one thread works out at a time


@dataclass(frozen=True)
class Like:
    """A photo to look like, or a part of it."""

    id: str
    box: Box | None
    part: Embedded = field(compare=False)  # which the others stand for


class Ask(NamedTuple):
    """A search, hashable."""

    text: str
    filters: Filters
    sort: Sort
    weights: tuple[float, ...] | None
    like: Like | None = None

    def query(self) -> Query:
        """What is asked for.

        Raises:
            ProblemError: 422, a part has no word, or there are too many.
            DataError: it asks for nothing.
        """
        if self.like is None:
            return wording.parse(self.text)
        sentences = wording.parse(self.text).sentences if self.text.strip() else ()
        return Query(sentences, (self.like.part,))


class Ranking(NamedTuple):
    """An answer with the words of its query."""

    result: SearchResult
    query: EncodedQuery
    words: list[models.Word]
    alike: dict[str, str]
    """Photos that are nearly an earlier one, by id, with that one's."""


class _Shares(NamedTuple):
    keys: list[str]
    values: Float[np.ndarray, "photo word"]


class Ranker:
    """Answers searches over an index, keeping the latest answers for further pages."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._rankings: Recent[Ranking] = Recent(_KEPT_RANKINGS)
        self._shares: Recent[_Shares] = Recent(_KEPT_SHARES)
        self._discounts: Recent[dict[str, float]] = Recent(1)  # of photos, by key
        self._queries: Recent[EncodedQuery] = Recent(_KEPT_RANKINGS)

    def rank(self, ask: Ask, depth: int) -> Ranking:
        """At least the first `depth` photos of a search, all there are if fewer.

        Raises:
            ProblemError: 422, weights that do not fit the words.
            DataError: the query asks for nothing.
        """
        k = _BY_DATE if ask.sort == "date" else _FIRST_DEPTH  # or each page had another order
        while k < depth:
            k *= 4
        with self._index.snapshot() as snapshot:
            work = partial(self._rank, snapshot, ask, k)
            return self._rankings.of(snapshot.generation, (ask, k), work)

    def explain(self, ask: Ask, photo_ids: Iterable[str]) -> dict[str, Explanation]:
        """By id, what the words of a search see in some photos; those that are gone are left out.

        Raises:
            ProblemError, DataError: as for `rank`.
        """
        with self._index.snapshot() as snapshot:
            query = self._encoded(snapshot, ask)
            if not query.sentences:
                return {}
            keys = snapshot.keys_of(photo_ids)
            pairs = zip(keys, snapshot.seen(keys), strict=True)
            return {key[:ID_DIGITS]: query.explain_whole(photo) for key, photo in pairs}

    def _rank(self, snapshot: Snapshot, ask: Ask, k: int) -> Ranking:
        query = ask.query()
        if ask.weights is None or not query.sentences:
            result = self._index.search(query, k, filters=ask.filters, sort=ask.sort)
            encoded = self._encoded(snapshot, ask, result.hits)
        else:
            encoded = self._encoded(snapshot, ask)
            result = self._weighted(snapshot, ask, encoded, k)
        return Ranking(result, encoded, wording.words_of(encoded), result.alike())

    def _encoded(self, snapshot: Snapshot, ask: Ask, hits: Sequence[Hit] = ()) -> EncodedQuery:
        """What is asked for as vectors; embedded unless it is kept, or hits have it."""

        def work() -> EncodedQuery:
            return hits[0].query if hits else EncodedQuery.of(self._index.model, ask.query())

        return self._queries.of(snapshot.generation, (ask.text, ask.like), work)

    def _weighted(self, snapshot: Snapshot, ask: Ask, query: EncodedQuery, k: int) -> SearchResult:
        """Photos by the weighted sum of their words' shares."""
        assert ask.weights is not None
        scales = weight_scales(query, ask.weights)
        work = partial(self._all_shares, snapshot, ask.filters, query)
        shares = self._shares.of(snapshot.generation, (ask.text, ask.filters), work)
        similarities = shares.values @ scales
        if query.photos:
            total = sum(abs(part.weight) for part in query.sentences)
            alike = dict(snapshot.scorer.best(shares.keys, query.parts[-1:], len(shares.keys)))
            photos = np.array([alike[key] for key in shares.keys], np.float32)
            similarities = (total * similarities + photos) / (total + 1)
        best = np.argsort(-similarities, kind="stable")[:k]
        seen = snapshot.seen([shares.keys[row] for row in best])
        hits = [
            Hit(
                snapshot.catalog.photo(shares.keys[row], ask.filters),
                float(similarities[row]),
                query,
                photo,
                Judgement(),
            )
            for row, photo in zip(best, seen, strict=True)
        ]
        if ask.sort == "date":
            hits.sort(key=lambda hit: hit.photo.taken or datetime.min, reverse=True)
        return SearchResult(hits, None, {}, len(shares.keys))

    def _all_shares(self, snapshot: Snapshot, filters: Filters, query: EncodedQuery) -> _Shares:
        """Shares of all words in all photos that pass, less what is taken off similarities."""
        keys, scoring = snapshot.passing(filters), query.model.scoring
        sentences = [part.caption.vectors[None] for part in query.sentences]
        portions = [part.caption.portions for part in query.sentences]
        of_sentences = np.array(query.discounts)
        known: dict[str, float] = self._discounts.of(snapshot.generation, "", dict)
        shares = np.zeros((len(keys), sum(map(len, portions))), np.float32)

        def work(start: int) -> None:
            tile = keys[start : start + _AT_ONCE]
            vectors, counts = snapshot.store.gather(tile)
            regions = as_floats(vectors)
            real = np.arange(regions.shape[1]) < counts[:, None]
            whole = [
                query.model.word_shares(
                    regions, words, real, np.ones(words.shape[:2], bool), scoring
                )
                for words in sentences
            ]
            of_photos = self._photo_discounts(known, tile, regions)
            discounts = np.outer(of_photos, query.photo_portions) + of_sentences  # (I, C)
            of_words = np.concatenate(
                [np.outer(*pair) for pair in zip(discounts.T, portions, strict=True)], axis=1
            )
            shares[start : start + len(tile)] = np.concatenate(whole, axis=1) - of_words

        run_tasks(range(0, len(keys), _AT_ONCE), work, thread_count(None))
        return _Shares(keys, shares)

    def _photo_discounts(
        self,
        known: dict[str, float],
        keys: list[str],
        regions: Float[np.ndarray, "photo region dim"],
    ) -> Float[np.ndarray, " photo"]:
        """What is taken off the similarities of photos; remembered among those known."""
        if any(key not in known for key in keys):
            discounts = self._index.model.photo_discounts(regions.sum(1))
            known.update(zip(keys, discounts.tolist(), strict=True))
        return np.array([known[key] for key in keys], np.float32)


def weight_scales(query: EncodedQuery, weights: Sequence[float]) -> Float[np.ndarray, " word"]:
    """What each word's share is multiplied by: its weight, its sentence's, and the scaling.

    Raises:
        ProblemError: 422, not one weight for each word, or a sentence of which nothing counts.
    """
    counts = [len(part.caption.words) for part in query.sentences]
    count = sum(counts)
    if len(weights) != count:
        raise ProblemError(
            422,
            f"there are {len(weights)} weights",
            f"this sentence needs {count}, one for each word and for its start and end",
            "Reset them; an answer without weights lists the words.",
        )
    total = sum(abs(part.weight) for part in query.sentences)
    scales, start = [], 0
    for part, length in zip(query.sentences, counts, strict=True):
        chosen = np.array(weights[start : start + length], np.float64)
        start += length
        counting = float(part.caption.portions @ chosen)
        if counting <= 0:
            chosen[:] = 0.0  # the whole sentence is switched off
        else:
            chosen *= part.weight / total / counting
        scales.append(chosen)
    joined = np.concatenate(scales)
    if not joined.any():
        raise ProblemError(
            422, "every weight is 0", "at least one word must count", "Switch a word on."
        )
    return joined.astype(np.float32)

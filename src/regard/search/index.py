"""The index as searches see it: photos for a sentence, exactly scored.

Reading only; `update` makes and changes indexes. An open index keeps the state it was opened
in, whatever a writer does, until it is refreshed.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from regard.errors import ConfigError, StoreError
from regard.model.judgement import verdict
from regard.model.model import Model, load
from regard.search.catalog import (
    ID_DIGITS,
    NO_FILTERS,
    Catalog,
    Filters,
    PhotoRecord,
    require_index,
)
from regard.search.query import Query
from regard.search.result import Asked, AskedSentence, Hit, SearchResult
from regard.search.scoring import TILE, PhotoScorer, Scorer
from regard.search.shortlist import mean_query
from regard.store.region_store import Regions, RegionStore
from regard.words.tokens import tokenize

Sort = Literal["relevance", "date"]
Parts = list[tuple[float, Float[np.ndarray, "_ dim"]]]
"""Weights and vectors of the parts of a query."""

_MOST_RELEVANT = 1000
_FILTERS = 3  # whose photos are kept in mind: to find them takes long in a large index


class Index:
    """Embedded photos that can be searched. Made by `update_index`, opened by `Index.open`."""

    def __init__(
        self,
        store: RegionStore,
        catalog: Catalog,
        model: Model,
        scorer: Scorer | None = None,
    ) -> None:
        self.model = model
        self.folder = store.folder
        self._store = store
        self._catalog = catalog
        self._lock = threading.RLock()  # one database connection, perhaps many threads
        self._keys = list_keys(store, catalog)
        self._passed: dict[Filters, list[str]] = {}  # those last asked for, the latest last
        self._scorer = scorer or PhotoScorer(store, model.scoring, model.background)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        model: Model | None = None,
        scorer: Callable[[RegionStore, Catalog, Model], Scorer] | None = None,
    ) -> "Index":
        """Open an index for searching.

        Args:
            model: the model it was made with; None loads that model.
            scorer: makes what finds the most similar photos; None does it here.

        Raises:
            StoreError: there is no index, it is damaged or newer, or another model made it.
            CheckpointError: its model cannot be loaded.
        """
        folder = Path(folder)
        require_index(folder)
        store = RegionStore(folder)
        try:
            catalog = Catalog(store.database, folder)
            model = model or load(catalog.model)
            check_model(store, model, catalog.model)
            return cls(store, catalog, model, scorer and scorer(store, catalog, model))
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Release the database."""
        self._store.close()

    def __enter__(self) -> "Index":
        """Use as a context manager."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close on leaving."""
        self.close()

    def refresh(self) -> None:
        """See what has been committed since the index was opened."""
        with self._lock:
            self._store.refresh()
            self._scorer.refreshed()
            self._passed.clear()
            self._keys = list_keys(self._store, self._catalog)

    def __len__(self) -> int:
        """How many different photos it has."""
        return len(self._keys)

    def photo(self, photo_id: str) -> PhotoRecord:
        """The record of a photo.

        Raises:
            DataError: no photo has that id.
        """
        with self._lock:
            return self._catalog.photo(self._catalog.content_of_id(photo_id))

    def regions(self, photo_id: str) -> Regions:
        """Embedded regions and boxes of a photo.

        Raises:
            DataError: no photo has that id.
        """
        with self._lock:
            return self._store[self._catalog.content_of_id(photo_id)]

    def folders(self) -> list[Path]:
        """Folders that were indexed."""
        with self._lock:
            return [Path(folder) for folder in self._catalog.folders()]

    def photos(self, filters: Filters | None = None) -> list[PhotoRecord]:
        """Records of all photos that pass, newest first and undated ones last."""
        with self._lock:
            return self._catalog.photos(filters or NO_FILTERS)

    def tiles(
        self, filters: Filters | None = None
    ) -> Iterator[
        tuple[list[str], Float[np.ndarray, "photo region dim"], Int[np.ndarray, " photo"]]
    ]:
        """Ids, region vectors and counts of all photos that pass, some at a time."""
        with self._lock:
            keys = self._passing(filters or NO_FILTERS)
        for start in range(0, len(keys), TILE):
            tile = keys[start : start + TILE]
            with self._lock:
                found = self._store.gather(tile)
            yield [key[:ID_DIGITS] for key in tile], *found

    def _passing(self, filters: Filters) -> list[str]:
        if filters == NO_FILTERS:
            return self._keys
        if filters not in self._passed:
            passing = self._catalog.contents(filters)
            self._passed[filters] = [key for key in self._keys if key in passing]
            for oldest in list(self._passed)[:-_FILTERS]:
                del self._passed[oldest]
        return self._passed[filters]

    def search(
        self,
        query: str | Query,
        k: int = 10,
        *,
        filters: Filters | None = None,
        sort: Sort = "relevance",
    ) -> SearchResult:
        """Find the photos most similar to a query, every one scored exactly.

        Args:
            query: a text as people type it, or a `Query`.
            k: how many photos to give at most.
            filters: which photos to look among.
            sort: by relevance; or by date, newest first and undated ones last, among the
                relevant: the thousand most similar that more likely fit than not, or, where the
                query has no probability, the k most similar.

        Raises:
            DataError: the query asks for nothing, or a photo in it cannot be read.
        """
        parts, asked, unknown = self._ask(query)
        by_date = sort == "date" and asked.curve is not None
        depth = max(k, _MOST_RELEVANT) if by_date and k > 0 else k
        hits, total = self._rank(parts, asked, depth, filters or NO_FILTERS)
        found = self._found(asked, hits, total)
        said = hits[0].verdict if hits and found is None else verdict(found)
        if by_date:
            hits = [hit for hit in hits if hit.verdict == "match"] or hits[:k]
        if sort == "date":
            hits.sort(key=lambda hit: hit.photo.taken or datetime.min, reverse=True)
        return SearchResult(hits[:k], said, unknown, total, found)

    def rescore(
        self, query: str | Query, photo_ids: Iterable[str], k: int | None = None
    ) -> SearchResult:
        """Score some photos exactly: candidates that another database has found.

        Args:
            query: a text as people type it, or a `Query`.
            photo_ids: as in `PhotoRecord.id`. Those the index does not have are passed over, for
                a database may lag behind. Up to 4,096 are scored each one exactly.
            k: how many photos to give at most, best first; all of them if None.

        Raises:
            DataError: the query asks for nothing, or a photo in it cannot be read.
        """
        parts, asked, unknown = self._ask(query)
        with self._lock:
            keys = list(self._catalog.contents_of_ids(photo_ids))
        hits, total = self._rank(parts, asked, max(1, len(keys)) if k is None else k, keys=keys)
        found = self._found(asked, hits, len(self))  # candidates were picked from all
        said = hits[0].verdict if hits and found is None else verdict(found)
        return SearchResult(hits, said, unknown, total, found)

    def photo_ids(self) -> list[str]:
        """Ids of all photos, in the order they were added."""
        with self._lock:
            return [key[:ID_DIGITS] for key in self._keys]

    def pooled(
        self, photo_ids: Iterable[str] | None = None
    ) -> Iterator[tuple[list[str], Float[np.ndarray, "photo dim"]]]:
        """Ids and one unit vector a photo, the direction of its mean region, some at a time.

        Args:
            photo_ids: of which photos; None gives all.
        """
        with self._lock:
            chosen = None if photo_ids is None else self._catalog.contents_of_ids(photo_ids)
            keys = [key for key in self._keys if chosen is None or key in chosen]
        for start in range(0, len(keys), TILE):
            tile = keys[start : start + TILE]
            with self._lock:
                vectors, _ = self._store.gather(tile)
            total = vectors.sum(1, dtype=np.float32)  # rows past a photo's count are zeros
            length = np.linalg.norm(total, axis=1, keepdims=True)
            yield [key[:ID_DIGITS] for key in tile], total / np.maximum(length, 1e-12)

    def pooled_query(self, query: str | Query) -> Float[np.ndarray, " dim"]:
        """The unit vector whose inner products with `pooled` order photos nearly as search does.

        Raises:
            DataError: the query asks for nothing, or a photo in it cannot be read.
        """
        asked = mean_query(self._ask(query)[0])
        asked /= max(float(np.linalg.norm(asked)), 1e-12)
        return asked

    def _ask(self, query: str | Query) -> tuple[Parts, Asked, dict[str, list[str]]]:
        """A query as vectors, as what hits tell of it, and the words nobody knows."""
        asked_for = Query.parse(query) if isinstance(query, str) else query
        sentences = self._embed_sentences(asked_for)
        parts = [(part.weight, part.vectors) for part in sentences]
        parts += [(1.0, vectors) for vectors in self._embed_photos(asked_for)]
        words = [word for part in asked_for.sentences for word in tokenize(part.text)]
        single = len(parts) == len(sentences) == 1 and sentences[0].weight > 0
        curve = self.model.calibration if single else None
        judged = self.model.judgement
        told = (judged.word, judged.background, judged.pointer)
        asked = Asked(sentences, self.model.scoring, curve, *told)
        return parts, asked, self.model.unknown_words(words)

    def _found(self, asked: Asked, hits: list[Hit], total: int) -> float | None:
        """Probability that a photo fits, for one sentence; None where it cannot be told."""
        if asked.curve is None or not hits:
            return None
        vectors = asked.sentences[0].vectors
        return self.model.judgement.found("photos", vectors, hits[0].similarity, total)

    def similar(self, photo: str | PhotoRecord, k: int = 10) -> SearchResult:
        """Photos that look like one of the index, which is left out itself.

        Args:
            photo: its id or record.

        Raises:
            DataError: no photo has that id.
        """
        photo_id = photo if isinstance(photo, str) else photo.id
        vectors = np.asarray(self.regions(photo_id).vectors, np.float32)
        asked = Asked((), self.model.scoring)
        hits, total = self._rank([(1.0, vectors)], asked, k + 1)
        others = [hit for hit in hits if hit.photo.id != photo_id[: len(hit.photo.id)]]
        return SearchResult(others[:k], None, {}, total - 1)

    def _embed_sentences(self, query: Query) -> tuple[AskedSentence, ...]:
        if not query.sentences:
            return ()
        found = self.model.encode_captions([part.text for part in query.sentences])
        return tuple(
            AskedSentence(part.weight, words, vectors[:length])
            for part, words, vectors, length in zip(
                query.sentences, found.words, found.vectors, found.lengths, strict=True
            )
        )

    def _embed_photos(self, query: Query) -> list[Float[np.ndarray, "region dim"]]:
        if not query.like:
            return []
        found = self.model.encode_images(query.like)
        return [v[:count] for v, count in zip(found.vectors, found.counts, strict=True)]

    def _rank(
        self,
        parts: Parts,
        asked: Asked,
        k: int,
        filters: Filters = NO_FILTERS,
        keys: list[str] | None = None,
    ) -> tuple[list[Hit], int]:
        """The k most similar of some photos, or of those that pass, and how many these are."""
        if k < 1:
            raise ConfigError(f"k is {k}; it must be at least 1. Ask for a photo or more.")
        sizes = sum(abs(weight) for weight, _ in parts)
        sentences = sum(part.weight for part in asked.sentences) / sizes
        lowered = asked.discount / sizes
        with self._lock:
            keys = self._passing(filters) if keys is None else keys
            hits = [
                Hit(
                    self._catalog.photo(key, filters),
                    similarity - lowered,
                    asked.probability(similarity - lowered),
                    self._store[key],
                    asked,
                )
                for key, similarity in self._scorer.best(keys, parts, k, sentences)
            ]
        return hits, len(keys)


def list_keys(store: RegionStore, catalog: Catalog) -> list[str]:
    """Keys of the photos that have a file, in the order they were added: equals stand so."""
    used = catalog.contents()
    return [key for key in store if key in used]


def check_model(store: RegionStore, model: Model, recorded: str) -> None:
    """Refuse a model that did not make an index.

    Args:
        recorded: name or folder of the model that did.

    Raises:
        StoreError: it is another.
    """
    if store.producer != model.identity:
        name = model.source or "MODEL"
        raise StoreError(
            f"index {store.folder} was made by the model {recorded or store.producer!r}, whose "
            f"weights were {store.producer}; the model must be the same, and this is "
            f"{model.identity}. Use that model, or make the index anew: "
            f"regard index --index {store.folder} --model {name} --rebuild"
        )

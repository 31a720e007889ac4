"""The index as searches see it: photos for a sentence.

Reading only; `indexing` makes and changes indexes. An open index keeps the state it was opened
in, whatever a writer does, until it is refreshed. Many threads may ask at once, also while it is
refreshed: each question is answered out of one snapshot, and no lock is held meanwhile.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from regard.core.scoring import refuse_learned
from regard.errors import ConfigError, StoreError
from regard.kernels.workers import one_product_a_thread
from regard.model.model import Model, load
from regard.search.catalog import NO_FILTERS, Catalog, Filters, PhotoRecord, require_index
from regard.search.encoded_query import EncodedQuery
from regard.search.query import Query
from regard.search.result import Hit, SearchResult
from regard.search.scoring import PhotoScorer, Scorer
from regard.search.shortlist import mean_query, scaled
from regard.search.snapshot import Snapshot
from regard.shapes import Float
from regard.store.closing import Closing
from regard.store.manifest import stamp
from regard.store.region_store import Regions, RegionStore
from regard.words.tokens import tokenize

Sort = Literal["relevance", "date"]

_MOST_RELEVANT = 1000
_JUDGED = 10
_UNREAD = 2


class Index(Closing):
    """Embedded photos that can be searched. Made by `update_index`, opened by `Index.open`."""

    def __init__(self, store: RegionStore, model: Model, scorer: Scorer | None = None) -> None:
        self.model = model
        self.folder = store.folder
        self._latest = Snapshot(store, scorer or _scorer(store, model), 0)
        self._counting = threading.Lock()  # held for no longer than it takes to count readers
        self._refreshing = threading.Lock()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        model: Model | None = None,
        scorer: Callable[[RegionStore, Model], Scorer] | None = None,
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
            recorded = Catalog(store.database, folder).model
            model = model or load(recorded)
            check_model(store, model, recorded)
            return cls(store, model, scorer and scorer(store, model))
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Release the database."""
        self._latest.close()

    def is_latest(self) -> bool:
        """Whether nobody has committed since the index was opened or refreshed."""
        with self.snapshot() as snapshot:
            return snapshot.store.stamp == stamp(self.folder)

    def refresh(self) -> None:
        """See what has been committed since the index was opened.

        Raises:
            StoreError: it is damaged, newer, or now another model's; the state before stays.
        """
        with self._refreshing:
            before = self._latest
            store = RegionStore(self.folder)
            try:
                check_model(store, self.model, Catalog(store.database, self.folder).model)
                scorer = before.scorer.over(store)
                latest = Snapshot(store, scorer, before.generation + 1)
            except BaseException:
                store.close()
                raise
            with self._counting:
                self._latest = latest
                is_idle = before.readers == 0
            if is_idle:
                before.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The present state, which stays as it is for as long as one reads it."""
        with self._counting:
            snapshot = self._latest
            snapshot.readers += 1
        try:
            yield snapshot
        finally:
            with self._counting:
                snapshot.readers -= 1
                is_done = snapshot is not self._latest and snapshot.readers == 0
            if is_done:
                snapshot.close()

    def __len__(self) -> int:
        """How many different photos it has."""
        return len(self._latest)

    def photo(self, photo_id: str) -> PhotoRecord:
        """The record of a photo.

        Raises:
            DataError: no photo has that id.
        """
        with self.snapshot() as snapshot:
            return snapshot.photo(photo_id)

    def regions(self, photo_id: str) -> Regions:
        """Embedded regions and boxes of a photo.

        Raises:
            DataError: no photo has that id.
        """
        with self.snapshot() as snapshot:
            return snapshot.regions(photo_id)

    def folders(self) -> list[Path]:
        """Folders that were indexed."""
        with self.snapshot() as snapshot:
            return snapshot.folders()

    def photos(self, filters: Filters | None = None) -> list[PhotoRecord]:
        """Records of all photos that pass, newest first and undated ones last."""
        with self.snapshot() as snapshot:
            return snapshot.catalog.photos(filters or NO_FILTERS)

    def count_undated(self, filters: Filters) -> int:
        """How many photos the dates of filters leave out because nobody knows theirs."""
        with self.snapshot() as snapshot:
            return snapshot.catalog.count_undated(filters)

    def photo_ids(self) -> list[str]:
        """Ids of all photos, in the order they were added."""
        with self.snapshot() as snapshot:
            return snapshot.photo_ids()

    def pooled(
        self, photo_ids: Iterable[str] | None = None
    ) -> Iterator[tuple[list[str], Float[np.ndarray, "photo dim"]]]:
        """Ids and one unit vector a photo, the direction of its mean region, some at a time.

        Args:
            photo_ids: of which photos; None gives all.
        """
        with self.snapshot() as snapshot:
            yield from snapshot.pooled(photo_ids)

    def search(
        self,
        query: str | Query,
        k: int = 10,
        *,
        filters: Filters | None = None,
        sort: Sort = "relevance",
    ) -> SearchResult:
        """Find the photos most similar to a query.

        Up to 10,000 photos are all scored; of more, a few hundred that come near the query.

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
        query = Query.parse(query) if isinstance(query, str) else query
        encoded, unknown = self._encode(query)
        filters = filters or NO_FILTERS
        by_date = sort == "date" and encoded.is_one_sentence and self.model.curves.pair is not None
        depth = max(k, _MOST_RELEVANT) if by_date and k > 0 else k
        with self.snapshot() as snapshot:
            keys = snapshot.passing(filters)
            read = rank_read(snapshot, query, keys)
            hits = _rank(
                snapshot, keys, encoded, depth, among=len(keys), filters=filters, read=read
            )
        result = _result(hits, unknown, len(keys))
        fitting = [hit for hit in hits if by_date and (hit.verdict == "match" or hit.is_read)]
        hits = fitting or hits[:k]
        if sort == "date":
            hits.sort(key=lambda hit: hit.photo.taken or datetime.min, reverse=True)
        return replace(result, hits=hits[:k])

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
        encoded, unknown = self._encode(query)
        with self.snapshot() as snapshot:
            keys = snapshot.keys_of(photo_ids)
            depth = max(1, len(keys)) if k is None else k
            among = len(snapshot)  # candidates were picked from all
            hits = _rank(snapshot, keys, encoded, depth, among=among)
        result = _result(hits, unknown, len(keys))
        return replace(result, hits=hits[:depth])

    def has_tones(self) -> bool:
        """Whether the colours of any whole photo are known, so that they can be a filter."""
        with self.snapshot() as snapshot:
            return snapshot.catalog.has_tones()

    def shown_words(self) -> Counter[str]:
        """Words of what photos show, by what regions look like or is written, with how many do."""
        with self.snapshot() as snapshot:
            words = Counter(snapshot.texts.words())
        for name, photos in self.things().items():
            words.update(dict.fromkeys(name.lower().split(), photos))
        return words

    def things(self) -> Counter[str]:
        """How many photos have a region that looks like what each label names."""
        labels = self.model.labels
        if labels is None:
            return Counter()
        with self.snapshot() as snapshot:
            counts = snapshot.looks()
        return Counter({labels.names[number]: photos for number, photos in counts.items()})

    def pooled_query(self, query: str | Query) -> Float[np.ndarray, " dim"]:
        """The unit vector whose inner products with `pooled` order photos nearly as search does.

        Raises:
            DataError: the query asks for nothing, or a photo in it cannot be read.
        """
        mean = mean_query(scaled(self._encode(query)[0].parts, self.model.scoring))
        mean /= max(float(np.linalg.norm(mean)), 1e-12)
        return mean

    def _encode(self, query: str | Query) -> tuple[EncodedQuery, dict[str, list[str]]]:
        """A query as vectors, and the words nobody knows."""
        parsed = Query.parse(query) if isinstance(query, str) else query
        words = [word for part in parsed.sentences for word in tokenize(part.text)]
        return EncodedQuery.of(self.model, parsed), self.model.unknown_words(words)

    def similar(self, photo: str | PhotoRecord | Regions, k: int = 10) -> SearchResult:
        """Photos that look like one; where that is of the index, it is left out itself.

        Args:
            photo: its id or record, or the embedded regions of any photo (`Model.embed`).

        Raises:
            DataError: no photo has that id.
        """
        photo = photo.id if isinstance(photo, PhotoRecord) else photo
        own = photo if isinstance(photo, str) else ""
        with self.snapshot() as snapshot:
            regions = snapshot.regions(photo) if isinstance(photo, str) else photo
            vectors = np.asarray(regions.vectors, np.float32)
            keys = snapshot.passing(NO_FILTERS)
            encoded = EncodedQuery(self.model, (), (vectors,))
            hits = _rank(snapshot, keys, encoded, k + bool(own), among=len(keys))
        others = [hit for hit in hits if not own or hit.photo.id != own[: len(hit.photo.id)]]
        return SearchResult(others[:k], None, {}, len(keys) - bool(own))


@one_product_a_thread()
def _rank(
    snapshot: Snapshot,
    keys: list[str],
    query: EncodedQuery,
    k: int,
    *,
    among: int,
    filters: Filters = NO_FILTERS,
    read: Mapping[str, int] = MappingProxyType({}),
) -> list[Hit]:
    """The k most similar of some photos, and of one sentence at least ten to judge.

    Args:
        among: how many photos these were taken from.
        filters: which of several files with one content is named.
        read: places of photos that come before all others, whatever their similarities.
    """
    if k < 1:
        raise ConfigError(f"k must be at least 1, and is {k}.")
    least = _JUDGED if query.is_one_sentence else 0  # so that the verdict is of more than one
    wanted, weight = max(k, least), query.lowered
    best = dict(snapshot.scorer.best(keys, query.parts, wanted, weight))
    if read:
        first = [key for key in keys if key in read]
        best |= dict(snapshot.scorer.best(first, query.parts, len(first), weight))
        order = sorted(best, key=lambda key: (read.get(key, _UNREAD), -best[key]))
        best = {key: best[key] for key in order[:wanted]}
    discount = query.discount
    similarities = [similarity - discount for similarity in best.values()]
    photos = snapshot.seen(list(best))
    judgements = query.judge(similarities, photos, among)
    return [
        Hit(snapshot.catalog.photo(key, filters), similarity, query, photo, judgement, key in read)
        for key, similarity, photo, judgement in zip(
            best, similarities, photos, judgements, strict=True
        )
    ]


def rank_read(snapshot: Snapshot, query: Query, keys: Collection[str]) -> dict[str, int]:
    """Places of the photos in which all words asked for were read: 0 where exactly, else 1."""
    found = snapshot.texts.showing(query.to_read)
    among = set(keys) if found else ()
    return {key: int(not exactly) for key, exactly in found.items() if key in among}


def _result(hits: list[Hit], unknown: dict[str, list[str]], total: int) -> SearchResult:
    """Hits, best first, with what they say of the search as a whole."""
    if not hits:
        return SearchResult(hits, None, unknown, total)
    judgement = max((hit.judgement for hit in hits), key=lambda one: one.match_probability or 0)
    overall = "match" if hits[0].is_read else judgement.verdict or hits[0].verdict
    return SearchResult(hits, overall, unknown, total, judgement.match_probability)


def _scorer(store: RegionStore, model: Model) -> Scorer:
    """What finds the most similar photos here."""
    if model.ranks_wholes:
        from regard.search.whole import WholeScorer  # only with the extra `backbones`

        return WholeScorer(store, model)
    return PhotoScorer(store, model.scoring, model.background)


def check_model(store: RegionStore, model: Model, recorded: str) -> None:
    """Refuse a model that did not make an index, or whose similarities are no sums over words.

    Args:
        recorded: name or folder of the model that did.

    Raises:
        StoreError: it is another.
    """
    refuse_learned(model.scoring, "a search")
    if store.producer != model.identity:
        name = model.source or "MODEL"
        raise StoreError(
            f"index {store.folder} was made by the model {recorded or store.producer!r}, whose "
            f"weights were {store.producer}; the model must be the same, and this is "
            f"{model.identity}. Use that model, or make the index anew: "
            f"regard index --index {store.folder} --model {name} --rebuild"
        )

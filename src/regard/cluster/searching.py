"""An index searched by a cluster: the queries of `search.Index`, the photos on many machines."""

import threading
from pathlib import Path
from typing import NamedTuple

from regard.cluster.holders import ClusterScorer, Missing, Part
from regard.cluster.session import holder_count
from regard.model.model import Model
from regard.search import Filters, Index, Query, SearchResult
from regard.search.index import Sort
from regard.store.closing import Closing
from regard.store.region_store import RegionStore


class Answer(NamedTuple):
    """What the parts that answered found."""

    result: SearchResult
    missing: tuple[Missing, ...]
    """Parts of the index that did not answer; empty when the result is whole."""


class ClusterIndex(Closing):
    """An index whose shards are held by actors of the cluster this process is connected to.

    Args:
        folder: of the index, at the same place on every machine.
        model: the model it was made with; None loads that model.
        holders: at most; None takes half of the cluster's CPUs, so that those of a lost machine
            find room elsewhere.
        patience: seconds to wait for an answer; what was lost is rebuilt meanwhile.

    Raises:
        StoreError: there is no index, it is damaged or newer, or another model made it.
    """

    def __init__(
        self,
        folder: str | Path,
        model: Model | None = None,
        *,
        holders: int | None = None,
        patience: float = 60.0,
    ) -> None:
        self._lock = threading.Lock()
        self._scorer: ClusterScorer

        def scorer(store: RegionStore, model: Model) -> ClusterScorer:
            count = holders or holder_count()
            self._scorer = ClusterScorer(store, model, holders=count, patience=patience)
            return self._scorer

        self._index = Index.open(folder, model, scorer)

    def __len__(self) -> int:
        """How many different photos it has."""
        return len(self._index)

    @property
    def parts(self) -> list[Part]:
        """What each holder holds."""
        return self._scorer.parts

    def search(
        self,
        query: str | Query,
        k: int = 10,
        *,
        filters: Filters | None = None,
        sort: Sort = "relevance",
    ) -> Answer:
        """`Index.search`; with up to 10,000 photos the same result, beyond one as good.

        Raises:
            DataError: the query asks for nothing, or a photo in it cannot be read.
        """
        with self._lock:
            result = self._index.search(query, k, filters=filters, sort=sort)
            return Answer(result, tuple(self._scorer.missing))

    def refresh(self) -> None:
        """See what has been committed since the index was opened; holders open it anew."""
        with self._lock:
            self._index.refresh()

    def close(self) -> None:
        """Let the holders go and release the database."""
        self._scorer.close()
        self._index.close()

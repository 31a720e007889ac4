"""An index's pooled vectors in Qdrant's embedded engine, as candidates for exact scoring.

A point's id is the photo's id read as a hexadecimal number. The collection lies in one folder;
one process at a time may have it open.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from regard.extras import bring
from regard.search.adapters.common import Synced, difference
from regard.search.catalog import ID_DIGITS
from regard.search.index import Index
from regard.shapes import Float
from regard.store.closing import Closing

_AT_ONCE = 1000  # points written or removed by one call


class QdrantVectors(Closing):
    """A folder of pooled vectors that Qdrant searches.

    Args:
        folder: where they are; made when there are none.
        dim: numbers per vector, D of the model.

    Raises:
        ConfigError: qdrant-edge-py is not installed.
    """

    def __init__(self, folder: str | Path, dim: int) -> None:
        self._qdrant: Any = bring("qdrant_edge", "qdrant", "Qdrant's folder")
        folder = Path(folder)
        if folder.exists() and any(folder.iterdir()):
            self._shard = self._qdrant.EdgeShard.load(str(folder))
            return
        folder.mkdir(parents=True, exist_ok=True)
        vectors = self._qdrant.EdgeVectorParams(
            dim, self._qdrant.Distance.Dot, datatype=self._qdrant.VectorStorageDatatype.Float16
        )
        config = self._qdrant.EdgeConfig(vectors)
        self._shard = self._qdrant.EdgeShard.create(str(folder), config)

    def close(self) -> None:
        """Write what is pending and release the folder."""
        self._shard.close()

    def ids(self) -> Iterator[str]:
        """Ids of the photos it has."""
        offset = None
        while True:
            request = self._qdrant.ScrollRequest(offset, _AT_ONCE, None, False, False)
            points, offset = self._shard.scroll(request)
            yield from (f"{point.id:0{ID_DIGITS}x}" for point in points)
            if offset is None:
                return

    def sync(self, index: Index) -> Synced:
        """Add the photos that are new in an index, and remove those that it no longer has."""
        update = self._qdrant.UpdateOperation
        added, removed, synced = difference(index.photo_ids(), self.ids())
        for ids, vectors in index.pooled(added):
            points = [
                self._qdrant.Point(int(photo_id, 16), vector.tolist())
                for photo_id, vector in zip(ids, vectors, strict=True)
            ]
            self._shard.update(update.upsert_points(points))
        doomed = iter(removed)
        while part := [int(photo_id, 16) for photo_id in islice(doomed, _AT_ONCE)]:
            self._shard.update(update.delete_points(part))
        self._shard.flush()
        self._shard.optimize()
        return synced

    def nearest(self, vector: Float[np.ndarray, " dim"], count: int) -> list[str]:
        """Ids of the photos nearest to a pooled query, nearest first."""
        query = self._qdrant.Query.Nearest(vector.tolist())
        points = self._shard.query(self._qdrant.QueryRequest(count, query=query))
        return [f"{point.id:0{ID_DIGITS}x}" for point in points]

"""One committed state of an index. Nothing changes it, and any number of threads may read it.

A writer may commit and remove what it likes meanwhile: the shards are mapped, and the database is
held in a read transaction, until the snapshot is closed.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from regard.search.catalog import ID_DIGITS, NO_FILTERS, Catalog, Filters, PhotoRecord
from regard.search.scoring import TILE, Scorer
from regard.search.texts import Texts
from regard.shapes import Float
from regard.store.region_store import Regions, RegionStore

_SURE = 128  # of 255: a region looks like something from one half on
_FILTERS = 3  # whose photos are kept in mind: to find them takes long in a large index


class Snapshot:
    """The photos of an index at one time. From `Index.snapshot`.

    Args:
        store: of embedded regions; nobody else may refresh or close it.
        scorer: finds the most similar photos of that store.
        generation: how many states of the index were open before this one.
    """

    def __init__(self, store: RegionStore, scorer: Scorer, generation: int) -> None:
        self.generation = generation
        self.store = store
        self.scorer = scorer
        self.readers = 0
        """Threads that read it now; counted by the index, which closes it after the last."""
        self.texts = Texts(store.folder)
        self.catalog = Catalog(store.database, store.folder)
        """Its files, folders and dates, and which photos pass filters."""
        self._lock = threading.Lock()
        self._keys = list_keys(store, self.catalog)
        self._passed: dict[Filters, list[str]] = {}  # those last asked for, the latest last

    def close(self) -> None:
        """Release the database."""
        self.store.close()

    def __len__(self) -> int:
        """How many different photos it has."""
        return len(self._keys)

    # ---- by key, the whole sha256

    def passing(self, filters: Filters) -> list[str]:
        """Keys of the photos that pass, in the order they were added; not to be changed."""
        if filters == NO_FILTERS:
            return self._keys
        with self._lock:
            kept = self._passed.get(filters)
        if kept is not None:
            return kept
        contents = self.catalog.contents(filters)
        passing = [key for key in self._keys if key in contents]
        with self._lock:
            self._passed[filters] = passing
            for oldest in list(self._passed)[:-_FILTERS]:
                del self._passed[oldest]
        return passing

    def keys_of(self, photo_ids: Iterable[str]) -> list[str]:
        """Keys of the photos with some ids, in their order; ids there are none of are left out."""
        return list(self.catalog.contents_of_ids(photo_ids))

    def seen(self, keys: Sequence[str]) -> list[Regions]:
        """Embedded regions of some photos, and what was read in them."""
        texts = self.texts.of(keys)
        photos = zip(keys, self.store.copies(keys), strict=True)
        return [regions._replace(texts=texts.get(key, ())) for key, regions in photos]

    # ---- by id

    def photo(self, photo_id: str, filters: Filters = NO_FILTERS) -> PhotoRecord:
        """The record of a photo; of several files the first by path that passes.

        Raises:
            DataError: no photo has that id.
        """
        return self.catalog.photo(self.catalog.content_of_id(photo_id), filters)

    def regions(self, photo_id: str) -> Regions:
        """Embedded regions and boxes of a photo, and what was read in it.

        Raises:
            DataError: no photo has that id.
        """
        return self.seen([self.catalog.content_of_id(photo_id)])[0]

    def photo_ids(self) -> list[str]:
        """Ids of all photos, in the order they were added."""
        return [key[:ID_DIGITS] for key in self._keys]

    # ---- many

    def looks(self) -> Counter[int]:
        """How many photos have a region that looks like each class of the model."""
        counts: Counter[int] = Counter()
        for shard, start, count in self.store.parts(self._keys):
            looks = shard.labels(slice(start, start + count))
            if looks is not None:
                counts.update(set(looks.classes[:, 0][looks.parts[:, 0] >= _SURE].tolist()))
        return counts

    def copied(self) -> dict[str, list[Path]]:
        """Photos with several files of the same bytes, by key, and all of these but the first."""
        paths: dict[str, list[Path]] = {}
        for path, row in sorted(self.catalog.files().items()):
            if row.content is not None:
                paths.setdefault(row.content, []).append(Path(path))
        return {content: others for content, (_, *others) in paths.items() if others}

    def folders(self) -> list[Path]:
        """Folders that were indexed."""
        return [Path(folder) for folder in self.catalog.folders()]

    def pooled(
        self, photo_ids: Iterable[str] | None = None
    ) -> Iterator[tuple[list[str], Float[np.ndarray, "photo dim"]]]:
        """Ids and one unit vector a photo, the direction of its mean region, some at a time.

        Args:
            photo_ids: of which photos; None gives all.
        """
        chosen = None if photo_ids is None else set(self.keys_of(photo_ids))
        keys = [key for key in self._keys if chosen is None or key in chosen]
        for start in range(0, len(keys), TILE):
            tile = keys[start : start + TILE]
            vectors, _ = self.store.gather(tile)
            total = vectors.sum(1, dtype=np.float32)  # rows past a photo's count are zeros
            length = np.linalg.norm(total, axis=1, keepdims=True)
            yield [key[:ID_DIGITS] for key in tile], total / np.maximum(length, 1e-12)


def list_keys(store: RegionStore, catalog: Catalog) -> list[str]:
    """Keys of the photos that have a file, in the order they were added: equals stand so."""
    used = catalog.contents()
    return [key for key in store if key in used]

"""What a store or an index holds, to be compared with another."""

import numpy as np

from regard.search.catalog import Catalog
from regard.store.region_store import RegionStore


class Near:
    """Vectors that equal others but for their last bit.

    How many photos a product takes at once may decide that bit.
    """

    def __init__(self, vectors):
        self.vectors = np.array(vectors, np.float32)

    def __eq__(self, other):
        same_shape = self.vectors.shape == other.vectors.shape
        return same_shape and np.allclose(self.vectors, other.vectors, atol=4e-3)

    __hash__ = None


def vectors(folder):
    """Everything stored, photo by photo, in order."""
    with RegionStore(folder) as store:
        assert store.check() == {}
        named = {row[0] for row in store.database.execute("SELECT file FROM shards")}
        assert {path.name for path in folder.glob("shard-*")} == named
        return [
            (key, Near(store[key].vectors), store[key].boxes.tobytes(), *store[key][3:])
            for key in store
        ]


def catalog(folder):
    """Everything known of files."""
    with RegionStore(folder) as store:
        known = Catalog(store.database, folder)
        read = ("SELECT * FROM photos ORDER BY content", "SELECT * FROM tones ORDER BY content")
        return known.files(), known.folders(), *(store.database.execute(q).fetchall() for q in read)

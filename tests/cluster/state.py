"""What a store or an index holds, to be compared with another."""

from regard.search.catalog import Catalog
from regard.store.region_store import RegionStore


def vectors(folder):
    """Everything stored, photo by photo, in order."""
    with RegionStore(folder) as store:
        assert store.check() == {}
        named = {row[0] for row in store.database.execute("SELECT file FROM shards")}
        assert {path.name for path in folder.glob("shard-*")} == named
        return [
            (key, store[key].vectors.tobytes(), store[key].boxes.tobytes(), *store[key][3:])
            for key in store
        ]


def catalog(folder):
    """Everything known of files."""
    with RegionStore(folder) as store:
        known = Catalog(store.database, folder)
        dates = store.database.execute("SELECT * FROM photos ORDER BY content").fetchall()
        return known.files(), known.folders(), dates

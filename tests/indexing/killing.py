"""Run by test_kill: an update killed at many points, each time finished by a second run.

Usage: python killing.py MODEL BASE CHANGED POINTS [OTHER]. BASE holds an index and the photos it
was made from; CHANGED the photos as they are now; with OTHER, another model, the index is made anew
for that. Every point is a call that the update makes into SQLite, the file system or its own code;
at that call the process, a fork, kills itself.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2])]

from tests.forks import run_until  # noqa: E402

from regard.indexing import check_index, rebuilding, update_index  # noqa: E402
from regard.indexing import update as update_module  # noqa: E402
from regard.kernels.workers import set_threads  # noqa: E402
from regard.model.model import load  # noqa: E402
from regard.search import Index  # noqa: E402
from regard.search.catalog import Catalog  # noqa: E402
from regard.store import region_store as store_module  # noqa: E402
from regard.store.region_store import RegionStore  # noqa: E402

WATCHED = ("regard/store/", "regard/indexing/", "regard/search/catalog")
update_module._COMMIT_PHOTOS = 2  # so that a few photos make several commits
update_module._COMMIT_FILES = 2
store_module._THIN_SHARDS = 3  # and several shards are put together


def update(place, loaded):
    update_index(place / "index", place / "photos", loaded, workers=1)


def rebuild(place, loaded):
    with rebuilding(place / "index", loaded) as fresh:
        update_index(fresh, place / "photos", loaded, workers=1)


def state(place):
    """Everything an index holds that does not depend on how it came about."""
    with RegionStore(place / "index") as store:
        catalog = Catalog(store.database, place / "index")
        files = {
            path[len(str(place)) :]: (row.content, row.reason is None)
            for path, row in catalog.files().items()
        }
        vectors = {key: store[key].vectors.tobytes().hex() for key in store}
        named = {row[0] for row in store.database.execute("SELECT file FROM shards")}
        assert store.check() == {}
    left = {path.name for path in (place / "index").glob("shard-*")}
    assert left == named, (left, named)
    assert not (place / "index/next").exists()
    return files, vectors


def prepare(base, changed, place):
    """The index of BASE beside the photos of CHANGED."""
    shutil.rmtree(place, ignore_errors=True)
    if (base / "index").exists():
        shutil.copytree(base / "index", place / "index")
    shutil.copytree(changed, place / "photos")  # with times of change


def searchable(place, *models):
    """A killed index can be searched as it is, unless nothing of it is there yet."""
    if not (place / "index/manifest.sqlite").exists():
        return
    with RegionStore(place / "index") as store:
        if not store.database.execute("SELECT 1 FROM meta WHERE name = 'model'").fetchone():
            return
        (loaded,) = (model for model in models if model.identity == store.producer)
    with Index.open(place / "index", loaded) as index:
        result = index.search("a dog", 100)
        assert len(result.hits) == len(index)
        assert len({hit.photo.id for hit in result.hits}) == len(index)


def main(model, base, changed, points, other=None):
    set_threads(1)
    first = load(model)
    loaded = load(other) if other else first
    work = rebuild if other else update
    place = base / "try"  # always the same, since an index remembers absolute paths
    prepare(base, changed, place)
    total = run_until(partial(work, place, loaded), WATCHED, 0)
    wanted = state(place)
    killed = 0
    for n in range(points):
        point = 1 + (n * (total - 1) + (n * 7919) % (total - 1)) // points
        prepare(base, changed, place)
        killed += run_until(partial(work, place, loaded), WATCHED, min(point, total)) is None
        searchable(place, *{id(m): m for m in (first, loaded)}.values())
        work(place, loaded)
        assert state(place) == wanted, point
        assert check_index(place / "index", loaded) == ([], 0, {})
    sys.stdout.write(json.dumps({"calls": total, "killed": killed, "photos": len(wanted[1])}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), int(sys.argv[4]), *sys.argv[5:])

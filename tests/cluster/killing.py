"""Run by test_building: the one writer killed at many points, each time finished by a second run.

Usage: python killing.py MODEL PHOTOS BASE POINTS. A point is a call made into the code of the
cluster or of the stores; at that call the process, a fork, kills itself. Workers' pieces are made
in the same process, so it dies in the middle of these as well.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from regard.cluster import building  # noqa: E402
from regard.cluster.pieces import PieceMaker  # noqa: E402
from regard.cluster.places import Location  # noqa: E402
from regard.kernels.workers import set_threads  # noqa: E402
from regard.model.model import load  # noqa: E402
from tests.cluster.state import catalog, vectors  # noqa: E402
from tests.forks import run_until  # noqa: E402

WATCHED = ("regard/cluster/", "regard/store/", "regard/indexing/update", "regard/search/catalog")
units_made = 0


def here(make, job, items, workers=None):
    work = make(job)
    for item in items:
        yield work(item)


def count_units(self, unit, real=PieceMaker._at_once):
    global units_made
    units_made += 1
    return real(self, unit)


building.stream = here
building.unit_size = lambda _: 6
PieceMaker._at_once = count_units
PieceMaker._carefully = count_units  # processes of their own have their own test


def index(folder, photos, loaded):
    building.index_photos(folder, Location.of(str(photos)), loaded)


def main(model, photos, base, points):
    global units_made
    set_threads(1)
    loaded = load(model)
    total = run_until(partial(index, base / "first", photos, loaded), WATCHED, 0, kinds=("call",))
    wanted = vectors(base / "first"), catalog(base / "first")
    killed = kept = 0
    for n in range(points):
        point = 1 + (n * (total - 1) + (n * 7919) % (total - 1)) // points
        folder = base / "try"
        shutil.rmtree(folder, ignore_errors=True)
        work = partial(index, folder, photos, loaded)
        killed += run_until(work, WATCHED, min(point, total), kinds=("call",)) is None
        pieces = len(list(folder.glob("incoming/*.json")))
        units_made = 0
        index(folder, photos, loaded)
        assert (vectors(folder), catalog(folder)) == wanted, point
        assert not (folder / "incoming").exists()
        kept += pieces and units_made < 7
    sys.stdout.write(json.dumps({"calls": total, "killed": killed, "kept": kept}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

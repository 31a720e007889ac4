"""Run by test_building: the one writer killed at many points, each time finished by a second run.

Usage: python killing.py MODEL PHOTOS BASE POINTS. A point is a call made into the code of the
cluster or of the stores; at that call the process, a fork, kills itself. Workers' pieces are made
in the same process, so it dies in the middle of these as well.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from regard.cluster import building  # noqa: E402
from regard.cluster.pieces import PieceMaker  # noqa: E402
from regard.cluster.places import Location  # noqa: E402
from regard.kernels.workers import set_threads  # noqa: E402
from regard.model.model import load  # noqa: E402
from tests.cluster.state import catalog, vectors  # noqa: E402

WATCHED = ("regard/cluster/", "regard/store/", "regard/indexing/update", "regard/search/catalog")
made = 0


def here(make, job, items, workers=None):
    global made
    work = make(job)
    for item in items:
        yield work(item)


def count_units(self, unit, real=PieceMaker._at_once):
    global made
    made += 1
    return real(self, unit)


building.stream = here
building.unit_size = lambda _: 6
PieceMaker._at_once = count_units
PieceMaker._carefully = count_units  # processes of their own have their own test


def index(folder, photos, loaded):
    building.index_photos(folder, Location.of(str(photos)), loaded)


def run_until(folder, photos, loaded, point):
    """Index in a fork that kills itself at a call; gives calls made, or None when killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame, event, _):
            nonlocal calls
            if event == "call" and any(w in frame.f_code.co_filename for w in WATCHED):
                calls += 1
                if calls == point:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        index(folder, photos, loaded)
        sys.setprofile(None)
        os.write(writing, str(calls).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    told = os.read(reading, 100)
    os.close(reading)
    assert os.WIFSIGNALED(status) or status == 0, status
    return int(told) if told else None


def main(model, photos, base, points):
    global made
    set_threads(1)
    loaded = load(model)
    total = run_until(base / "first", photos, loaded, 0)
    wanted = vectors(base / "first"), catalog(base / "first")
    killed = kept = 0
    for n in range(points):
        point = 1 + (n * (total - 1) + (n * 7919) % (total - 1)) // points
        folder = base / "try"
        shutil.rmtree(folder, ignore_errors=True)
        killed += run_until(folder, photos, loaded, min(point, total)) is None
        pieces = len(list(folder.glob("incoming/*.json")))
        made = 0
        index(folder, photos, loaded)
        assert (vectors(folder), catalog(folder)) == wanted, point
        assert not (folder / "incoming").exists()
        kept += pieces and made < 7
    sys.stdout.write(json.dumps({"calls": total, "killed": killed, "kept": kept}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

"""Stores made of pieces are those of one machine; interrupted anywhere, nothing is lost or doubled.

Here the workers' part is done in this process; the same on real nodes is in test_cluster.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import draw

from regard.cluster import building
from regard.cluster.pieces import PieceMaker
from regard.cluster.places import Location
from regard.errors import BusyError, StoreError
from regard.indexing import update_index
from regard.regions.pipeline import extract_to_store
from regard.regions.statistics import StatisticsExtractor
from regard.store.region_store import RegionStore
from tests.cluster.conftest import draw_photos
from tests.cluster.state import catalog, vectors

pytest.importorskip("pyarrow", reason="Arrow is not installed (pip install 'regard[ray]')")


@pytest.fixture(autouse=True)
def made_units(monkeypatch):
    """Units of six photos, made in this process; names of those that were really made."""
    done = []

    def here(make, job, items, workers=None):
        work = make(job)
        for item in items:
            yield work(item)

    real = PieceMaker._at_once
    monkeypatch.setattr(building, "stream", here)
    monkeypatch.setattr(building, "unit_size", lambda _: 6)
    monkeypatch.setattr(
        PieceMaker, "_at_once", lambda self, unit: done.append(unit.name) or real(self, unit)
    )
    return done


@pytest.fixture
def photos(tmp_path):
    """Of three units; a photo and its copy are in the last."""
    return draw_photos(tmp_path / "photos", 16)


def place(photos):
    return Location.of(str(photos))


def test_an_index_is_that_of_one_machine(tmp_path, photos, model, made_units):
    progress_told = []
    report = building.index_photos(
        tmp_path / "index", place(photos), model, progress=lambda *done: progress_told.append(done)
    )
    assert report == update_index(tmp_path / "alone", photos, model, workers=1)
    assert (report.added, len(report.skipped)) == (17, 1)
    assert vectors(tmp_path / "index") == vectors(tmp_path / "alone")
    assert catalog(tmp_path / "index") == catalog(tmp_path / "alone")
    assert progress_told[-1] == (18, 18)
    assert len(made_units) == 3
    assert not (tmp_path / "index/incoming").exists()


def test_a_second_run_does_nothing_twice(tmp_path, photos, model, made_units):
    building.index_photos(tmp_path / "index", place(photos), model)
    before = vectors(tmp_path / "index")
    report = building.index_photos(tmp_path / "index", place(photos), model)
    assert (report.added, report.unchanged, len(report.skipped)) == (0, 17, 1)
    assert len(made_units) == 3
    assert vectors(tmp_path / "index") == before


@pytest.mark.parametrize("compressed", [False, True])
def test_changes_are_those_of_one_machine(tmp_path, photos, model, compressed):
    folders = tmp_path / "index", tmp_path / "alone"
    building.index_photos(folders[0], place(photos), model, compressed=compressed)
    update_index(folders[1], photos, model, workers=1, compressed=compressed)
    (photos / "a/00.png").rename(photos / "b/moved.png")
    (photos / "a/02.png").unlink()
    draw(photos / "a/04.png", 104)
    draw(photos / "a/new.png", 105)
    shutil.copy(photos / "a/new.png", photos / "b/new.png")
    (photos / "a/06.png").touch()
    excludes = ["/c/"]
    report = building.index_photos(folders[0], place(photos), model, excludes=excludes)
    alone = update_index(folders[1], photos, model, workers=1, excludes=excludes)
    assert report == alone
    assert (report.moved, report.removed, report.updated, report.added) == (1, 2, 1, 2)
    assert vectors(folders[0]) == vectors(folders[1])
    assert catalog(folders[0]) == catalog(folders[1])


def test_either_goes_on_where_the_other_was(tmp_path, photos, model):
    building.index_photos(tmp_path / "index", place(photos), model)
    draw(photos / "a/new.png", 105)
    assert update_index(tmp_path / "index", photos, model, workers=1).added == 1
    draw(photos / "a/newer.png", 106)
    report = building.index_photos(tmp_path / "index", place(photos), model)
    assert (report.added, report.unchanged) == (1, 18)


def listed(photos):
    scan = place(photos).scan()
    return [(file.path.removeprefix(f"{photos}/"), file) for file in scan.files]


def test_a_region_store_is_that_of_one_machine(tmp_path, photos):
    report = building.extract_photos(
        listed(photos), place(photos), tmp_path / "regions", "statistics"
    )
    identity = StatisticsExtractor.identity, StatisticsExtractor.feature_dim
    with RegionStore(tmp_path / "alone", *identity, writable=True) as store:
        paths = [(key, photos / key) for key, _ in listed(photos)]
        assert report == extract_to_store(paths, store, "statistics", 1)
        skipped = store.skipped()
    assert vectors(tmp_path / "regions") == vectors(tmp_path / "alone")
    with RegionStore(tmp_path / "regions") as store:
        assert store.skipped() == skipped
    again = building.extract_photos(
        listed(photos), place(photos), tmp_path / "regions", "statistics"
    )
    assert (again.extracted, again.already, len(again.skipped)) == (0, 17, 1)


def test_staging_elsewhere_is_left_clean(tmp_path, photos, model):
    staging = Location.of(str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/not ours").touch()
    building.index_photos(tmp_path / "index", place(photos), model, staging=staging)
    update_index(tmp_path / "alone", photos, model, workers=1)
    assert vectors(tmp_path / "index") == vectors(tmp_path / "alone")
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["not ours"]


def test_pieces_that_never_arrive_are_an_error(tmp_path, photos, model, monkeypatch):
    real = Location.put

    def put(self, file, contents):
        real(self, file, contents[:-1] if file.endswith("safetensors") else contents)

    monkeypatch.setattr(Location, "put", put)
    with pytest.raises(StoreError, match="that every machine of the cluster sees"):
        building.index_photos(tmp_path / "index", place(photos), model)
    assert vectors(tmp_path / "index") == []


def test_one_writer_at_a_time(tmp_path, photos, model):
    building.index_photos(tmp_path / "index", place(photos), model)
    with (
        RegionStore(tmp_path / "index", writable=True),
        pytest.raises(BusyError, match="one writer"),
    ):
        building.index_photos(tmp_path / "index", place(photos), model)


@pytest.mark.slow
def test_killed_at_many_points_nothing_is_lost_or_doubled(tmp_path, photos, model_folder):
    draw_photos(photos, 40)
    script = Path(__file__).parent / "killing.py"
    arguments = [str(model_folder), str(photos), str(tmp_path / "base"), "16"]
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tree = json.loads(done.stdout)
    assert tree["killed"] == 16
    assert tree["calls"] > 400
    assert tree["kept"] > 0  # pieces made before the kill were not made again

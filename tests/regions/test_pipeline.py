"""Extraction of many photos: in order, resumable, and never stopped by one of them."""

import multiprocessing
import os
import signal
import sys
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from regard.errors import CheckpointError, ConfigError
from regard.kernels.hardware import available_cores
from regard.regions import pipeline
from regard.regions.extractor import load_extractor
from regard.regions.pipeline import extract_stream, extract_to_store
from regard.regions.statistics import StatisticsExtractor
from regard.store.region_store import RegionStore

NAME = "statistics"


@pytest.fixture
def photos(tmp_path):
    """Six photos and, third, a file that is none."""
    listed = []
    for seed in range(7):
        path = tmp_path / f"{seed}.png"
        if seed == 2:
            path.write_bytes(b"no photo")
        else:
            pixels = np.random.default_rng(seed).integers(0, 255, (20, 30 + seed, 3), np.uint8)
            exif = Image.Exif()
            exif[0x8769] = {0x9003: f"2020:01:0{seed + 1} 12:00:00"}
            Image.fromarray(pixels).save(path, exif=exif)
        listed.append((f"k{seed}", path))
    return listed


@pytest.fixture
def store(tmp_path):
    extractor = load_extractor(NAME)
    with RegionStore(
        tmp_path / "store", extractor.identity, extractor.feature_dim, writable=True
    ) as opened:
        yield opened


def test_outcomes_come_in_order(photos):
    outcomes = list(extract_stream(photos, NAME, workers=1))
    assert [outcome.key for outcome in outcomes] == [key for key, _ in photos]
    for seed, outcome in enumerate(outcomes):
        if seed == 2:
            assert outcome.regions is None
            assert "not a photo" in outcome.reason
            assert outcome.taken is None
        else:
            assert outcome.regions.width == 30 + seed
            assert outcome.reason == ""
            assert outcome.taken == datetime(2020, 1, seed + 1, 12)


def test_a_photo_that_no_extractor_expects_costs_itself_alone(photos, monkeypatch):
    extract = StatisticsExtractor.__call__

    def fails_at_width_33(self, photo):
        if photo.width == 33:
            raise MemoryError
        return extract(self, photo)

    monkeypatch.setattr(StatisticsExtractor, "__call__", fails_at_width_33)
    outcomes = list(extract_stream(photos, NAME, workers=1))
    assert [o.key for o in outcomes if o.regions is None] == ["k2", "k3"]
    assert f"{photos[3][1]} cannot be extracted (MemoryError())" in outcomes[3].reason
    assert not outcomes[3].lasting


def test_what_no_photo_is_to_blame_for_ends_the_run(photos, monkeypatch):
    def damaged(self, photo):
        raise CheckpointError("backbone")

    monkeypatch.setattr(StatisticsExtractor, "__call__", damaged)
    with pytest.raises(CheckpointError):
        list(extract_stream(photos, NAME, workers=1))


def test_photos_are_asked_for_as_they_are_needed(photos):
    asked = []

    def one_by_one():
        for key, path in photos:
            asked.append(key)
            yield key, path

    stream = extract_stream(one_by_one(), NAME, workers=1)
    next(stream)
    assert asked == ["k0"]
    stream.close()


def test_a_store_is_filled_and_then_left_alone(photos, store):
    progress_told = []
    report = extract_to_store(
        photos, store, NAME, 1, lambda done, total: progress_told.append((done, total))
    )
    assert (report.extracted, report.already, list(report.skipped)) == (6, 0, ["k2"])
    assert progress_told == [(n, 7) for n in range(1, 8)]
    assert list(store) == ["k0", "k1", "k3", "k4", "k5", "k6"]
    assert list(store.skipped()) == ["k2"]
    assert store["k3"].width == 33
    again = extract_to_store(photos, store, NAME, 1)
    assert (again.extracted, again.already, list(again.skipped)) == (0, 6, ["k2"])


def test_what_was_committed_survives_an_interruption(photos, store, monkeypatch):
    monkeypatch.setattr(pipeline, "_SHARD_PHOTOS", 2)

    def interrupt(done, total):
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_to_store(photos, store, NAME, 1, interrupt)
    assert list(store) == ["k0", "k1", "k3", "k4"]
    assert extract_to_store(photos, store, NAME, 1).extracted == 2
    assert len(store) == 6


def test_there_is_at_least_one_core():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_processes_give_the_same(photos):
    alone = list(extract_stream(photos, NAME, workers=1))
    together = list(extract_stream(photos, NAME, workers=2))
    assert [o.key for o in together] == [o.key for o in alone]
    for one, two in zip(alone, together, strict=True):
        assert one.reason == two.reason
        if one.regions is not None:
            assert np.array_equal(one.regions.vectors, two.regions.vectors)


@pytest.mark.slow
def test_a_process_killed_from_outside_costs_no_photo(photos):
    def meddle():
        for key, path in photos:
            if key == "k5":
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            yield key, path

    outcomes = list(extract_stream(meddle(), NAME, workers=2))
    assert [outcome.key for outcome in outcomes] == [key for key, _ in photos]
    assert [o.key for o in outcomes if o.regions is None] == ["k2"]


DEADLY = """
import os, signal
from regard.regions import pipeline

def work(key, path):
    if key in os.environ["DEADLY"].split():
        os.kill(os.getpid(), signal.SIGKILL)
    return pipeline._work(key, path)

def start(name):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """Ways for a worker to die, importable by it."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "deadly", raising=False)  # another test's
    import deadly

    return deadly


@pytest.mark.slow
def test_a_photo_that_kills_its_process_is_skipped_and_named(photos, deadly, monkeypatch):
    monkeypatch.setenv("DEADLY", "k1 k4")
    monkeypatch.setattr(pipeline, "_work", deadly.work)
    monkeypatch.setattr(pipeline, "_LOOK_AHEAD", 1)
    outcomes = list(extract_stream(photos[:6], NAME, workers=2))
    assert [outcome.key for outcome in outcomes] == [f"k{n}" for n in range(6)]
    assert [o.key for o in outcomes if o.regions is None] == ["k1", "k2", "k4"]
    assert f"{photos[1][1]} ended the process" in outcomes[1].reason


@pytest.mark.slow
def test_processes_that_cannot_start_are_an_error(photos, deadly, monkeypatch):
    monkeypatch.setattr(pipeline, "_start_worker", deadly.start)
    with pytest.raises(ConfigError, match="__main__"):
        list(extract_stream(photos, NAME, workers=2))

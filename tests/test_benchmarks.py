"""What measurements rest on: enlarged photos and simulated shards."""

import importlib.util
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def module(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, BENCHMARKS / path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def made():
    enlarge = module("scale/enlarge.py")
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((40, 1, 16))
    vectors = enlarge.unit(centres + 0.5 * generator.standard_normal((40, 3, 16)))
    return enlarge, enlarge.Enlarged(vectors.astype(np.float32))


def test_enlarged_photos_begin_with_the_real_ones_and_can_be_made_again(made):
    enlarge, photos = made
    first, second = photos.block(0), photos.block(1)
    assert (first[:40] == photos.vectors).all()
    assert first.shape == second.shape == (enlarge.BLOCK, 3, 16)
    assert (first == photos.block(0)).all()
    assert (first[40:80] != second[40:80]).all()
    assert np.linalg.norm(second, axis=2) == pytest.approx(1, abs=1e-5)


def test_more_photos_have_nearer_neighbours(made):
    enlarge, _ = made
    found = enlarge.nearest_cosines(np.random.default_rng(1).standard_normal((64, 4)), [16, 32, 64])
    assert list(found) == [16, 32, 64]
    law = {n: 1 - 2 * n**-0.2 for n in (100, 200, 400)}  # squared distances fall as n^-0.2
    assert enlarge.extrapolate(law, 10**6) == pytest.approx(1 - 2 * 10**-1.2)


def test_more_shards_take_longer_and_hedging_helps():
    fan_out = module("fan_out.py")
    asked = Namespace(
        median=45.0, p95=75.0, pause=300.0, pause_rate=0.01, missing=0.1, merge=0.0, queries=2000,
        seed=0,
    )  # fmt: skip
    one, many = (fan_out.simulate(shards, asked) for shards in (1, 64))
    assert np.median(one["all"]) == pytest.approx(45, rel=0.05)
    assert np.percentile(one["all"], 95) == pytest.approx(75, rel=0.1)
    for way in ("all", "hedged", "most"):
        assert np.median(many[way]) > np.median(one[way])
    assert (many["hedged"] <= many["all"]).all()
    assert np.percentile(many["hedged"], 95) < np.percentile(many["all"], 95)
    assert (many["most"] <= many["all"]).all()
    assert (fan_out.simulate(64, asked)["all"] == many["all"]).all()

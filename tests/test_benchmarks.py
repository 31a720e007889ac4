"""What measurements rest on: enlarged photos, simulated shards, and that they can be made."""

import ast
import importlib
import importlib.util
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from regard.bench.score import Case
from regard.bench.shapes import unit_vectors
from regard.kernels import prepare, score
from tests.torch_reach import ROOMS, has_torch

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


def module(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, BENCHMARKS / path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def enlarged():
    enlarge = module("scale/enlarge.py")
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((40, 1, 16))
    vectors = enlarge.unit(centres + 0.5 * generator.standard_normal((40, 3, 16)))
    return enlarge, enlarge.Enlarged(vectors.astype(np.float32))


def test_enlarged_photos_begin_with_the_real_ones_and_can_be_made_again(enlarged):
    enlarge, photos = enlarged
    first, second = photos.block(0), photos.block(1)
    assert (first[:40] == photos.vectors).all()
    assert first.shape == second.shape == (enlarge.BLOCK, 3, 16)
    assert (first == photos.block(0)).all()
    assert (first[40:80] != second[40:80]).all()
    assert np.linalg.norm(second, axis=2) == pytest.approx(1, abs=1e-5)


def test_more_photos_have_nearer_neighbours(enlarged):
    enlarge, _ = enlarged
    cosines = enlarge.nearest_cosines(
        np.random.default_rng(1).standard_normal((64, 4)), [16, 32, 64]
    )
    assert list(cosines) == [16, 32, 64]
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


def test_scaling_is_a_table_and_a_plot(monkeypatch, tmp_path):
    scaling = module("scaling.py")
    small = Case(images=3, captions=4, regions=5, dim=32)
    monkeypatch.setattr(scaling, "DEFAULT_CASE", small)
    monkeypatch.setattr(scaling, "AXES", {"images": (2, 3), "threads": (1, 2)})
    rows = scaling.measure(repeats=1)
    sizes = [(row.axis, row.value) for row in rows[::2]]
    assert sizes == [("images", 2), ("images", 3), ("threads", 1), ("threads", 2)]
    assert len(scaling.table(rows)) == 2 + len(rows)
    scaling.plot(rows, tmp_path / "plot.svg")
    assert "nanoseconds" in (tmp_path / "plot.svg").read_text()


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc"
)
def test_passes_over_a_small_set_are_identical():
    whole_set, ends = module("whole_set.py"), []
    case = whole_set.WholeSet(images=70, captions=120, regions=5, dim=32)
    tree = whole_set.measure(
        case, threads=1, progress=lambda done, total: ends.append(done == total)
    )
    for direction in ("t2i", "i2t"):
        assert tree[direction]["passes_identical"]
        assert len(tree[direction]["seconds"]) == 2
    assert ends.count(True) == 4


def test_joined_parts_equal_the_whole():
    words, images = unit_vectors(50, 9, 16), prepare(unit_vectors(20, 5, 16))
    lengths = np.arange(50) % 9 + 1
    parts = [prepare(words[n : n + 20], lengths[n : n + 20]) for n in (0, 20, 40)]
    joined = module("whole_set.py").join(parts)
    assert np.array_equal(score(images, joined), score(images, prepare(words, lengths)))


def test_rates_are_of_all_that_is_embedded():
    rates = module("rates.py").sentences_and_photos(captions=32, images=2)
    assert rates["images_encoded_per_second"] > 0
    assert rates["sentences_encoded_per_second"] > 0


SCRIPTS = sorted(
    path for folder in ("benchmarks", "examples", "docs") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_ask_for_what_there_is(path):
    """Every name that a script imports of this program, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("regard"):
            if node.module.startswith(ROOMS) and not has_torch():
                continue
            home = importlib.import_module(node.module)
            for name in node.names:
                is_there = hasattr(home, name.name) or importlib.util.find_spec(
                    f"{node.module}.{name.name}"
                )
                assert is_there, f"{node.module}.{name.name}"

"""regard ablate: every row is trained and judged once, and gains are over the two baselines."""

import json

import pytest
from torch_reach import needs_torch

from tests.cli.conftest import SMALL, WIDTH, invoke

pytestmark = needs_torch


@pytest.fixture(scope="module")
def ablation(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("ablation")
    where = ("--data", world.captions, "--regions", world.regions, "--out", out)
    command = ("ablate", *where, "--recipe", SMALL, "--set", WIDTH, "--set", "training.epochs=1")
    return out, command, invoke(*command, "--json")


def test_rows_gains_and_kinds(ablation):
    _, _, done = ablation
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    assert list(rows)[:2] == ["vsepp-photo", "vsepp-regions"]
    assert {"sum-max-t2i", "sum-max-i2t", "scan-both", "vsepp-both", "vseinf-regions"} < set(rows)
    assert {f"scan-{d}-{p}" for d in ("t2i", "i2t") for p in ("lse", "mean")} < set(rows)
    pooled = rows["vsepp-regions"]
    assert pooled["seeds"] == [pytest.approx(pooled["rsum"])]
    assert pooled["gains"]["text_to_image"]["gain"]["vsepp-regions"]["gain"] == 0
    row = rows["scan-t2i-mean"]
    ours, theirs = (r["text_to_image"]["R@1"] for r in (row, pooled))
    side = row["gains"]["text_to_image"]
    assert side["R@1"] == pytest.approx(ours)
    gained = side["gain"]["vsepp-regions"]
    assert gained["gain"] == pytest.approx(100 * (ours / theirs - 1))
    assert gained["interval"][0] <= gained["gain"] <= gained["interval"][1]
    assert list(row["kinds"]) == ["several objects", "attributes", "relations", "none of these"]


def test_rows_differ_and_the_whole_photo_is_one_region(ablation):
    out, _, done = ablation
    rows = json.loads(done.stdout)["rows"]
    assert len({row["rsum"] for row in rows}) > 3
    assert json.loads((out / "vseinf-regions-0" / "recipe.json").read_text())["model"]["gpo"]
    recipe = json.loads((out / "scan-i2t-lse-0" / "recipe.json").read_text())
    assert recipe["model"]["scoring"]["lambda_softmax"] == 4.0
    assert json.loads((out / "vsepp-photo-0" / "recipe.json").read_text())["training"]["seed"] == 0


def test_finished_rows_are_taken_as_they_are(ablation):
    out, command, done = ablation
    logs = {path: path.read_text() for path in out.glob("*/log.jsonl")}
    again = invoke(*command, "--json")
    assert again.stdout == done.stdout
    assert {path: path.read_text() for path in out.glob("*/log.jsonl")} == logs
    table = invoke(*command).stdout
    assert "SCAN t-i LSE" in table
    assert "R@1 relative to VSE++ on the mean of regions" in table

"""regard compare: two models on the same queries, told as a table and as JSON."""

import json
from dataclasses import replace

import numpy as np

from regard.model.checkpoint import load_checkpoint, save_checkpoint
from tests.cli.conftest import invoke


def compare(world, *arguments):
    where = ("--data", world.captions, "--regions", world.regions)
    return invoke("compare", *arguments, *where)


def test_two_models_are_set_beside_each_other(world, tmp_path):
    checkpoint = load_checkpoint(world.model)
    embeddings = np.zeros_like(checkpoint.weights["words.embed.weight"])
    worse = {**checkpoint.weights, "words.embed.weight": embeddings}
    for seed in (0, 1):
        save_checkpoint(tmp_path / f"worse/seed-{seed}/best", replace(checkpoint, weights=worse))
    done = compare(world, world.model, tmp_path / "worse", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    tree = json.loads(done.stdout)
    assert tree["seeds"] == [1, 2]
    evaluated = invoke(
        *("evaluate", "--model", world.model, "--data", world.captions),
        *("--regions", world.regions, "--json"),
    )
    assert abs(tree["rsum"]["first"] - json.loads(evaluated.stdout)["rsum"]) < 1e-9
    assert tree["rsum"]["difference"] == tree["rsum"]["first"] - tree["rsum"]["second"]
    shown = compare(world, world.model, world.model)
    assert "+0.0 (+0.0 to +0.0)" in shown.stdout
    assert "may be chance" in shown.stderr

"""regard point: a model that was taught to point points better, on photos it was not taught on."""

import json
import shutil

import numpy as np

from regard.model.checkpoint import load_checkpoint
from regard.training import pointing
from tests.cli.conftest import invoke


def test_a_taught_model_points_better_and_is_otherwise_the_same(world, tmp_path, monkeypatch):
    monkeypatch.setattr(pointing, "_PHOTOS_AT_ONCE", 4)  # few photos, hence small steps and more
    monkeypatch.setattr(pointing, "_RATE", 1e-2)
    model, phrases = tmp_path / "model", world.captions.with_name("phrases.jsonl")
    shutil.copytree(world.model, model)
    data = ("--data", world.captions, "--regions", world.regions)
    done = invoke("point", model, *data, "--phrases", phrases, "--epochs", 12)
    assert done.exit_code == 0, done.output
    assert "Recorded in" in done.stderr
    done = invoke("evaluate", "--model", model, *data, "--grounding", phrases, "--json")
    tree = json.loads(done.stdout)
    assert list(tree["ways"]) == ["map", "map_of_cosines", "most_attended", "most_similar"]
    taught, before = tree["ways"]["map"], tree["ways"]["map_of_cosines"]
    assert taught["pointing_accuracy"] > before["pointing_accuracy"] + 5
    ours, theirs = load_checkpoint(model), load_checkpoint(world.model)
    for name, value in theirs.weights.items():
        np.testing.assert_array_equal(value, ours.weights[name])
    first = (model / "pointer.safetensors").read_bytes()
    assert invoke("point", model, *data, "--phrases", phrases, "--epochs", 12).exit_code == 0
    assert (model / "pointer.safetensors").read_bytes() == first  # the seed decides everything

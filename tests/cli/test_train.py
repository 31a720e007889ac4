"""regard train: trains, tells, keeps the best, resumes to the same weights."""

import json
import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from regard.checkpoint import load_checkpoint
from tests.cli.conftest import invoke, train_arguments


def weights(run):
    return load_file(run / "state/tensors.safetensors")


def test_best_model_is_kept_with_its_recipe(world):
    made = load_checkpoint(world.model)
    assert made.extractor.startswith("statistics")
    assert made.info["recipe"]["model"]["embed_dim"] == 32
    assert 0 < made.info["validation"]["rsum"] <= 600
    lines = (world.model.parent / "log.jsonl").read_text().splitlines()
    log = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in log] == [1, 2]
    assert max(row["rsum"] for row in log) == made.info["validation"]["rsum"]


def test_finished_run_is_left_as_it_is(world):
    done = invoke(*train_arguments(world.captions, world.regions, world.model.parent), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["model"] == str(world.model)


def test_killed_run_resumes_to_the_same_weights(world, tmp_path):
    """Killed inside an epoch, after a saved state; the rest gives identical weights."""
    command = train_arguments(world.captions, world.regions, tmp_path / "run")
    script = (
        "import os, torch\n"
        "torch.set_num_threads(1)\n"  # as in this process: sums depend on it
        "import regard.training.loop as loop\n"
        "loop._SAVE_EVERY = 2\n"
        "real = loop.learning_rate\n"
        "calls = []\n"
        "def rate(*rest):\n"  # asked for once a step
        "    calls.append(1)\n"
        "    if len(calls) == 6: os._exit(9)\n"
        "    return real(*rest)\n"
        "loop.learning_rate = rate\n"
        "from regard.cli.main import app\n"
        f"app({[str(a) for a in command]!r})\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    assert (tmp_path / "run/state").is_dir()
    assert invoke(*command).exit_code == 0
    expected, found = weights(world.model.parent), weights(tmp_path / "run")
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name]).all() for name in expected)


def test_run_of_another_recipe_is_refused(world, tmp_path):
    shutil.copytree(world.model.parent, tmp_path / "run")
    more = train_arguments(world.captions, world.regions, tmp_path / "run", "training.seed=9")
    assert "run of another recipe" in str(invoke(*more).exception)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epocs=2", "Did you mean 'epochs'"),
        ("model.feature_dim=12", "must be the same"),
        ("training.margin=-1", "training.margin is -1"),
    ],
)
def test_mistaken_settings_are_named(world, tmp_path, setting, message):
    more = train_arguments(world.captions, world.regions, tmp_path / "run", setting)
    assert message in str(invoke(*more).exception)

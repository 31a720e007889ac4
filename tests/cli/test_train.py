"""regard train: trains, tells, keeps the best, resumes to the same weights."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.torch import load_file

from regard.model.checkpoint import load_checkpoint
from tests.cli.conftest import invoke, train_arguments


def weights(run):
    return load_file(run / "state.safetensors")


def test_best_model_is_kept_with_its_recipe(world):
    checkpoint = load_checkpoint(world.model)
    assert checkpoint.extractor.startswith("statistics")
    assert checkpoint.info["recipe"]["model"]["embed_dim"] == 32
    assert 0 < checkpoint.info["validation"]["rsum"] <= 600
    lines = (world.model.parent / "log.jsonl").read_text().splitlines()
    log = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in log] == [1, 2]
    assert max(row["rsum"] for row in log) == checkpoint.info["validation"]["rsum"]


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
        "from regard.training.config import TrainConfig\n"
        "real = TrainConfig.rate\n"
        "calls = []\n"
        "def rate(*rest):\n"  # asked for once a step
        "    calls.append(1)\n"
        "    if len(calls) == 6: os._exit(9)\n"
        "    return real(*rest)\n"
        "TrainConfig.rate = rate\n"
        "from regard.cli.main import app\n"
        f"app({[str(a) for a in command]!r})\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    assert (tmp_path / "run/state.safetensors").is_file()
    assert invoke(*command).exit_code == 0
    expected, actual = weights(world.model.parent), weights(tmp_path / "run")
    assert actual.keys() == expected.keys()
    assert all((actual[name] == expected[name]).all() for name in expected)


def test_seeds_are_runs_of_their_own_with_mean_and_interval(world, tmp_path):
    command = train_arguments(world.captions, world.regions, tmp_path, "training.epochs=1")
    pytest.importorskip("tensorboard")
    done = invoke(*command, "--seeds", 2, "--log-to", "tensorboard", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    assert len(list(tmp_path.glob("seed-?/tensorboard/events.*"))) == 2
    tree = json.loads(done.stdout)
    assert [run["model"] for run in tree["runs"]] == [
        str(tmp_path / f"seed-{seed}/best") for seed in (0, 1)
    ]
    rsums = [run["rsum"] for run in tree["runs"]]
    assert tree["rsum"] == pytest.approx(sum(rsums) / 2)
    assert tree["interval"][0] <= tree["rsum"] <= tree["interval"][1]
    assert (tmp_path / "curves.png").is_file()
    assert "mean of 2 seeds" in invoke(*command, "--seeds", 2).stderr
    assert invoke("curves", tmp_path, "--out", tmp_path / "both.svg").exit_code == 0
    assert (tmp_path / "both.svg").read_text().count("<path") > 4


def test_a_reporter_that_is_not_there_is_told_before_anything_is_trained(world, tmp_path):
    command = train_arguments(world.captions, world.regions, tmp_path / "run")
    done = invoke(*command, "--log-to", "paper")
    assert "must be one of tensorboard, wandb" in str(done.exception)
    assert not (tmp_path / "run").exists()


def test_a_run_s_folder_tells_how_to_repeat_it(world):
    run = world.model.parent
    starts = [json.loads(line) for line in (run / "starts.jsonl").read_text().splitlines()]
    assert starts[0]["epoch"] == starts[0]["step"] == 0
    assert {"time", "command", "versions", "code", "device"} <= starts[0].keys()
    assert starts[0]["versions"]["torch"]
    assert json.loads((run / "data.json").read_text()).keys() >= {"training set", "vocabulary"}
    assert json.loads((run / "recipe.json").read_text())["training"]["epochs"] == 2
    assert (run / "curves.png").is_file()
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert all(line["peak_memory"] > 1e6 for line in log)


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


def test_empty_captions_are_named_in_training_and_calibration(tmp_path):
    generator = np.random.default_rng(0)
    for split, empty in (("train", 3), ("dev", 5)):
        lines = [f"a {word} dog" for word in ("red", "green", "blue", "old", "big", "wet")] * 4
        lines[empty - 1] = ""
        (tmp_path / f"{split}_caps.txt").write_text("\n".join(lines) + "\n")
        np.save(tmp_path / f"{split}_ims.npy", generator.random((12, 3, 6), np.float32))
    sizes = ("model.feature_dim=6", "model.embed_dim=8", "model.word_dim=5")
    settings = (*sizes, "training.epochs=1", "training.batch_size=8", "training.min_count=1")
    chosen = [part for setting in settings for part in ("--set", setting)]
    data = ("--data", tmp_path)
    train = ("train", *data, "--out", tmp_path / "run", "--recipe", "official", *chosen)
    for command in (train, ("calibrate", tmp_path / "run/best", *data)):
        done = invoke(*command)
        assert done.exit_code == 0, (done.output, done.exception)
        assert "caption in line 3 of train_caps.txt is empty" in done.stderr
        assert "caption in line 5 of dev_caps.txt is empty" in done.stderr

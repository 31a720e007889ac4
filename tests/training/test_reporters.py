"""Runs are told to TensorBoard and Weights & Biases by one protocol, killed ones without seams."""

import json
import sys
from types import SimpleNamespace

import pytest
from tests.training.test_loop import Photos, recipe

from regard.errors import ConfigError
from regard.training.loop import train
from regard.training.reporters import REPORTERS, check_reporters, reporting

EPOCHS, STEPS = 2, 4  # of 36 pairs, 8 a step


class KilledError(Exception):
    """As a signal would end a run."""


def learn(folder, name, killed_at=None):
    """Train a small run that is told to one reporter; perhaps kill it at a step of all steps."""
    wanted = recipe("scan-t2i-mean-f30k")
    told = []

    def kill(progress):
        told.append(progress)
        if progress.validation is None and len(told) == killed_at:
            raise KilledError

    with reporting(REPORTERS[name](folder, wanted)) as tell:
        train(wanted, Photos(0), Photos(3), folder, lambda p: (tell(p), kill(p)))
    return told


def read_back(folder):
    """Scalars of the event files, as TensorBoard itself reads them: name to (step, value)."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = module.EventAccumulator(str(folder))
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in names}, events


def test_tensorboard_reads_every_step_and_epoch_once_though_the_run_was_killed(tmp_path):
    pytest.importorskip("tensorboard")
    with pytest.raises(KilledError):
        learn(tmp_path, "tensorboard", killed_at=7)
    learn(tmp_path, "tensorboard")
    scalars, events = read_back(tmp_path / "tensorboard")
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [step for step, _ in scalars["train/loss"]] == list(range(1, EPOCHS * STEPS + 1))
    of_epochs = [(STEPS * line["epoch"], pytest.approx(line["rsum"])) for line in log]
    assert scalars["val/rsum"] == of_epochs
    assert len(scalars["val/image_to_text/R@1"]) == EPOCHS
    (told,) = events.Tensors("recipe/text_summary")[-1].tensor_proto.string_val
    assert b'"batch_size": 8' in told


class Wandb:
    """What the adapter needs of the package: its runs, by id."""

    def __init__(self):
        self.runs = {}

    def Settings(self, **settings):  # noqa: N802 - as the package has it
        return settings

    def init(self, *, id, **begun):
        run = self.runs.setdefault(id, SimpleNamespace(begun=begun, rows=[], finished=0))
        run.log = run.rows.append
        run.define_metric = lambda name, step_metric: run.begun.update({name: step_metric})
        run.finish = lambda: vars(run).update(finished=run.finished + 1)
        return run


def test_wandb_goes_on_with_the_same_run(tmp_path, monkeypatch):
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    with pytest.raises(KilledError):
        learn(tmp_path, "wandb", killed_at=7)
    learn(tmp_path, "wandb")
    (run,) = wandb.runs.values()
    assert run.finished == 2
    assert (run.begun["project"], run.begun["*"]) == ("regard", "step")
    assert run.begun["config"]["training"]["batch_size"] == 8
    assert max(row["step"] for row in run.rows) == EPOCHS * STEPS
    assert sum("val/rsum" in row for row in run.rows) == EPOCHS


def test_nothing_is_made_for_a_run_that_tells_nothing(tmp_path):
    with reporting(*(make(tmp_path, recipe()) for make in REPORTERS.values())):
        pass
    assert not list(tmp_path.iterdir())


def test_reporters_that_cannot_be_had_are_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"must be one of tensorboard, wandb"):
        check_reporters(["mlflow"])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[wandb\]'"):
        check_reporters(["wandb"])

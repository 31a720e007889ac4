"""Whole runs of the official code, repeated: training, and checkpoints for its own torch."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from tests.official.test_runs import RUNS, data, imported, recorded

from regard.datasets.dataset import Dataset, open_dataset
from regard.model.checkpoint import Checkpoint
from regard.model.network import network_of
from regard.official.export import export_checkpoint
from regard.training.batches import PairBatches
from regard.training.config import load_recipe
from regard.training.step import batch_loss

Losses = Float[np.ndarray, " step"]


def train_officially(checkpoint: Checkpoint, dataset: Dataset, order: list[list[int]]) -> Losses:
    """Losses of the recipe `official`, with the run's own settings and batch order."""
    options = checkpoint.info["official"]["opt"]
    settings = [
        f"training.learning_rate={options['learning_rate']}",
        f"training.margin={options['margin']}",
        f"training.clip_norm={options['grad_clip']}",
        f"training.negatives={'hardest' if options['max_violation'] else 'sum'}",
    ]
    config = load_recipe("official", settings).training
    model = network_of(checkpoint).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    batches = PairBatches(dataset, checkpoint.vocabulary, len(order[0]))
    losses = []
    for rows in order:
        optimizer.zero_grad()
        loss = batch_loss(model, batches.batch(np.array(rows)), config).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def nudged(checkpoint: Checkpoint, seed: int) -> Checkpoint:
    """The same model, every weight moved by at most half of a float32's last digit."""
    generator = np.random.default_rng(seed)
    weights = {
        name: (value * (1 + 2**-24 * generator.uniform(-1, 1, value.shape))).astype(np.float32)
        for name, value in checkpoint.weights.items()
    }
    return replace(checkpoint, weights=weights)


def drifts(ours: Losses, expected: Losses) -> tuple[float, float]:
    """Largest relative difference in the first ten steps, and in all."""
    drift = np.abs(ours - expected) / expected
    return float(drift[:10].max()), float(drift.max())


@pytest.mark.parametrize("run", RUNS)
def test_training_gives_the_recorded_losses(golden: Path, run: str) -> None:
    """Within 1e-5 for ten steps and 0.5 % for all, or what rounding alone does if that is more.

    Measured, first ten steps and all sixty: 2e-7 and 8e-6 in run_i2t_lse, 3e-4 and 2 % in
    run_t2i_mean (its first seven: 1e-5). The latter starts near collapse, where similarities
    differ by 1e-4 and hardest negatives flip. And Adam divides by a gradient's size plus 1e-8:
    one recurrent weight's first gradient is 2.2e-9 exactly, 2.2e-9 to 2.9e-9 in float32 as
    instructions and order of summing go, which moves that weight by up to 1e-4. Nudging every
    initial weight by half a float32 digit makes the same program differ from itself by 2e-5 to
    4e-4 in ten steps and 2 to 5 % in sixty; three times that is allowed. A literal transcription
    of the official loop (1e-4, 3 %) and float64 throughout (3e-4, 3 %) are no nearer.
    """
    whole = recorded(golden / run)
    expected, order = np.array(whole["losses"]), whole["batch_order"]
    dataset = open_dataset(data(golden / run), "train")

    def again(seed: int | None = None) -> Losses:
        model = imported(golden / run, "checkpoint_init")
        return train_officially(model if seed is None else nudged(model, seed), dataset, order)

    losses = again()
    assert len(losses) == len(expected)
    first_ten, all_steps = drifts(losses, expected)
    if first_ten < 1e-5 and all_steps < 5e-3:
        return
    np.testing.assert_allclose(losses[:5], expected[:5], rtol=1e-5)
    assert all_steps < 0.5
    allowed = 1e-5, 5e-3
    for seed in range(4):  # until one differs from itself as much
        by_rounding = drifts(again(seed), losses)
        allowed = tuple(max(most, 3 * own) for most, own in zip(allowed, by_rounding, strict=True))
        if first_ten < allowed[0] and all_steps < allowed[1]:
            return
    pytest.fail(f"drifts are {first_ten, all_steps}; by rounding alone {allowed}")


@pytest.mark.parametrize("run", RUNS)
def test_export_is_what_the_official_code_wrote(golden: Path, run: str, tmp_path: Path) -> None:
    """Plain torch.load opens it, and every tensor and setting is as it was."""
    checkpoint = imported(golden / run, "model_best")
    export_checkpoint(tmp_path / "out.pth.tar", checkpoint)
    ours = torch.load(tmp_path / "out.pth.tar", weights_only=False)
    theirs = torch.load(golden / run / "model_best.pth.tar", weights_only=False)
    assert isinstance(ours["opt"], Namespace)
    assert ours["opt"] == theirs["opt"]
    assert {n: ours[n] for n in ("epoch", "best_rsum", "Eiters")} == {
        n: theirs[n] for n in ("epoch", "best_rsum", "Eiters")
    }
    for actual, expected in zip(ours["model"], theirs["model"], strict=True):
        assert list(actual) == list(expected)
        assert all(torch.equal(actual[name], expected[name]) for name in expected)

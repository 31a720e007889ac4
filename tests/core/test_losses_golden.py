"""Losses and their gradients against recordings from the official code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import GOLDEN

from regard.core.attention import similarity
from regard.core.losses import triplet_loss
from regard.core.scoring import Scoring

POOLING = {"LogSumExp": "lse", "Mean": "mean", "Max": "max", "Sum": "sum"}
CASES = [
    (path.stem, number)
    for path in sorted(GOLDEN.glob("scores_*.json"))
    for number in range(len(json.loads(path.read_text())["losses"]))
] or [("scores_small", 0)]


def across(gradient: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
    """The part of a gradient that changes a unit vector's direction and not its length."""
    return gradient - (gradient * unit).sum(-1, keepdim=True) * unit


@pytest.mark.parametrize(("file", "number"), CASES)
def test_loss_and_gradients_equal_the_recordings(golden: Path, file: str, number: int) -> None:
    case = json.loads((golden / f"{file}.json").read_text())["losses"][number]
    arrays = np.load(golden / f"{file}.npz")
    pairs = min(len(arrays["images"]), len(arrays["captions"]))
    regions = torch.from_numpy(arrays["images"][:pairs]).requires_grad_()
    words = torch.from_numpy(arrays["captions"][:pairs]).requires_grad_()
    lengths = torch.from_numpy(arrays["lengths"][:pairs])
    word_mask = torch.arange(words.shape[1])[None] < lengths[:, None]
    scoring = Scoring(
        direction=case["direction"],
        pooling=POOLING[case["agg"]],
        lambda_softmax=case["lambda_softmax"],
        lambda_lse=case["lambda_lse"],
    )
    scores = similarity(
        regions, words, torch.ones(regions.shape[:2], dtype=torch.bool), word_mask, scoring
    )
    negatives = "hardest" if case["max_violation"] else "sum"
    loss = triplet_loss(scores, torch.eye(pairs, dtype=torch.bool), case["margin"], negatives)
    loss.backward()

    name = case["array"]
    assert loss.item() == pytest.approx(float(arrays[name]), rel=2e-6)
    for leaf, recorded in ((regions, f"{name}_gimages"), (words, f"{name}_gcaptions")):
        expected = across(torch.from_numpy(arrays[recorded]), leaf.detach())
        slopes = across(leaf.grad, leaf.detach())
        largest = expected.abs().max()
        assert largest > 0.01
        assert (slopes - expected).abs().max() <= 1e-5 * largest

"""The models that ship: whole, small, described, and able to tell a sentence from another."""

from pathlib import Path

import numpy as np
import pytest

import regard
from regard.model.checkpoint import load_checkpoint, shipped_models
from regard.model.model import load

WEIGHTS = Path(regard.__file__).parent / "weights"
MOST_MEGABYTES = 70


def test_the_default_model_ships():
    assert "flickr8k" in shipped_models()


def test_all_shipped_files_together_are_small():
    size = sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file())
    assert size <= MOST_MEGABYTES * 10**6


@pytest.mark.parametrize("name", shipped_models())
def test_a_card_says_what_the_configuration_recorded(name):
    card = (WEIGHTS / name / "README.md").read_text(encoding="utf-8")
    validation = load_checkpoint(name).info["validation"]
    for side in ("image_to_text", "text_to_image"):
        row = " | ".join(f"{validation[side][f'R@{k}']:.1f}" for k in (1, 5, 10))
        assert row in card
    assert f"rSum {validation['rsum']:.1f}" in card
    assert "non-commercial research and education" in card


@pytest.mark.parametrize("name", shipped_models())
def test_words_of_a_kind_lie_together(name):
    """Sentences about dogs are nearer to each other than to sentences about mountain bikes."""
    sentences = [
        "a dog runs through the grass",
        "a puppy plays in a field",
        "a man rides a mountain bike",
        "a cyclist jumps off a ramp",
    ]
    encoded = load(name).encode_captions(sentences)
    pooled = encoded.vectors.sum(1) / encoded.lengths[:, None]
    pooled -= pooled.mean(0)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    near = pooled @ pooled.T
    assert min(near[0, 1], near[2, 3]) > max(near[0, 2], near[0, 3], near[1, 2], near[1, 3])

"""Models on disk: the same model comes back, and a damaged or foreign folder is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.small import random_checkpoint

from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.errors import CheckpointError
from regard.model.checkpoint import (
    FORMAT,
    fingerprint,
    load_checkpoint,
    resolve_model,
    save_checkpoint,
    shipped_models,
)
from regard.words.vocabulary import Vocabulary


def checkpoint(**settings):
    vocabulary = Vocabulary.build(["a dog and a cat"], 1)
    config = ModelConfig(
        feature_dim=6,
        embed_dim=8,
        word_dim=5,
        state_dim=4,
        word_hidden=6,
        scoring=Scoring(direction="i2t", pooling="mean", lambda_softmax=4.0),
        **settings,
    )
    small = random_checkpoint(config, vocabulary, "an extractor")
    return replace(small, info={"recipe": "none", "figures": [1.5]})


@pytest.mark.parametrize("encoding", ["gru", "states"])
def test_everything_comes_back(tmp_path, encoding):
    saved = checkpoint(word_encoding=encoding, region_mlp=True)
    save_checkpoint(tmp_path / "model", saved)
    loaded = load_checkpoint(tmp_path / "model")
    for name in ("config", "vocabulary", "extractor", "info", "background", "pointer"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert fingerprint(loaded.weights) == fingerprint(saved.weights)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
        "vocab.json",
    ]


def test_half_takes_half_the_room_and_is_near(tmp_path):
    saved = checkpoint()
    save_checkpoint(tmp_path / "full", saved)
    save_checkpoint(tmp_path / "half", saved, half=True)
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("full", "half")]
    assert sizes[1] < 0.75 * sizes[0]
    for name, value in load_checkpoint(tmp_path / "half").weights.items():
        np.testing.assert_allclose(value, saved.weights[name], atol=1e-3, rtol=1e-3)


def test_a_changed_weight_changes_the_fingerprint():
    weights = checkpoint().weights
    before = fingerprint(weights)
    weights["words.embed.weight"][0, 0] += 1e-3
    assert fingerprint(weights) != before


def test_the_fingerprint_is_that_of_the_numbers_however_kept():
    half = {name: value.astype(np.float16) for name, value in checkpoint().weights.items()}
    full = {name: value.astype(np.float32) for name, value in half.items()}
    assert fingerprint(half) == fingerprint(full)


def test_shipped_models_have_the_fingerprints_that_indexes_know():
    expected = {"flickr8k": "eb44c6a2fce60dea", "flickr8k-i2t": "19411f58372ec24f"}
    fingerprints = {name: fingerprint(load_checkpoint(name).weights) for name in shipped_models()}
    assert fingerprints == expected


def test_a_folder_that_is_no_model_is_named():
    with pytest.raises(CheckpointError, match=f"one of {', '.join(shipped_models())}"):
        resolve_model("no-such-model")


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors", "vocab.json"])
def test_a_damaged_file_is_an_error_that_names_the_folder(tmp_path, damage):
    save_checkpoint(tmp_path / "model", checkpoint())
    (tmp_path / "model" / damage).write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "model")


def test_weights_of_other_sizes_are_refused(tmp_path):
    save_checkpoint(tmp_path / "model", checkpoint())
    path = tmp_path / "model/config.json"
    tree = json.loads(path.read_text())
    tree["model"]["embed_dim"] = 9
    path.write_text(json.dumps(tree))
    with pytest.raises(CheckpointError, match=r"regions.linear.weight has shape .*; it must be"):
        load_checkpoint(tmp_path / "model")


def test_a_newer_format_asks_for_an_update(tmp_path):
    save_checkpoint(tmp_path / "model", checkpoint())
    path = tmp_path / "model/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": FORMAT + 1}))
    with pytest.raises(CheckpointError, match="pip install --upgrade regard"):
        load_checkpoint(tmp_path / "model")

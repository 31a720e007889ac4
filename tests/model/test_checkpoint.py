"""Models on disk: the same model comes back, and a damaged or foreign folder is named."""

import json

import pytest
import torch

from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.errors import CheckpointError
from regard.model.checkpoint import (
    FORMAT,
    Checkpoint,
    fingerprint,
    load_checkpoint,
    resolve_model,
    save_checkpoint,
    shipped_models,
)
from regard.words.vocabulary import Vocabulary


def checkpoint(**settings):
    torch.manual_seed(0)
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
    model = MatchingModel(config, len(vocabulary))
    return Checkpoint(model, vocabulary, "an extractor", {"recipe": "none", "figures": [1.5]})


@pytest.mark.parametrize("encoding", ["gru", "states"])
def test_everything_comes_back(tmp_path, encoding):
    saved = checkpoint(word_encoding=encoding, region_mlp=True)
    save_checkpoint(tmp_path / "model", saved)
    found = load_checkpoint(tmp_path / "model")
    assert found.network.config == saved.network.config
    assert found[1:] == saved[1:]
    assert fingerprint(found.network) == fingerprint(saved.network)
    assert not found.network.training
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
    for name, value in load_checkpoint(tmp_path / "half").network.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, saved.network.state_dict()[name], atol=1e-3, rtol=1e-3)


def test_a_changed_weight_changes_the_fingerprint():
    model = checkpoint().network
    before = fingerprint(model)
    with torch.no_grad():
        model.words.embed.weight[0, 0] += 1e-3
    assert fingerprint(model) != before


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
    with pytest.raises(CheckpointError, match="must belong together"):
        load_checkpoint(tmp_path / "model")


def test_a_newer_format_asks_for_an_update(tmp_path):
    save_checkpoint(tmp_path / "model", checkpoint())
    path = tmp_path / "model/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": FORMAT + 1}))
    with pytest.raises(CheckpointError, match="pip install --upgrade regard"):
        load_checkpoint(tmp_path / "model")

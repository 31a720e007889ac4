"""Models in the hub's layout: written whole, read back, fetched and published without a network."""

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from small import save_model

import regard
from regard.errors import CheckpointError
from regard.model.model import Model, load

SENTENCES = ["a red dog on the grass", "a cat"]


def test_saved_model_reads_and_says_the_same(tmp_path):
    matcher = load(save_model(tmp_path / "model"))
    assert matcher.save_pretrained(tmp_path / "saved") is None
    again = Model.from_pretrained(tmp_path / "saved")
    assert again.identity == matcher.identity
    one, other = (m.encode_captions(SENTENCES).vectors for m in (matcher, again))
    np.testing.assert_array_equal(one, other)
    assert "library_name: regard" in (tmp_path / "saved/README.md").read_text()


def test_a_shipped_model_takes_card_background_and_backbone_along(tmp_path):
    Model.from_pretrained("flickr8k").save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"README.md", "background.safetensors", "backbone.onnx"} <= names
    shipped = Path(regard.__file__).parent / "weights"
    assert (tmp_path / "README.md").read_text() == (shipped / "flickr8k/README.md").read_text()
    again = Model.from_pretrained(tmp_path)
    assert again.extractor_name == f"pyramid:{tmp_path / 'backbone.onnx'}"
    assert again.curves == load("flickr8k").curves


def test_a_name_on_the_hub_is_fetched_by_its_client(tmp_path, monkeypatch):
    folder = save_model(tmp_path / "model")
    asked = []

    def download(name, *, allow_patterns, **options):
        asked.append((name, options))
        assert not any(pattern.endswith((".py", ".bin", "*")) for pattern in allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    matcher = Model.from_pretrained("someone/model", revision="v1", local_files_only=True)
    assert matcher.identity == load(folder).identity
    assert asked == [("someone/model", {"revision": "v1", "local_files_only": True})]


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be had from the hub"):
        Model.from_pretrained("someone/absent", local_files_only=True, cache_dir=tmp_path)


def test_upload_holds_the_whole_layout(tmp_path, monkeypatch):
    sent = {}

    class Api:
        def __init__(self, token):
            sent["token"] = token

        def create_repo(self, name, private, exist_ok):
            assert exist_ok
            assert private is None
            return SimpleNamespace(repo_id=f"me/{name}")

        def upload_folder(self, repo_id, folder_path, commit_message):
            assert commit_message
            sent["files"] = sorted(path.name for path in Path(folder_path).iterdir())
            return f"https://hub/{repo_id}"

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    matcher = load(save_model(tmp_path / "model"))
    assert matcher.push_to_hub("mine", token="secret") == "https://hub/me/mine"
    assert sent["token"] == "secret"
    assert sent["files"] == ["README.md", "config.json", "model.safetensors", "vocab.json"]
    saved = matcher.save_pretrained(tmp_path / "named", push_to_hub=True)
    assert saved == "https://hub/me/named"

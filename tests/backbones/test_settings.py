"""Names of backbones, and what is chosen with them."""

import json

import pytest

import regard
from regard.backbones.settings import Choice, is_backbone, known, repository_of
from regard.errors import CheckpointError
from regard.regions.extractor import at_device


@pytest.mark.parametrize(
    "text", ["siglip2-b16", "google/siglip2-base-patch16-256", "C:\\my-clip", "tipsv2-b14:grid",
             "tipsv2-b14:grid:synthetic", "folder:synthetic"],
)  # fmt: skip
def test_a_choice_is_written_as_it_was_read(text):
    assert str(Choice.parse(text)) == text


def test_a_device_is_no_part_of_what_a_backbone_is():
    choice = Choice.parse("tipsv2-b14:grid@cuda:1")
    assert choice == Choice("tipsv2-b14", "grid", device="cuda:1")
    assert (str(choice), choice.located) == ("tipsv2-b14:grid", "tipsv2-b14:grid@cuda:1")
    assert Choice.parse("me@home").name == "me@home"
    assert Choice.parse(at_device("a/b", "mps")) == Choice("a/b", device="mps")
    assert Choice("clip-b32").located == "clip-b32"


def test_choices_are_read_in_any_order():
    choice = Choice.parse("tipsv2-b14:synthetic:grid")
    assert choice == Choice("tipsv2-b14", "grid", True)
    assert Choice.parse("a:grids").name == "a:grids"


def test_known_ones_have_names_on_the_hub():
    assert repository_of("clip-b32") == "openai/clip-vit-base-patch32"
    assert repository_of("somebody/else") == "somebody/else"
    assert all(
        about.family in ("clip", "siglip", "siglip2", "tipsv2") for about in known().values()
    )


def test_backbones_are_told_from_models_of_regard(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, tree in (("ours", {"format": 1}), ("theirs", {"model_type": "clip"}), ("odd", [])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(tree))
    (tmp_path / "odd/config.json").write_text("no json")
    asked = ["ours", "theirs", "odd", "clip-b32", "clip-b32:grid", "owner/name", "flickr8k",
             "theirs/none", "./a/b", str(tmp_path / "none")]  # fmt: skip
    assert [name for name in asked if is_backbone(name)] == [
        "theirs", "clip-b32", "clip-b32:grid", "owner/name",
    ]  # fmt: skip


def test_what_is_not_here_is_never_fetched_but_the_command_said(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("clip-b32", "owner/name"):
        with pytest.raises(CheckpointError, match=f"Run: regard models get {name}"):
            regard.load(name)
    with pytest.raises(CheckpointError, match="605 MB"):
        regard.load("clip-b32:grid")

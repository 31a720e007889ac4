"""regard tune: from a trained model to a backbone, resumable, and used by extract and train."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small import draw, random_checkpoint

from regard.core.model_config import ModelConfig
from regard.model.checkpoint import load_checkpoint, save_checkpoint
from regard.regions.pyramid import UNTUNED
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary
from tests.cli.conftest import invoke

SETTINGS = ["--set", "epochs=1", "--set", "photos=2", "--set", "units=1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    rows = []
    for number in range(6):
        draw(folder / f"images/{number}.png", number, (40, 40))  # fewest pixels in the network
        caption = ("a red dog", "a cat on grass", "a blue beach")[number % 3]
        split = "val" if number > 3 else "train"
        rows.append({"file": f"{number}.png", "caption": caption, "split": split})
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    vocabulary = Vocabulary((*SPECIAL, "a", "red", "dog", "cat", "on", "grass", "blue", "beach"))
    config = ModelConfig(embed_dim=8, word_dim=8)
    save_checkpoint(folder / "model", random_checkpoint(config, vocabulary, UNTUNED))
    return folder


def arguments(place, *more):
    return [
        *("tune", "--data", place / "captions.jsonl", "--images", place / "images"),
        *("--model", place / "model", "--out", place / "run", *SETTINGS, *more),
    ]


def test_tuned_backbone_is_extracted_and_trained_with(place):
    done = invoke(*arguments(place), "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert 0 < tree["rsum"] <= 600
    again = invoke(*arguments(place), "--json")  # finished: nothing is done again
    assert json.loads(again.stdout) == tree

    backbone = f"{tree['model']}/backbone.onnx"
    extractor = f"pyramid:{backbone}"
    regions = place / "tuned.regions"
    captions, images = place / "captions.jsonl", place / "images"
    extract = ("extract", captions, "--images", images, "--out", regions)
    assert invoke(*extract, "--extractor", extractor).exit_code == 0
    train = [
        *("train", "--data", captions, "--regions", regions, "--out", place / "trained"),
        *("--recipe", "official", "--set", "training.epochs=1", "--set", "model.embed_dim=8"),
        *("--set", "model.word_dim=8", "--set", "training.batch_size=4"),
        *("--backbone", backbone, "--start", tree["model"]),
    ]
    done = invoke(*train)
    assert done.exit_code == 0, done.output
    score = invoke(
        *("score", images / "0.png", "a red dog", "--model", place / "trained/best", "--json")
    )
    assert score.exit_code == 0, score.output  # its own backbone reads the photo


def test_blended_model_lies_between_and_reads_photos(place, tmp_path):
    tuned = json.loads(invoke(*arguments(place), "--json").stdout)["model"]
    begun = place / "model"
    half = ("blend", begun, tuned, "--share", "0.5", "--out", tmp_path / "half")
    tree = json.loads(invoke(*half, "--json").stdout)
    ends = [load_checkpoint(folder).weights for folder in (begun, tuned)]
    for name, value in load_checkpoint(tree["model"]).weights.items():
        np.testing.assert_allclose(value, (ends[0][name] + ends[1][name]) / 2, atol=1e-6)
    photo = place / "images/0.png"
    done = invoke("score", photo, "a red dog", "--model", tmp_path / "half", "--json")
    assert done.exit_code == 0, done.output
    backbone = tmp_path / "half/backbone.onnx"
    done = invoke(
        *("blend", begun, begun, "--backbone", backbone, "--out", tmp_path / "other", "--json")
    )
    assert json.loads(done.stdout)["extractor"] == tree["extractor"]
    assert "must have its backbone" in str(
        invoke("blend", begun, begun, "--out", tmp_path / "none").exception
    )


def test_captions_of_another_run_are_not_taken(place, tmp_path):
    """Neither by a run that goes on, nor through what the last one left on disk."""
    invoke(*arguments(place))
    other = tmp_path / "captions.jsonl"
    other.write_text((place / "captions.jsonl").read_text().replace("a blue beach", "a red cat"))
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    again = arguments(place, "--out", run, "--data", other)
    assert "with other settings (another train split and val split)" in str(
        invoke(*again).exception
    )
    (run / "tuning.json").unlink()
    (run / "state.safetensors").unlink()
    messages = [
        json.loads(invoke(*arguments(place, "--data", other, "--out", folder), "--json").stdout)
        for folder in (run, tmp_path / "new")
    ]
    assert messages[0]["rsum"] == messages[1]["rsum"]
    tensors = [load_file(tmp_path / name / "state.safetensors") for name in ("run", "new")]
    for name, value in tensors[0].items():
        torch.testing.assert_close(value, tensors[1][name], msg=name)


def test_a_damaged_tuning_is_named(place, tmp_path):
    invoke(*arguments(place))
    for file in ("tuning.json", "state.safetensors"):
        shutil.copytree(place / "run", tmp_path / file)
        path = tmp_path / file / file
        path.write_bytes(path.read_bytes()[:20])
        done = invoke(*arguments(place, "--out", tmp_path / file))
        assert f"{file} cannot be read" in str(done.exception)


def test_other_settings_and_models_are_refused(place, tmp_path):
    invoke(*arguments(place))
    assert "other settings" in str(invoke(*arguments(place, "--set", "seed=5")).exception)
    tree = json.loads((place / "model/config.json").read_text())
    shutil.copytree(place / "model", tmp_path / "model")
    (tmp_path / "model/config.json").write_text(json.dumps({**tree, "extractor": "other"}))
    foreign = arguments(place, "--out", tmp_path / "run", "--model", tmp_path / "model")
    assert "trained on 'other'" in str(invoke(*foreign).exception)

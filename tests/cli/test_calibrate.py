"""regard calibrate: a model that says nothing of itself comes to say it everywhere."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from regard.errors import CheckpointError, ConfigError
from regard.explain.explanation import UNSUPPORTED
from regard.model.checkpoint import load_checkpoint
from tests.cli.conftest import ALONE, invoke


def told(*arguments):
    done = invoke(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def calibrated(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    shutil.copytree(world.model, folder / "model")
    data = ("--data", world.captions, "--regions", world.regions)
    report = told(
        "calibrate", folder / "model", *data, "--plot", folder / "plot.png", "--json"
    )  # fmt: skip
    return folder, report


def test_report_and_plot(calibrated):
    folder, report = calibrated
    assert 0 <= report["pairs"]["expected_calibration_error"] <= 1
    for rows in (report["verdict"][name]["accuracy"] for name in ("photos", "sentences")):
        assert [row["among"] for row in rows][:2] == [1, 3]
        assert all(0 <= row["verdict"] <= 100 for row in rows)
    assert 0 <= report["word_support"]["ranked"] <= 100
    kept = load_checkpoint(folder / "model").background
    assert report["length_slope"] == pytest.approx(kept.length.slope) != 0
    with Image.open(folder / "plot.png") as image:
        assert image.width > 1000


def test_weights_stay_and_the_rest_is_kept(world, calibrated):
    before, after = load_checkpoint(world.model), load_checkpoint(calibrated[0] / "model")
    assert before.background is None
    assert after.background.photos.shape == (64, 32)
    for name, value in before.weights.items():
        np.testing.assert_array_equal(value, after.weights[name])
    assert before.info.items() <= after.info.items()


def test_names_of_things_are_asked_for_besides(world, calibrated, tmp_path):
    shutil.copytree(calibrated[0] / "model", tmp_path / "model")
    photos = sorted(path.name for path in world.photos.iterdir())
    rows = [
        {"set": "scenes", "photo": name, "names": ["ring"] * (number % 3 == 0)}
        for number, name in enumerate(photos)
    ]
    (tmp_path / "names.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    data = ("--data", world.captions, "--regions", world.regions)
    named = (tmp_path / "model", *data, "--names", tmp_path / "names.jsonl")
    report = told("calibrate", *named, "--json")
    kinds = report["verdict"]["photos"]["kinds"]
    assert [row["kind"] for row in kinds] == ["captions", "names, scenes"]
    assert kinds[1]["queries"] == 1
    done = invoke("calibrate", *named)
    assert "no sure match, where none is" in done.stdout
    done = invoke("calibrate", *named[:3], "--names", tmp_path / "names.jsonl")
    assert isinstance(done.exception, ConfigError)


def test_a_damaged_background_is_made_anew(world, calibrated, tmp_path):
    shutil.copytree(calibrated[0] / "model", tmp_path / "model")
    whole = load_checkpoint(tmp_path / "model").background
    (tmp_path / "model/background.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="regard calibrate"):
        load_checkpoint(tmp_path / "model")
    told("calibrate", tmp_path / "model", "--data", world.captions, "--regions", world.regions,
         "--json")  # fmt: skip
    assert load_checkpoint(tmp_path / "model").background.digest == whole.digest


def test_it_is_said_wherever_the_model_answers(world, calibrated, tmp_path):
    model, photo = calibrated[0] / "model", world.photos / "scene-00008.png"
    (tmp_path / "lines.txt").write_text("a red ring\na large blue star on the sand\n")
    scored = told("score", photo, "a red ring", "--model", model, "--json")
    ranked = told("captions", photo, "--from", tmp_path / "lines.txt", "--model", model, "--json")
    told("index", world.photos, "--index", tmp_path / "index", "--model", model, *ALONE, "--json")
    hits = told("search", "a red ring", "--index", tmp_path / "index", "--json")
    why = told("explain", photo, "a red ring", "--model", model, "--json")
    for answer in (scored, *ranked, *hits):
        assert answer["verdict"] in ("match", "no sure match")
        assert 0 <= answer["probability"] <= 1
        assert set(answer["unsupported"]) <= {"red", "ring", "large", "blue", "star", "sand"}
    assert len({hit["match_probability"] for hit in (*hits,)}) == 1
    assert scored["unsupported"] == why["unsupported"]
    support = {word["word"]: word["support"] for word in why["words"]}
    assert support["a"] is support["<start>"] is None
    assert 0 <= support["ring"] <= 1
    flagged = [word for word in ("red", "ring") if support[word] < UNSUPPORTED]
    assert scored["unsupported"] == flagged


def test_tables_name_words_no_region_shows(world, calibrated, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(calibrated[0] / "model", model)
    config = json.loads((model / "config.json").read_text())
    config["info"]["word_support"] = {"slope": 0.0, "intercept": -9.0}  # nothing is supported
    config["info"]["verdict"]["sentences"]["intercept"] = -1e3  # and nothing fits
    (model / "config.json").write_text(json.dumps(config))
    photo = world.photos / "scene-00008.png"
    (tmp_path / "lines.txt").write_text("a red ring\n")
    done = invoke("captions", photo, "--from", tmp_path / "lines.txt", "--model", model)
    assert "red, ring" in done.stdout
    assert "No sure match" in done.stderr
    done = invoke("score", photo, "a red ring", "--model", model)
    assert "No region shows: red, ring." in done.stderr
    invoke("index", world.photos, "--index", tmp_path / "index", "--model", model, *ALONE)
    done = invoke("search", "a red ring", "--index", tmp_path / "index", "-k", 1)
    assert "red, ring" in done.stdout


def test_table_for_people(world, calibrated):
    data = ("--data", world.captions, "--regions", world.regions)
    done = invoke("calibrate", calibrated[0] / "model", *data)
    assert done.exit_code == 0, done.output
    assert "flat cut-off" in done.stdout
    assert "Expected calibration error" in done.stdout


def test_errors(world, tmp_path):
    data = ("--data", world.captions, "--regions", world.regions)
    done = invoke("calibrate", world.model, *data, "--plot", tmp_path / "plot.bmp")
    assert isinstance(done.exception, ConfigError)
    done = invoke("calibrate", tmp_path / "none", *data)
    assert isinstance(done.exception, CheckpointError)

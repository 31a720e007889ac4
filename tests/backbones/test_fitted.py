"""What is fitted for a backbone on captions, and that nothing is without."""

import json

import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.cli.conftest import invoke
from tests.drawn_scenes import write_scenes

import regard
from regard.backbones.fitted import load_fitted
from regard.errors import CheckpointError


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes"), 60, captions=3)


@pytest.mark.parametrize("family", ["siglip", "tipsv2"])
def test_a_backbone_is_calibrated_and_evaluated_on_captions(
    family, tiny_folders, scenes, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder, store = tiny_folders[family], tmp_path / "regions"
    data = ["--data", scenes.captions, "--regions", store]
    done = invoke(
        "extract", scenes.captions, "--images", scenes.images, "--out", store,
        "--extractor", f"backbone:{folder}",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    judged = invoke("evaluate", "--model", folder, *data, "--split", "train", "--json")
    assert judged.exit_code == 0, judged.output
    assert 0 < json.loads(judged.stdout)["rsum"] <= 600
    before = regard.load(folder)
    assert before.curves.pair is None
    fitted = invoke("calibrate", folder, *data, "--split", "train", "--json")
    assert fitted.exit_code == 0, fitted.output
    model = regard.load(folder)
    assert model.identity == before.identity
    assert model.curves.pair is not None
    assert model.curves.photos is not None
    photo = next(scenes.images.iterdir())
    hits = model.similarity([photo], "a red circle on the sand")
    asked = model.encode_captions("a red circle on the sand").caption(0)
    regions = model.encode_images([photo]).photo(0)
    judgement = model.judge([float(hits[0, 0])], [regions], [asked], "photos", 10)[0]
    assert 0 < judgement.probability < 1
    assert 0 < judgement.match_probability < 1
    explanation = model.explain_photo(photo, "a red circle on the sand")
    assert explanation.similarity == pytest.approx(float(hits[0, 0]), abs=1e-5)
    assert sum(w.share for w in explanation.words) == pytest.approx(explanation.similarity)
    if model.curves.word is not None:
        assert any(word.support is not None for word in explanation.words)
    (model.fits / "fitted.json").write_text("{}")
    with pytest.raises(CheckpointError, match="must hold weight, info and support"):
        regard.load(folder)


def test_nothing_is_fitted_without_being_asked(tiny_folders, tmp_path):
    model = regard.load(tiny_folders["clip"])
    assert model.background is None
    asked = model.encode_captions("a dog").caption(0)
    photo = model.encode_images([Image.new("RGB", (64, 64))]).photo(0)
    assert model.judge([0.5], [photo], [asked], "photos", 3)[0] == (None, None)
    assert load_fitted(tmp_path) == load_fitted(model.fits)

"""SCAN's own heads on a backbone's frozen vectors: they begin as the identity, learn and answer."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.tiny import FAMILIES, SENTENCES
from tests.berts import save_bert
from tests.cli.conftest import invoke
from tests.drawn_scenes import write_scenes

import regard
from regard.backbones.loading import load_backbone
from regard.backbones.settings import Choice
from regard.core.network import MatchingModel
from regard.datasets.dataset import open_dataset
from regard.errors import CheckpointError, ConfigError
from regard.indexing import update_index
from regard.model.checkpoint import load_checkpoint
from regard.model.model import Model
from regard.model.network import checkpoint_of
from regard.search import Index
from regard.training.config import load_recipe
from regard.training.heads import begin_as_identity, stand_on
from regard.training.loop import train
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

SETTINGS = [
    "model.word_hidden=16", "training.epochs=3", "training.batch_size=16", "training.min_count=1",
    "training.warmup_steps=1", "training.learning_rate=0.003",
]  # fmt: skip
NAMED = [word for setting in SETTINGS for word in ("--set", setting)]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory, tiny_folders):
    """Drawn scenes, and their regions by two of the tiny backbones."""
    folder = tmp_path_factory.mktemp("heads")
    files = write_scenes(folder / "scenes", 60, captions=2)
    for family in ("siglip", "tipsv2"):
        done = invoke(
            "extract", files.captions, "--images", files.images, "--out", folder / family,
            "--extractor", f"backbone:{tiny_folders[family]}",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    return files, folder


def sets(scenes, family):
    files, folder = scenes
    return [open_dataset(files.captions, split, folder / family) for split in ("train", "val")]


@pytest.mark.parametrize("family", FAMILIES)
def test_heads_begin_as_the_identity(tiny_folders, family):
    wanted = stand_on(load_recipe("siglip2-flickr8k"), str(tiny_folders[family]))
    network = MatchingModel(wanted.model, 4).eval()
    begin_as_identity(network)
    backbone = load_backbone(Choice(str(tiny_folders[family]))).backbone
    model = Model(checkpoint_of(network, Vocabulary.build([], 1), "", {}))
    rows = np.random.default_rng(0).standard_normal((2, 3, backbone.dim + 1)).astype(np.float32)
    rows /= np.linalg.norm(rows[..., :-1], axis=-1, keepdims=True)
    embedded = model.encode_features(rows, np.array([3, 2]))
    np.testing.assert_allclose(embedded[0], rows[0, :, :-1], atol=1e-6)
    assert not embedded[1, 2].any()
    sentence = "there is a large green star"
    (heard,) = backbone.hear([tokenize(sentence)], [sentence])
    vectors = model.encode_captions(sentence).caption(0).vectors
    whole = heard.whole[None]
    np.testing.assert_allclose(vectors, np.concatenate([whole, heard.words, whole]), atol=1e-6)


@pytest.mark.parametrize("family", ["siglip", "tipsv2"])
def test_heads_are_trained_evaluated_indexed_and_answer(tiny_folders, scenes, family, tmp_path):
    files, folder = scenes
    data = ["--data", files.captions, "--regions", folder / family]
    learn = ["train", *data, "--recipe", f"{family.replace('siglip', 'siglip2')}-flickr8k"]
    command = [*learn, "--backbone", tiny_folders[family], "--out", tmp_path / "run", *NAMED]
    done = invoke(*command, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < log[0]["loss"]
    again = invoke(*command, "--json")
    assert json.loads(again.stdout) == told
    kept = json.loads((tmp_path / "run/best/config.json").read_text())
    assert kept["model"]["backbone"] == str(tiny_folders[family])
    judged = invoke("evaluate", "--model", told["model"], *data, "--split", "val", "--json")
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["rsum"] == pytest.approx(told["rsum"], abs=0.5)
    model = regard.load(told["model"])
    assert str(tiny_folders[family]) in repr(model)
    photos = sorted(files.images.iterdir())[:5]
    similarities = model.similarity(photos, SENTENCES)
    explanation = model.explain_photo(photos[1], SENTENCES[0])
    assert explanation.similarity == pytest.approx(float(similarities[1, 0]), abs=1e-5)
    assert sum(w.share for w in explanation.words) == pytest.approx(explanation.similarity)
    update_index(tmp_path / "index", files.images, model, workers=1)
    with Index.open(tmp_path / "index") as index:
        hits = index.search(SENTENCES[0], 60).hits
    found = {hit.photo.path.name: hit.similarity for hit in hits}
    for path, wanted in zip(photos, similarities[:, 0], strict=True):
        assert found[path.name] == pytest.approx(float(wanted), abs=2e-3)


def test_patches_are_features_of_any_recipe(tiny_folders, scenes, tmp_path):
    files, _ = scenes
    store, bert = tmp_path / "patches", save_bert(tmp_path / "bert")
    patches = f"backbone:{tiny_folders['tipsv2']}:grid"
    done = invoke(
        "extract", files.captions, "--images", files.images, "--out", store, "--extractor", patches
    )
    assert done.exit_code == 0, done.output
    data = ["--data", files.captions, "--regions", store]
    width = open_dataset(files.captions, "val", store).feature_dim
    small = [f"model.feature_dim={width}", "model.embed_dim=16", f"model.text.name={bert}"]
    more = [word for setting in small for word in ("--set", setting)]
    learn = ["train", *data, "--recipe", "vseinf-bert-f30k", "--out", tmp_path / "run", *NAMED]
    done = invoke(*learn, *more, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    judged = invoke("evaluate", "--model", told["model"], *data, "--split", "val", "--json")
    assert json.loads(judged.stdout)["rsum"] == pytest.approx(told["rsum"], abs=0.5)


def test_a_killed_run_comes_to_the_same_weights(tiny_folders, scenes, tmp_path):
    wanted = stand_on(load_recipe("tipsv2-f30k", SETTINGS), str(tiny_folders["tipsv2"]))
    both = sets(scenes, "tipsv2")
    whole = train(wanted, *both, tmp_path / "whole")

    class KilledError(Exception):
        pass

    def kill(progress):
        if progress.epoch == 2 and progress.step == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(wanted, *both, tmp_path / "killed", kill)
    resumed = train(wanted, *both, tmp_path / "killed")
    assert (resumed.rsum, resumed.epoch) == (whole.rsum, whole.epoch)
    expected = load_checkpoint(whole.best).weights
    for name, value in load_checkpoint(resumed.best).weights.items():
        assert np.array_equal(value, expected[name]), name


def test_what_does_not_fit_heads_is_refused(tiny_folders, scenes, tmp_path):
    folder = str(tiny_folders["siglip"])
    with pytest.raises(ConfigError, match="Choose --recipe siglip2-flickr8k"):
        stand_on(load_recipe("flickr8k"), folder)
    both = sets(scenes, "siglip")
    for setting in ("training.standardize=true", "training.feature_rank=4"):
        changed = stand_on(load_recipe("siglip2-f30k", [setting]), folder)
        with pytest.raises(ConfigError, match="on a backbone they must be 0 and false"):
            train(changed, *both, tmp_path)
    other = stand_on(load_recipe("tipsv2-f30k"), str(tiny_folders["tipsv2"]))
    with pytest.raises(ConfigError, match=r"they must be made by .*Extract with --extractor"):
        train(other, *both, tmp_path)
    for setting in ("model.embed_dim=12", "model.labels=true", "model.word_encoding=gru"):
        with pytest.raises(ConfigError, match="model"):
            load_recipe("siglip2-f30k", [setting])


def test_a_model_says_which_backbone_it_needs(tiny_folders, scenes, tmp_path):
    settings = [*SETTINGS, "training.epochs=1"]
    wanted = stand_on(load_recipe("siglip2-f30k", settings), str(tiny_folders["siglip"]))
    best = train(wanted, *sets(scenes, "siglip"), tmp_path / "run").best
    photo = next(scenes[0].images.iterdir())

    def stand_elsewhere(backbone):
        tree = json.loads((best / "config.json").read_text())
        tree["model"]["backbone"] = str(backbone)
        (best / "config.json").write_text(json.dumps(tree))
        return regard.load(best)

    with pytest.raises(CheckpointError, match="other weights now"):
        stand_elsewhere(tiny_folders["siglip2"]).encode_images(photo)
    lost = stand_elsewhere("owner/lost")
    with pytest.raises(CheckpointError, match="regard models get owner/lost"):
        lost.encode_captions("a dog")
    with pytest.raises(CheckpointError, match="regard models get owner/lost"):
        lost.encode_images(photo)

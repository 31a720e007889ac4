"""regard import and export: official files in, official files out."""

import base64
import json
import pickle

import numpy as np
import pytest
import torch

from regard.model.checkpoint import load_checkpoint
from regard.official.export import export_checkpoint
from regard.store.region_store import RegionStore
from tests.cli.conftest import invoke, train_arguments


@pytest.fixture(scope="module")
def plain_model(world, tmp_path_factory):
    """A model with the official network's parts only."""
    out = tmp_path_factory.mktemp("plain") / "run"
    settings = ("model.region_mlp=false", "training.epochs=1", "training.contrastive_epochs=0")
    done = invoke(*train_arguments(world.captions, world.regions, out, *settings))
    assert done.exit_code == 0, done.output
    return out / "best"


def figures(world, model):
    data = ("--data", world.captions, "--regions", world.regions)
    done = invoke("evaluate", "--model", model, *data, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_model_exported_and_imported_evaluates_the_same(world, plain_model, tmp_path):
    out = tmp_path / "made/on the way/model_best.pth.tar"
    done = invoke("export", plain_model, "--out", out)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out)
    vocab = out.with_name("model_best_vocab.json")
    assert set(torch.load(out, weights_only=False)) >= {"model", "opt", "epoch"}
    done = invoke("import", out, "--vocab", vocab, "--out", tmp_path / "back", "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert tree["config"]["embed_dim"] == 32
    assert load_checkpoint(tree["model"]).info["imported_from"] == out.name
    before, after = figures(world, plain_model), figures(world, tmp_path / "back")
    assert after["rsum"] == pytest.approx(before["rsum"])


def test_a_checkpoint_needs_its_vocabulary(tmp_path):
    done = invoke("import", tmp_path / "model.pth.tar", "--out", tmp_path / "out")
    assert done.exit_code != 0
    assert "vocabulary is not given" in str(done.exception)


def test_features_come_into_a_store(tmp_path):
    numbers = [base64.b64encode(np.ones(n, np.float32).tobytes()).decode() for n in (2 * 4, 2 * 7)]
    tsv = tmp_path / "features.tsv"
    tsv.write_text("\t".join(["42", "640", "480", "2", *numbers]) + "\nbroken\n")
    done = invoke("import", tsv, "--out", tmp_path / "store", "--producer", "mine", "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert (tree["photos"], tree["imported"], list(tree["skipped"])) == (1, 1, ["broken"])
    assert "line 2 of features.tsv" in done.stderr
    with RegionStore(tmp_path / "store") as store:
        assert (store.producer, store.dim, list(store)) == ("mine", 7, ["42"])
        assert store["42"].boxes.shape == (2, 4)


def test_a_folder_of_features_comes_into_a_store(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    np.save(folder / "17.npy", np.ones((2, 7), np.float16))
    captions = tmp_path / "dataset.json"
    captions.write_text(json.dumps({"images": [{"filename": "17.jpg"}]}))
    done = invoke("import", folder, "--captions", captions, "--out", tmp_path / "store", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["imported"] == 1
    with RegionStore(tmp_path / "store") as store:
        assert (store.dim, list(store)) == (7, ["17.jpg"])


def test_what_a_checkpoint_leaves_open_is_told_and_can_be_given(plain_model, tmp_path):
    path, vocab = tmp_path / "silent.pth.tar", tmp_path / "vocab.json"
    checkpoint = load_checkpoint(plain_model)
    checkpoint.vocabulary.save(vocab)
    export_checkpoint(path, checkpoint)
    contents = torch.load(path, weights_only=False)
    del contents["opt"]
    torch.save(contents, path)
    asked = ("import", path, "--vocab", vocab, "--out", tmp_path / "out", "--json")
    done = invoke(*asked)
    assert json.loads(done.stdout)["assumed"]["pooling"] == "lse"
    assert "assumed: direction t2i, pooling lse, normalization clipped_l2norm" in done.stderr
    done = invoke(*asked, "--set", "pooling=mean", "--set", "lambda_softmax=4")
    tree = json.loads(done.stdout)
    assert tree["config"]["scoring"]["pooling"] == "mean"
    assert tree["assumed"] == {"direction": "t2i", "normalization": "clipped_l2norm"}


def test_features_come_from_an_hdf5_file_with_its_ids_and_from_an_lmdb(tmp_path):
    h5py, lmdb = pytest.importorskip("h5py"), pytest.importorskip("lmdb")
    features = np.ones((2, 3, 7), np.float32)
    with h5py.File(tmp_path / "train36.hdf5", "w") as file:
        file["image_features"] = features
    (tmp_path / "rows.json").write_text('{"42": 1, "43": 0}')
    with lmdb.open(str(tmp_path / "photos")) as made, made.begin(write=True) as writing:
        writing.put(b"42", pickle.dumps({"features": features[0], "boxes": np.ones((3, 4))}))
    ids = ("--ids", tmp_path / "rows.json")
    for file, more, photos in (("train36.hdf5", ids, 2), ("photos", (), 1)):
        done = invoke("import", tmp_path / file, *more, "--out", tmp_path / f"{photos}", "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["imported"] == photos
        with RegionStore(tmp_path / f"{photos}") as store:
            assert store["42"].vectors.shape == (3, 7)

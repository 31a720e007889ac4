"""Backbones are got only when asked for, told of first, verified, and then used offline."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.berts import save_bert
from tests.cli.conftest import invoke
from tests.drawn_scenes import write_scenes

import regard
from regard.backbones import check
from regard.backbones.hub import Offer, ask_hub, detector_here, download, names_here, verify
from regard.backbones.settings import Known, known
from regard.errors import CheckpointError
from regard.training.config import load_recipe
from regard.training.text import read_by

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "owner/tiny-clip"


class Hub:
    """A hub that holds one repository, and counts what is asked of it."""

    def __init__(self, folder, cache):
        self.folder, self.cache, self.downloads = folder, cache, 0
        (folder / "flax_model.msgpack").write_bytes(b"not needed")
        (folder / "pytorch_model.bin").write_bytes(b"not needed either")

    def model_info(self, repository, revision, files_metadata):
        assert repository == NAME
        assert files_metadata
        assert revision is None
        siblings = []
        for path in sorted(self.folder.iterdir()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lfs = SimpleNamespace(sha256=digest) if path.suffix == ".safetensors" else None
            siblings.append(SimpleNamespace(rfilename=path.name, size=path.stat().st_size, lfs=lfs))
        return SimpleNamespace(sha=COMMIT, siblings=siblings, card_data={"license": "mit"})

    def place(self, name):
        """A file in the layout of the hub's cache."""
        home = self.cache / f"models--{NAME.replace('/', '--')}"
        blob = home / "blobs" / hashlib.sha256(name.encode()).hexdigest()
        snapshot = home / "snapshots" / COMMIT
        for folder in (blob.parent, snapshot):
            folder.mkdir(parents=True, exist_ok=True)
        if not (snapshot / name).exists():
            shutil.copyfile(self.folder / name, blob)
            (snapshot / name).symlink_to(blob)
        return snapshot / name

    def hf_hub_download(self, repository, name, revision):
        assert (repository, revision) == (NAME, COMMIT)
        return str(self.place(name))

    def http_get(self, url, file, *, resume_size, expected_size, **_):
        assert f"{NAME}/resolve/{COMMIT}/" in url
        whole = (self.folder / url.rsplit("/", 1)[1]).read_bytes()
        assert len(whole) == expected_size
        file.write(whole[resume_size:])

    def snapshot_download(self, repository, revision=None, allow_patterns=None):
        assert (repository, revision) == (NAME, COMMIT)
        self.downloads += 1
        for name in allow_patterns:
            place = self.place(name)
        return str(place.parent)


@pytest.fixture
def hub(tiny_folders, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    hub = Hub(Path(shutil.copytree(tiny_folders["clip"], tmp_path / "hub")), cache)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.hf_hub_download)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    monkeypatch.setattr("huggingface_hub.file_download.http_get", hub.http_get)
    scan = huggingface_hub.scan_cache_dir
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", lambda: scan(cache))
    held = huggingface_hub.try_to_load_from_cache
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda repo, file, revision: held(repo, file, cache, revision),
    )
    monkeypatch.setattr(check, "_speeds", lambda: tmp_path / "speeds.json")
    return hub


def test_only_what_is_needed_is_offered(hub):
    offer = ask_hub(NAME)
    assert sorted(offer.files) == [
        "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    assert (offer.revision, offer.licence, list(offer.digests)) == (
        COMMIT, "mit", ["model.safetensors"],
    )  # fmt: skip
    assert offer.megabytes == sum(offer.files.values()) / 1e6


def test_got_once_it_is_here_and_runs_offline(hub):
    assert names_here() == []
    with pytest.raises(CheckpointError, match="regard models get owner/tiny-clip"):
        regard.load(NAME)
    done = invoke("models", "get", NAME, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["licence"] == "mit"
    assert told["seconds"] > 0
    assert (hub.downloads, names_here()) == (1, [NAME])
    model = regard.load(NAME)
    assert model.source == NAME
    assert model.similarity([check.FOLDER / "cat.jpg"], "a cat").shape == (1, 1)
    listed = json.loads(invoke("models", "--json").stdout)["models"]
    row = next(row for row in listed if row["name"] == NAME)
    assert row["here"]
    assert row["seconds"] == pytest.approx(told["seconds"], abs=1e-4)
    assert [row["name"] for row in listed if row["here"]][-1] == NAME
    assert row["revision"] == COMMIT
    assert invoke("models", "get", NAME).exit_code == 0
    assert COMMIT[:7] in invoke("models").stdout


def test_what_reads_captions_alone_is_got_and_found_by_training(hub):
    shutil.rmtree(hub.folder)
    hub.folder.mkdir()
    save_bert(hub.folder)
    wanted = load_recipe("vseinf-bert-f30k", [f"model.text.name={NAME}"])
    with pytest.raises(CheckpointError, match=f"Run: regard models get {NAME}"):
        read_by(wanted)
    done = invoke("models", "get", NAME)
    assert done.exit_code == 0, done.output
    assert f"--set model.text.name={NAME}" in done.stderr
    placed, reading = read_by(wanted)
    assert placed.model.text.dim == 24
    assert reading.folder == Path(done.stdout.strip())
    assert names_here() == []  # of what sees photos


def test_damaged_files_are_not_believed(hub):
    offer = ask_hub(NAME)
    folder = download(offer)
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        verify(folder, offer)
    path.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError, match=r"bytes, and must have"):
        verify(folder, offer)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="another sha256"):
        verify(folder, offer)


def test_a_broken_connection_is_told_with_what_to_do(hub, monkeypatch):
    def broken(*_, **__):
        raise huggingface_hub.errors.OfflineModeIsEnabled("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", broken)
    offer = ask_hub(NAME)
    with pytest.raises(CheckpointError, match=r"broke off.*goes on where it was"):
        download(offer)
    monkeypatch.setattr(hub, "model_info", broken)
    with pytest.raises(CheckpointError, match="cannot be had from the hub"):
        ask_hub(NAME)


def test_models_that_cannot_be_used_are_refused_before_their_weights_come(hub):
    config = hub.folder / "config.json"
    before = config.read_text()
    config.write_text(json.dumps({"model_type": "siglip2"}))
    with pytest.raises(CheckpointError, match="NaFlex"):
        ask_hub(NAME)
    assert hub.downloads == 0
    shutil.rmtree(hub.cache)
    config.write_text(before)
    for name in ("model.safetensors", "pytorch_model.bin"):
        (hub.folder / name).unlink()
    with pytest.raises(CheckpointError, match=r"has none of model.safetensors"):
        ask_hub(NAME)


def test_weights_in_pieces_or_in_the_old_form_are_taken_where_there_are_no_others(hub):
    (hub.folder / "model.safetensors").rename(hub.folder / "model-00001-of-00001.safetensors")
    (hub.folder / "model.safetensors.index.json").write_text("{}")
    assert "model-00001-of-00001.safetensors" in ask_hub(NAME).files
    (hub.folder / "model.safetensors.index.json").unlink()
    files = ask_hub(NAME).files
    assert "pytorch_model.bin" in files
    assert not any(name.startswith("model-") for name in files)


def test_an_index_tells_its_model(hub, tiny_folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert json.loads(invoke("models", "--json").stdout)["indexes"] == {}
    assert invoke("index", check.FOLDER, "--model", tiny_folders["clip"]).exit_code == 0
    told = json.loads(invoke("models", "--json").stdout)["indexes"]
    assert told == {".regard-index": str(tiny_folders["clip"])}
    shown = invoke("models")
    assert shown.exit_code == 0, shown.output
    assert "siglip2-b16" in shown.output
    assert "uses" in shown.output


def test_a_check_ranks_and_points_on_the_sample_photos(hub, tiny_folders):
    done = invoke("models", "check", tiny_folders["tipsv2"], "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["ranks"]) == 6
    assert all(1 <= rank <= 11 for rank in told["ranks"].values())
    assert len(told["pointed"]) == 11
    shown = invoke("models", "check", tiny_folders["clip"])
    assert shown.exit_code == 0, shown.output
    assert "by chance 1.5" in " ".join(shown.output.split())
    refused = invoke("models", "check", "flickr8k")
    assert isinstance(refused.exception, CheckpointError)
    assert invoke("models", "get", tiny_folders["clip"]).exit_code != 0


def test_every_box_is_named_in_its_sentence():
    for row in json.loads(check.BOXES.read_text()):
        assert row["word"] in row["sentence"].split()
        assert (check.FOLDER / row["photo"]).is_file()
        x1, y1, x2, y2 = row["box"]
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1


def test_what_was_measured_is_kept_unless_it_is_damaged(hub):
    assert check.measured() == {}
    check._speeds().write_text("no json")
    assert check.measured() == {}
    assert Offer("a", "b", {}, {}, "").megabytes == 0


def test_backbones_that_are_not_here_are_timed_by_their_shape(hub, tiny_folders, monkeypatch):
    """Three families; what is timed already stays, and no weights are asked for."""
    three = {"siglip2-b16": "siglip2", "tipsv2-b14": "tipsv2", "clip-b32": "clip"}
    trees = {
        name: json.loads((tiny_folders[family] / "config.json").read_text())
        for name, family in three.items()
    }
    assert set(check.configurations()) == set(known())
    monkeypatch.setattr(check, "configurations", lambda: trees)
    check._speeds().write_text(json.dumps({name: 5.0 for name in known() if name not in three}))
    rows = json.loads(invoke("models", "--measure", "--json").stdout)["models"]
    told = {row["name"]: row["seconds"] for row in rows if row["name"] in known()}
    assert all((told[name] == 5) != (name in three) for name in known())
    assert all(0 < seconds < 5 for seconds in (told[name] for name in three))
    assert not any(row["here"] for row in rows if row["name"] in known())
    shown = invoke("models")
    assert "--measure" not in shown.output
    check._speeds().unlink()
    assert "regard models --measure" in invoke("models").output


def test_retrieval_is_set_beside_what_was_published(hub, tiny_folders, tmp_path, monkeypatch):
    files = write_scenes(tmp_path / "flickr30k", 40, captions=2)
    folder = tiny_folders["siglip"]
    published = {"Flickr30K": {"rSum": 549.0}}
    about = Known("own", str(folder), "siglip", 1, "", "", "", published)
    assert about.told == "Flickr30K rSum 549.0"
    monkeypatch.setattr("regard.backbones.settings.known", lambda: {str(folder): about})
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    command = ["models", "check", folder, "--data", files.captions]
    done = invoke(*command, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["retrieval"]
    assert told["photos"] == 4
    assert set(told["figures"]) >= {"image to text R@1", "text to image R@10", "rSum"}
    assert told["published"] == {"rSum": 549.0}
    shown = invoke(*command, "--images", files.images)
    assert shown.exit_code == 0, shown.output
    assert "549.0" in shown.stdout
    assert "Flickr30K, 1,000 photos, not run by us" in " ".join(shown.output.split())
    store = ["--regions", tmp_path / "regions", "--data", files.captions, "--split", "test"]
    invoke("extract", files.captions, "--images", files.images, "--out", tmp_path / "regions",
           "--extractor", f"backbone:{folder}")  # fmt: skip
    same = invoke("evaluate", "--model", folder, *store, "--json")
    assert json.loads(same.stdout)["rsum"] == pytest.approx(told["figures"]["rSum"])


def test_a_detector_is_got_and_found_by_its_name(tmp_path, hub, monkeypatch):
    repository = "unc-nlp/frcnn-vg-finetuned"
    monkeypatch.setitem(globals(), "NAME", repository)
    for path in hub.folder.iterdir():
        path.unlink()
    (hub.folder / "pytorch_model.bin").write_bytes(b"weights")
    (hub.folder / "config.yaml").write_text("model: {}")
    with pytest.raises(CheckpointError, match="regard models get vg-frcnn, or name a file"):
        detector_here()
    done = invoke("models", "get", "vg-frcnn", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["repository"], told["revision"]) == (repository, COMMIT)
    assert detector_here().read_bytes() == b"weights"
    assert (Path(told["folder"]) / "config.yaml").is_file()
    assert "regard extract PHOTOS --detector vg-frcnn" in invoke("models", "get", "vg-frcnn").stderr

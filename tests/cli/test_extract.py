"""regard extract: resumable, skips what cannot be read, tells others in JSON."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from regard.cli.main import app
from regard.store.region_store import RegionStore

run = CliRunner()


def picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    picture(tmp_path / "photos/a.png", 0)
    picture(tmp_path / "photos/below/b.jpg", 1)
    picture(tmp_path / "photos/.hidden/c.jpg", 2)
    (tmp_path / "photos/broken.jpg").write_bytes(b"not a photo")
    return tmp_path


def extract(folder, *more):
    arguments = ["extract", *more, "--out", str(folder / "store"), "--extractor", "statistics"]
    return run.invoke(app, [*arguments, "--json"])


def test_folder_to_store(folder):
    done = extract(folder, str(folder / "photos"))
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert (tree["photos"], tree["extracted"], tree["already"]) == (2, 2, 0)
    assert list(tree["skipped"]) == ["broken.jpg"]
    assert "not a photo in a known format" in done.stderr
    with RegionStore(folder / "store") as store:
        assert sorted(store) == ["a.png", "below/b.jpg"]


def test_second_run_only_does_what_is_new(folder):
    extract(folder, str(folder / "photos"))
    picture(folder / "photos/new.png", 3)
    tree = json.loads(extract(folder, str(folder / "photos")).stdout)
    assert (tree["photos"], tree["extracted"], tree["already"]) == (3, 1, 2)


def test_caption_file_names_the_photos(folder):
    (folder / "d.csv").write_text("file,caption\na.png,one\nbelow/b.jpg,two\na.png,three\n")
    done = extract(folder, str(folder / "d.csv"), "--images", str(folder / "photos"))
    assert json.loads(done.stdout)["photos"] == 2


def test_missing_photos_are_skipped_and_named(folder):
    (folder / "d.csv").write_text("file,caption\na.png,one\nlost.jpg,two\n")
    done = extract(folder, str(folder / "d.csv"), "--images", str(folder / "photos"))
    assert list(json.loads(done.stdout)["skipped"]) == ["lost.jpg"]


@pytest.mark.parametrize("what", ["none", "empty"])
def test_nothing_to_do_is_an_error(folder, what):
    (folder / "empty").mkdir()
    done = extract(folder, str(folder / what))
    assert done.exit_code != 0


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_goes_on(folder, monkeypatch):
    real = os.scandir

    def refuse(path):
        if "below" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = extract(folder, str(folder / "photos"))
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert tree["photos"] == 1
    assert set(tree["skipped"]) == {"broken.jpg", f"{folder / 'photos'}/below/"}


def test_what_lies_beside_the_photos_is_counted(folder):
    (folder / "photos/phone.mov").write_bytes(b"x")
    assert "Passed over: .mov (1)." in extract(folder, str(folder / "photos")).stderr


def test_a_name_in_a_caption_file_that_is_no_text(folder):
    rows = [{"image": name, "caption": "one"} for name in ("a.png", "caf\udce9.png")]
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = extract(folder, str(folder / "d.jsonl"), "--images", str(folder / "photos"))
    assert done.exit_code == 0, done.output
    assert "line 2 of d.jsonl has half a character in its file" in done.stderr
    assert json.loads(done.stdout)["photos"] == 1

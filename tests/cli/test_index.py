"""regard index: one command for making, updating, checking and making anew."""

import json
import shutil
import signal
import subprocess
import sys

import pytest
from small import draw, save_model

from regard.errors import BusyError, CheckpointError, ConfigError, DataError, StoreError
from regard.store.region_store import RegionStore

from .conftest import invoke


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def photos(tmp_path):
    for seed in range(3):
        draw(tmp_path / f"photos/{seed}.png", seed)
    return tmp_path / "photos"


@pytest.fixture
def index(photos, model, tmp_path):
    done = invoke("index", photos, "--index", tmp_path / "index", "--model", model)
    assert done.exit_code == 0, done.output
    return tmp_path / "index"


def told(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_standard_output_is_the_index(photos, model, tmp_path):
    done = invoke("index", photos, "--index", tmp_path / "index", "--model", model)
    assert done.stdout == f"{tmp_path / 'index'}\n"
    assert "3 added" in done.stderr
    assert "Indexing photos: 3/3" in done.stderr


def test_json(photos, model, tmp_path):
    (photos / "broken.jpg").write_bytes(b"no photo")
    first = invoke("index", photos, "--index", tmp_path / "index", "--model", model, "--json")
    assert told(first) == {
        "index": str(tmp_path / "index"),
        "added": 3,
        "updated": 0,
        "moved": 0,
        "removed": 0,
        "unchanged": 0,
        "skipped": {str(photos / "broken.jpg"): told(first)["skipped"][str(photos / "broken.jpg")]},
        "passed_over": {},
    }
    assert "broken.jpg is not a photo" in first.stderr


def test_without_a_folder_the_known_ones_are_brought_up_to_date(photos, index, tmp_path):
    draw(tmp_path / "more/9.png", 9)
    invoke("index", tmp_path / "more", "--index", index)
    draw(photos / "new.png", 4)
    (tmp_path / "more/9.png").rename(tmp_path / "more/renamed.png")
    report = told(invoke("index", "--index", index, "--json"))
    assert (report["added"], report["moved"], report["unchanged"]) == (1, 1, 3)


def test_patterns_are_remembered(photos, index):
    report = told(invoke("index", photos, "--index", index, "-x", "0.*", "-x", "1.*", "--json"))
    assert (report["removed"], report["unchanged"]) == (2, 1)
    assert told(invoke("index", "--index", index, "--json"))["unchanged"] == 1
    assert told(invoke("index", photos, "--index", index, "--json"))["unchanged"] == 1


def test_no_folder_the_first_time_is_an_error(model, tmp_path):
    done = invoke("index", "--index", tmp_path / "index", "--model", model)
    assert isinstance(done.exception, DataError)
    assert "regard index PHOTOS" in str(done.exception)


def test_another_model_is_refused_and_the_named_command_mends_it(index, photos, tmp_path):
    other = save_model(tmp_path / "other", seed=5)
    done = invoke("index", photos, "--index", index, "--model", other)
    assert isinstance(done.exception, StoreError)
    command = str(done.exception).rsplit("regard ", 1)[1].split()
    assert command == ["index", "--index", str(index), "--model", str(other), "--rebuild"]
    report = told(invoke(*command, "--json"))
    assert report["added"] == 3
    assert told(invoke("index", "--index", index, "--json"))["unchanged"] == 3


def test_rebuilding_remembers_folders_and_patterns(photos, index):
    invoke("index", photos, "--index", index, "--exclude", "0.*")
    report = told(invoke("index", "--index", index, "--rebuild", "--json"))
    assert (report["added"], report["unchanged"]) == (2, 0)


def test_a_damaged_manifest_is_rebuilt(photos, index, model):
    (index / "manifest.sqlite").write_bytes(b"nonsense" * 999)
    assert isinstance(invoke("index", photos, "--index", index).exception, StoreError)
    done = invoke("index", photos, "--index", index, "--model", model, "--rebuild", "--json")
    assert told(done)["added"] == 3


def test_nothing_is_forgotten_when_rebuilding_cannot_begin(photos, index):
    with RegionStore(index, writable=True):
        done = invoke("index", "--index", index, "--rebuild")
        assert isinstance(done.exception, BusyError)
    shutil.rmtree(photos)
    done = invoke("index", "--index", index, "--rebuild")
    assert isinstance(done.exception, DataError)
    with RegionStore(index) as store:
        assert len(store) == 3


def test_check_finds_and_mends(photos, index):
    assert told(invoke("index", "--index", index, "--check", "--json")) == {
        "index": str(index),
        "damaged": [],
        "restored": 0,
        "lost": {},
    }
    done = invoke("index", "--index", index, "--check")
    assert "Every shard is whole" in done.stderr
    shard = next(index.glob("shard-*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    done = invoke("index", "--index", index, "--check")
    assert done.exit_code == 0
    assert "1 shards were damaged: 3 files restored, 0 lost" in done.stderr


def test_check_fails_when_something_is_lost(photos, index):
    next(index.glob("shard-*")).unlink()
    (photos / "1.png").unlink()
    done = invoke("index", "--index", index, "--check", "--json")
    assert done.exit_code == 1
    assert list(json.loads(done.stdout)["lost"]) == [str(photos / "1.png")]


def test_an_unknown_model_is_an_error(photos, tmp_path):
    done = invoke("index", photos, "--index", tmp_path / "index", "--model", "nobody")
    assert isinstance(done.exception, CheckpointError)
    assert not (tmp_path / "index").exists()


def test_a_folder_that_is_not_there_keeps_its_photos_until_it_is_forgotten(photos, index, tmp_path):
    draw(tmp_path / "more/9.png", 9)
    assert told(invoke("index", tmp_path / "more", "--index", index, "--json"))["added"] == 1
    shutil.move(tmp_path / "more", tmp_path / "unmounted")
    done = invoke("index", "--index", index, "--json")
    assert (told(done)["unchanged"], told(done)["removed"]) == (3, 0)
    assert f"regard index --forget {tmp_path / 'more'}" in done.stderr.replace("\n", "")
    with RegionStore(index) as store:
        assert len(store) == 4
    assert (
        told(invoke("index", "--index", index, "--forget", tmp_path / "more", "--json"))["removed"]
        == 1
    )
    with RegionStore(index) as store:
        assert len(store) == 3
    assert "more" not in invoke("index", "--index", index).stderr


def test_only_known_folders_can_be_forgotten(photos, index, tmp_path):
    done = invoke("index", "--index", index, "--forget", tmp_path)
    assert isinstance(done.exception, DataError)
    assert str(photos) in str(done.exception)
    done = invoke("index", "--index", index, "--forget", photos, "--json")
    assert told(done)["removed"] == 3


def test_compressed_indexes_stay_so(photos, index, model, tmp_path):
    done = invoke("index", photos, "--index", index, "--compress")
    assert isinstance(done.exception, StoreError)
    command = str(done.exception).rsplit("regard ", 1)[1].split()
    assert told(invoke(*command, "--json"))["added"] == 3
    invoke("index", "--index", index, "--rebuild")
    assert told(invoke("index", "--index", index, "--compress", "--json"))["unchanged"] == 3
    with RegionStore(index) as store:
        assert store.compressed
        assert len(store) == 3
    assert len(json.loads(invoke("search", "a dog", "--index", index, "--json").stdout)) == 3


def test_watch(photos, model, tmp_path):
    """One document whenever something was done; Ctrl+C ends it well."""
    command = [sys.executable, "-m", "regard", "index", photos, "--index", tmp_path / "index"]
    watched = subprocess.Popen(
        [*map(str, command), "--model", str(model), "--watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that started the tests in the background has them ignore Ctrl+C, and children too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert json.loads(watched.stdout.readline())["added"] == 3
        draw(photos / "more/3.png", 3)
        second = json.loads(watched.stdout.readline())
        assert (second["added"], second["unchanged"]) == (1, 3)
        (photos / "0.png").unlink()
        assert json.loads(watched.stdout.readline())["removed"] == 1
        watched.send_signal(signal.SIGINT)
        rest, said = watched.communicate(timeout=600)
    finally:
        watched.kill()
    assert watched.returncode == 0, said
    assert rest == ""
    assert f"Following {photos}" in said
    assert "Stopped." in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--watch", "--check"], "--check is given with --watch"),
        (["--watch", "--forget", "x"], "--forget is given with --watch"),
        (["--check", "--forget", "x"], "--check is given with --forget"),
        (["--check", "--rebuild"], "--check is given with --rebuild"),
        (["--forget", "x", "--exclude", "y"], "--forget is given with --exclude"),
        (["folder", "--check"], "--check is given with folder"),
    ],
)
def test_one_task_at_a_time(index, options, message):
    done = invoke("index", "--index", index, *options)
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)


def test_text_is_read_when_asked_for_and_that_is_told(photos, model, tmp_path, reader):
    reader("exit", "")
    place = tmp_path / "index"
    done = invoke("index", photos, "--index", place, "--model", model, "--read-text")
    assert done.exit_code == 0, done.output
    assert "Reading text: 3/3" in done.stderr
    assert "Text: found in 2 of the 3 photos that were read now (" in done.stderr
    draw(photos / "new.png", 8)
    done = invoke("index", "--index", place)
    assert f"regard index --index {place} --read-text" in done.stderr
    read = told(invoke("index", "--index", place, "--read-text", "--json"))["text"]
    assert (read["read"], read["with_text"], read["skipped"]) == (1, 0, [])
    assert read["seconds"] >= 0


def test_text_that_was_never_read_is_not_spoken_of(index, photos):
    draw(photos / "new.png", 8)
    assert "--read-text" not in invoke("index", "--index", index).stderr


def test_an_index_made_anew_is_read_too(index, reader):
    reader("exit")
    report = told(invoke("index", "--index", index, "--rebuild", "--read-text", "--json"))
    assert report["text"]["read"] == 3


def test_without_a_reader_nothing_is_begun(photos, model, tmp_path, monkeypatch):
    monkeypatch.setattr("regard.regions.text.importlib.util.find_spec", lambda _: None)
    done = invoke("index", photos, "--index", tmp_path / "i", "--model", model, "--read-text")
    assert isinstance(done.exception, ConfigError)
    assert "pip install 'regard[text]'" in str(done.exception)
    assert not (tmp_path / "i").exists()


def test_a_check_reads_no_text(index):
    done = invoke("index", "--index", index, "--check", "--read-text")
    assert "--check is given with --read-text" in str(done.exception)

"""regard score: one pair, or a file of pairs in its order."""

import json
import shutil

import pytest

from regard.errors import ConfigError, DataError
from regard.model.model import load
from regard.regions import pipeline, statistics
from tests.cli.conftest import invoke


@pytest.fixture
def folder(world, tmp_path):
    """Four photos beside a place for pairs."""
    (tmp_path / "photos").mkdir()
    for number in range(4):
        shutil.copy(world.photos / f"scene-{number:05d}.png", tmp_path / f"photos/{number}.png")
    return tmp_path


def write(folder, *lines):
    path = folder / "pairs.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return path


def pair(number, sentence, **more):
    return {"photo": f"photos/{number}.png", "sentence": sentence, **more}


def scored(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def expected(world, folder, *pairs):
    model = load(world.model)
    return [
        model.similarity(
            model.encode_images([folder / record["photo"]]),
            model.encode_captions([record["sentence"]]),
        ).item()
        for record in pairs
    ]


def test_one_pair(world, folder):
    wanted = expected(world, folder, pair(1, "a red ring"))[0]
    done = invoke("score", folder / "photos/1.png", "a red ring", "--model", world.model)
    assert done.stdout == f"{wanted:.6f}\n"
    done = invoke("score", folder / "photos/1.png", "a gnu", "--json", "--model", world.model)
    assert list(json.loads(done.stdout)) == ["photo", "sentence", "similarity"]
    assert "'gnu'" in done.stderr


def test_pairs_come_back_in_order_with_their_other_keys(world, folder):
    pairs = [
        pair(2, "a red ring", id=7, note={"by": ["é", None]}),
        pair(0, "a blue star"),
        pair(2, "the sand with a white cross", similarity="old"),
        pair(1, "a green circle"),
        pair(0, "a red ring left of a star"),
    ]
    lines = scored(invoke("score", "--pairs", write(folder, *pairs), "--model", world.model))
    assert [{**line, "similarity": 0} for line in lines] == [{**p, "similarity": 0} for p in pairs]
    wanted = expected(world, folder, *pairs)
    assert [line["similarity"] for line in lines] == pytest.approx(wanted, abs=1e-6)


def test_each_photo_is_read_once(world, folder, monkeypatch):
    read = []
    original = pipeline.read_photo
    monkeypatch.setattr(
        pipeline, "read_photo", lambda path, *how: read.append(path) or original(path, *how)
    )
    pairs = [pair(n % 3, f"a {colour} ring") for n, colour in enumerate(["red", "blue"] * 6)]
    lines = scored(invoke("score", "--pairs", write(folder, *pairs), "--model", world.model))
    assert len(lines) == 12
    assert sorted(path.name for path in read) == ["0.png", "1.png", "2.png"]


def test_lines_are_printed_as_soon_as_they_can_be(world, folder, monkeypatch):
    """When the last photo is being read, everything before it is out already."""
    printed, seen = [], {}
    extract = statistics.StatisticsExtractor.__call__
    counted = []

    def watching(self, photo):
        counted.append(photo)
        seen[len(counted)] = len(printed)
        return extract(self, photo)

    monkeypatch.setattr(statistics.StatisticsExtractor, "__call__", watching)
    monkeypatch.setattr("regard.cli.score.print_json", printed.append)
    pairs = [pair(0, "a ring"), pair(1, "a ring"), pair(0, "a star"), pair(2, "a ring")]
    invoke("score", "--pairs", write(folder, *pairs), "--model", world.model)
    assert seen == {1: 0, 2: 1, 3: 3}
    assert len(printed) == 4


def test_bad_lines_and_photos_are_skipped_named_and_counted(world, folder):
    (folder / "photos/broken.png").write_bytes(b"no photo")
    deep = b"[" * 100_000
    bad = [
        (b"nonsense", "is not JSON"),
        (b'{"photo": "photos/0.png", "sentence": "a", "x": NaN}', "is not JSON"),
        (b'{"photo": "photos/0.png", "sentence": "\\ud800"}', "is not JSON"),
        (b'{"photo": "photos/0.png", "sentence": "caf\xff"}', "is not JSON"),
        (deep, "is not JSON"),
        (["photos/0.png", "a ring"], "is not an object"),
        ({"sentence": "a ring"}, "has no photo"),
        ({"photo": 5, "sentence": "a ring"}, "has no photo"),
        (pair(0, "  "), "has no sentence"),
        (pair("broken", "a ring"), "not a photo in a known format"),
        (pair("missing", "a ring"), "does not exist"),
        (pair("x" * 300, "a ring"), "x"),
        (pair("\0", "a ring"), "damaged"),
    ]
    rows = [pair(0, "a ring"), *(line for line, _ in bad), b"", pair(3, "a star")]
    done = invoke("score", "--pairs", write(folder, *rows), "--model", world.model)
    assert [line["photo"] for line in scored(done)] == ["photos/0.png", "photos/3.png"]
    assert f"Skipped {len(bad)}:" in done.stderr
    for number, (_, reason) in list(enumerate(bad, 2))[:10]:  # ten are named, the rest counted
        line = next(row for row in done.stderr.splitlines() if f"line {number}:" in row)
        assert reason in line
    assert "and 3 more" in done.stderr


def test_many_photos_are_read_by_several_processes(world, tmp_path):
    pairs = [
        {"photo": str(world.photos / f"scene-{n:05d}.png"), "sentence": "a red ring"}
        for n in range(10)
    ]
    done = invoke(
        "score", "--pairs", write(tmp_path, *pairs), "--model", world.model, "--workers", 2
    )
    assert [line["photo"] for line in scored(done)] == [record["photo"] for record in pairs]


def test_relative_photos_are_beside_the_file_then_here(world, folder, monkeypatch):
    here = folder / "elsewhere"
    here.mkdir()
    shutil.copy(folder / "photos/1.png", here / "only-here.png")
    monkeypatch.chdir(here)
    pairs = write(folder, pair(1, "a ring"), {"photo": "only-here.png", "sentence": "a ring"})
    lines = scored(invoke("score", "--pairs", pairs, "--model", world.model))
    assert lines[0]["similarity"] == pytest.approx(lines[1]["similarity"])


def test_many_sentences_of_one_photo(world, folder, monkeypatch):
    monkeypatch.setattr("regard.cli.score._SENTENCES_AT_ONCE", 2)
    pairs = [pair(0, f"a {word} ring") for word in ("red", "blue", "green", "white", "black")]
    lines = scored(invoke("score", "--pairs", write(folder, *pairs), "--model", world.model))
    assert [line["similarity"] for line in lines] == pytest.approx(
        expected(world, folder, *pairs), abs=1e-6
    )


def test_when_nothing_can_be_scored(world, folder):
    done = invoke("score", "--pairs", write(folder, b"{}"), "--model", world.model)
    assert isinstance(done.exception, DataError)
    assert "no pair that can be scored" in str(done.exception)
    assert done.stdout == ""
    done = invoke("score", "--pairs", folder / "missing.jsonl", "--model", world.model)
    assert isinstance(done.exception, DataError)


@pytest.mark.parametrize(
    "arguments",
    [(), ("p.jpg",), ("p.jpg", "a dog", "--pairs", "p"), ("p.jpg", "--pairs", "p")],
)
def test_what_to_score_must_be_clear(world, arguments):
    done = invoke("score", *arguments, "--model", world.model)
    assert isinstance(done.exception, ConfigError)

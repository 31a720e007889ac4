"""regard captions: the best lines of a file for a photo."""

import json

import pytest
from small import draw, save_model

from regard.errors import DataError, PhotoError
from regard.search.captions import BUILT_IN

from .conftest import invoke


@pytest.fixture
def place(tmp_path):
    draw(tmp_path / "photo.png", 1)
    (tmp_path / "lines.txt").write_text("\ufeffa dog\nthe cat\n\na dog\nred grass\n", "utf-8")
    save_model(tmp_path / "model")
    return tmp_path


def captions(place, *more):
    return invoke(
        "captions", place / "photo.png", "--from", place / "lines.txt", "--model", place / "model",
        *more,
    )  # fmt: skip


def test_json(place):
    done = captions(place, "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert {(c["sentence"], c["line"]) for c in tree} == {
        ("a dog", 1),
        ("the cat", 2),
        ("red grass", 5),
    }
    assert [c["similarity"] for c in tree] == sorted((c["similarity"] for c in tree), reverse=True)
    assert json.loads(captions(place, "--json", "-k", 1).stdout) == tree[:1]


def test_table(place):
    tree = json.loads(captions(place, "--json").stdout)
    lines = captions(place).stdout.splitlines()
    assert len(lines) == 4
    for line, caption in zip(lines[1:], tree, strict=True):
        assert f"{caption['similarity']:.3f}" in line
        assert caption["sentence"] in line


def test_without_a_file_the_built_in_sentences_are_ranked(place):
    done = invoke("captions", place / "photo.png", "--model", place / "model", "--json", "-k", 3)
    assert done.exit_code == 0, done.output
    lines = BUILT_IN.read_text(encoding="utf-8").splitlines()
    for caption in json.loads(done.stdout):
        assert caption["sentence"] == lines[caption["line"] - 1]


def test_errors(place):
    (place / "lines.txt").write_bytes(b"\xff\xfe\xff")
    assert isinstance(captions(place).exception, DataError)
    (place / "lines.txt").unlink()
    assert isinstance(captions(place).exception, DataError)
    (place / "lines.txt").write_text("a dog")
    (place / "photo.png").write_bytes(b"")
    assert isinstance(captions(place).exception, PhotoError)

"""regard explain: a figure, or the numbers, of a photo and a sentence."""

import json

import pytest
from PIL import Image

from regard.errors import ConfigError, DataError, PhotoError
from tests.cli.conftest import invoke


@pytest.fixture
def photo(world):
    return world.photos / "scene-00003.png"


def test_a_figure_is_written_and_its_path_printed(world, photo, tmp_path):
    out = tmp_path / "below/why.png"
    done = invoke("explain", photo, "a red ring", "--out", out, "--model", world.model)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}\n"
    with Image.open(out) as figure:
        assert figure.format == "PNG"
        assert figure.width > 800


def test_without_a_name_the_figure_is_named_after_the_photo(world, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("explain", photo, "a red ring", "--model", world.model)
    assert done.stdout == "scene-00003-explained.png\n"
    assert (tmp_path / "scene-00003-explained.png").exists()


def test_json_holds_the_numbers_and_nothing_else(world, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke("explain", photo, "A red ring.", "--json", "--model", world.model)
    tree = json.loads(done.stdout)
    assert [word["word"] for word in tree["words"]] == ["<start>", "a", "red", "ring", ".", "<end>"]
    assert sum(word["share"] for word in tree["words"]) == pytest.approx(
        tree["similarity"], abs=1e-6
    )
    assert [len(word["regions"]) for word in tree["words"]] == [36] * 6
    assert sum(region[4] for region in tree["words"][2]["regions"]) == pytest.approx(1, abs=1e-4)
    assert (tree["photo"], tree["sentence"]) == (str(photo), "A red ring.")
    assert list(tmp_path.iterdir()) == []


def test_json_and_a_figure(world, photo, tmp_path):
    out = tmp_path / "why.svg"
    arguments = ("explain", photo, "a ring", "--json", "-o", out, "--model", world.model)
    done = invoke(*arguments)
    assert "similarity" in json.loads(done.stdout)
    assert str(out) in done.stderr
    assert out.read_text().startswith("<?xml")


def test_the_similarity_is_that_of_score(world, photo):
    tree = invoke("explain", photo, "a red ring", "--json", "--model", world.model)
    score = invoke("score", photo, "a red ring", "--json", "--model", world.model)
    assert json.loads(tree.stdout)["similarity"] == pytest.approx(
        json.loads(score.stdout)["similarity"], abs=1e-5
    )


def test_unknown_words_are_named_with_their_like(world, photo):
    done = invoke("explain", photo, "a purpel gnu", "--json", "--model", world.model)
    assert "'purpel'; near it: purple" in done.stderr
    assert "'gnu'." in done.stderr
    json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "sentence", "out", "error", "message"),
    [
        ("scene-00003.png", "a ring", "why.bmp", ConfigError, "must end in"),
        (
            "scene-00003.png",
            "  ",
            "why.png",
            DataError,
            "the sentence has no word",
        ),
        ("missing.png", "a ring", "why.png", PhotoError, "does not exist"),
    ],
)
def test_what_cannot_be_explained_is_told(world, tmp_path, name, sentence, out, error, message):
    done = invoke("explain", world.photos / name, sentence, "-o", tmp_path / out, "-m", world.model)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
    assert not (tmp_path / out).exists()

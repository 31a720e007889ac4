"""regard search: for people a table, for programs JSON, for pipes paths."""

import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from small import draw, save_model

import regard
from regard.errors import ConfigError, DataError, StoreError
from regard.model.model import Model
from regard.photos.samples import FOLDER
from regard.search.texts import Texts
from regard.store.region_store import RegionStore
from regard.store.shards import Text

from .conftest import invoke


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    for seed in range(4):
        draw(folder / f"photos/{seed}.png", seed, date=f"202{seed}:06:15 12:00:00")
    draw(folder / "photos/tall one.png", 9, size=(40, 80))
    model = save_model(folder / "model")
    done = invoke("index", folder / "photos", "--index", folder / "index", "--model", model)
    assert done.exit_code == 0, done.output
    return folder / "index"


def found(index, *arguments):
    done = invoke("search", "--index", index, "--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def names(tree):
    return [Path(hit["photo"]).name for hit in tree]


def test_json_is_what_others_build_on(index):
    tree = found(index, "a dog on the beach", "-k", 3)
    assert len(tree) == 3
    similarities = [hit["similarity"] for hit in tree]
    assert similarities == sorted(similarities, reverse=True)
    for hit in tree:
        assert Path(hit["photo"]).exists()
        words = hit["words"]
        assert [w["word"] for w in words][1:-1] == ["a", "dog", "on", "the", "beach"]
        assert sum(w["share"] for w in words) == pytest.approx(hit["similarity"], abs=1e-5)
        for word in words:
            assert -1 <= word["relevance"] <= 1
            assert len(word["regions"]) == 36
            assert all(len(region) == 5 for region in word["regions"])
    first = tree[0]
    assert set(first) == {
        *("photo", "similarity", "words", "id", "width", "height", "taken"),
        *("unsupported", "verdict", "match_probability", "looks_like", "is_read", "alike"),
    }


def test_a_line_names_rank_match_and_the_whole_path(index, monkeypatch):
    tree = found(index, "a red dog", "-k", 2)
    monkeypatch.setattr("regard.cli.search.output", Console(width=20, highlight=False))
    done = invoke("search", "a red dog", "-k", 2, "--index", index)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for rank, (line, hit) in enumerate(zip(lines, tree, strict=True), 1):
        assert line.split()[:2] == [str(rank), f"{hit['similarity']:.3f}"]
        assert hit["photo"] in line  # in one piece, however narrow the terminal is


@pytest.mark.parametrize(("form", "times"), [((), 6), (("--json",), 6), (("--paths0",), 0)])
def test_every_sentence_of_a_hit_is_explained_once_at_most(index, monkeypatch, form, times):
    explained = []
    explain = Model.explain

    def counting(self, photo, *more):
        explained.append(photo)
        return explain(self, photo, *more)

    monkeypatch.setattr(Model, "explain", counting)
    done = invoke("search", "a red dog; -1: a leash", "-k", 3, "--index", index, *form)
    assert done.exit_code == 0, done.output
    assert len(explained) == times  # two sentences of three hits


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """An index whose photos are labelled."""
    folder = tmp_path_factory.mktemp("labelled")
    for name in ("coffee.jpg", "grass.jpg"):
        shutil.copy(FOLDER / name, folder)
    model = regard.load()
    regard.update_index(folder / "index", folder, model, workers=1)
    return folder / "index"


def test_hits_say_which_words_a_label_found(labelled):
    done = invoke("search", "a cup of coffee", "--index", labelled, "-k", 1)
    assert "found by label" in done.stdout
    assert "espresso" in done.stdout
    assert "older version" not in done.stderr
    (hit,) = found(labelled, "a cup of coffee", "-k", 1)
    coffee = next(word for word in hit["words"] if word["word"] == "coffee")
    assert coffee["label"]["found"]
    assert ["espresso", coffee["label"]["probability"]] in [
        [name, pytest.approx(likely, abs=1e-3)] for name, likely in hit["looks_like"]
    ]


def test_an_index_of_a_version_without_labels_is_searched_and_named(labelled, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(labelled, old)
    with RegionStore(old, writable=True) as store:
        store.append([(key, store[key]._replace(labels=None)) for key in list(store)])
    done = invoke("search", "a cup of coffee", "--index", old, "-k", 1)
    assert "coffee.jpg" in done.stdout
    assert "found by label" not in done.stdout
    assert "older version and does not hold what regions look like" in done.stderr
    (hit,) = found(old, "a cup of coffee", "-k", 1)
    assert hit["looks_like"] == []
    assert all(word["label"] is None for word in hit["words"])


def test_words_that_were_read_are_told_and_their_photo_comes_first(index, tmp_path):
    copied = tmp_path / "index"
    shutil.copytree(index, copied)
    last = found(index, "a red dog", "-k", 5)[-1]
    with RegionStore(copied) as store:
        key = next(key for key in store if key.startswith(last["id"]))
    Texts(copied).put({key: (Text("DOGS EXIT", (1.0, 2.0, 3.0, 4.0), 0.9),)}, "x")
    first, *others = found(copied, "exit")
    assert (first["photo"], first["is_read"]) == (last["photo"], True)
    assert not any(hit["is_read"] for hit in others)
    assert [w["read"] for w in first["words"] if w["word"] == "exit"] == [
        [["DOGS EXIT", 1.0, 2.0, 3.0, 4.0]]
    ]
    lines = invoke("search", "exit", "--index", copied).stdout.splitlines()
    assert "(read here: exit)" in lines[0]
    assert not any("read here" in line for line in lines[1:])


def test_paths_for_pipes(index):
    done = invoke("search", "a dog", "--index", index, "--paths0")
    assert done.stdout.endswith("\0")
    assert [Path(p).name for p in done.stdout[:-1].split("\0")] == names(found(index, "a dog"))


def test_pictures_need_a_terminal_that_shows_them(index, monkeypatch):
    done = invoke("search", "a dog", "--index", index, "--pictures")
    assert isinstance(done.exception, ConfigError)
    monkeypatch.setenv("TERM_PROGRAM", "iTerm.app")
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(
        "regard.cli.search.output", Console(force_terminal=True, highlight=False, width=40)
    )
    done = invoke("search", "a dog", "--index", index, "--pictures", "-k", 3)
    assert done.stdout.count("1337;File=inline=1") == 3
    for rank, name in enumerate(names(found(index, "a dog", "-k", 3)), 1):
        assert re.search(rf"^ *{rank}  +\S+  .*{name}", done.stdout, re.M)


def test_words_the_model_never_learned_are_told_on_standard_error(index):
    done = invoke("search", '"a grren zzyzx dog"', "--index", index, "--json")
    assert "never learned 'grren'; near it: green" in done.stderr
    assert "never learned 'zzyzx'." in done.stderr
    assert isinstance(json.loads(done.stdout), list)


def test_misspelt_words_are_put_right_and_other_languages_told(index):
    done = invoke("search", "a grren dog", "--index", index, "--json")
    assert "Showing results for “a green dog”. In quotation marks a sentence" in done.stderr
    assert json.loads(done.stdout) == found(index, "a green dog")
    done = invoke("search", "ein roter hund", "--index", index)
    assert "The model reads English; this looks like German." in done.stderr
    assert "Showing results" not in done.stderr


def test_a_colour_of_whole_photos_is_a_filter(index):
    done = invoke("search", "a dog in black and white", "--index", index)
    assert "Only black and white photos. In quotation marks" in done.stderr
    assert "No photo is black and white." in done.stderr


def test_several_texts_are_parts_of_one_query(index):
    one = found(index, "2: a dog; -1: a cat")
    assert one == found(index, "--", "2: a dog", "-1: a cat")
    assert one != found(index, "2: a dog; a cat")


def test_like_a_photo(index):
    photo = index.parent / "photos/2.png"
    tree = found(index, "--like", photo)
    assert names(tree)[0] == "2.png"
    assert tree[0]["words"] == []
    assert names(found(index, "a dog", "--like", photo, "-k", 5)) != []


def test_like_a_part_of_a_photo(index):
    photo = index.parent / "photos/2.png"
    part = found(index, "--like", photo, "--box", "0.5,0,0.5,1")
    whole = found(index, "--like", photo)
    assert names(part)[0] == "2.png"
    assert [hit["similarity"] for hit in part] != [hit["similarity"] for hit in whole]
    assert part == found(index, "--like", photo, "--box", ".5,0,.5,1")
    assert names(found(index, "a dog", "--like", photo, "--box", "0,0,1,1", "-k", 5)) != []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--path", "*tall*"), {"tall one.png"}),
        (("--orientation", "portrait"), {"tall one.png"}),
        (("--min-size", "20x80"), {"tall one.png"}),
        (("--min-size", "41"), set()),
        (("--after", "2021-06-15", "--before", "2022-06-15"), {"1.png"}),
        (("--after", "2021-06-15T12:00:01"), {"2.png", "3.png"}),
    ],
)
def test_filters(index, options, wanted):
    assert set(names(found(index, "a dog", *options))) == wanted


def test_no_photo_that_passes_is_told(index):
    done = invoke("search", "a dog", "--path", "nothing", "--index", index)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "No photo has a path that fits 'nothing'. A pattern is of the whole" in done.stderr


def test_dates_that_leave_nothing_say_so_and_not_how_paths_are_written(index):
    done = invoke("search", "a dog", "--after", "2030-01-01", "--index", index)
    assert done.stderr == (
        "No photo was taken on or after 2030-01-01.\n"
        "1 photo is left out because no date is known.\n"
    )


def test_a_time_in_the_query_is_a_filter(index):
    done = invoke("search", "a dog in june 2021", "--index", index, "--json")
    tree = json.loads(done.stdout)
    assert names(tree) == ["1.png"]
    assert [word["word"] for word in tree[0]["words"]][1:-1] == ["a", "dog"]
    assert "Only photos taken from 2021-06-01 to 2021-06-30: “in june 2021” is read" in done.stderr
    assert "1 photo is left out because no date is known." in done.stderr
    assert len(found(index, '"a dog in june 2021"')) == 5  # quoted, it is a part of the sentence
    assert names(found(index, "a dog in june 2021", "--after", "2023-01-01")) == ["3.png"]


def test_what_is_not_wanted_counts_against(index):
    assert found(index, "a dog without a leash") == found(index, "a dog; -1: a leash")


def test_sorted_by_date(index):
    tree = found(index, "a dog", "--sort", "date")
    assert names(tree) == ["3.png", "2.png", "1.png", "0.png", "tall one.png"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((), DataError, "Say what you look for"),
        (("a dog", "-k", 0), ConfigError, "k must be at least 1"),
        (("a dog", "--after", "soon"), ConfigError, "--after is 'soon'"),
        (("a dog", "--min-size", "big"), ConfigError, "--min-size is 'big'"),
        (("a dog", "--min-size", "0x5"), ConfigError, "--min-size is '0x5'"),
        (("a dog", "--min-size", "19x"), ConfigError, "--min-size is '19x'"),
        (("a dog", "--box", "0,0,1,1"), ConfigError, "Name that with --like"),
        (("a dog", "--like", "x.png", "--box", "0,0,2,1"), DataError, "box is '0,0,2,1'"),
        (("a dog", "--index", "nowhere"), StoreError, "regard index PHOTOS"),
    ],
)
def test_errors_say_what_to_do(index, arguments, kind, message):
    done = invoke("search", "--index", index, *arguments)
    assert isinstance(done.exception, kind)
    assert message in str(done.exception)


def test_photos_without_a_date_are_counted_where_dates_are_asked_for(index):
    asked = ("search", "a dog", "--index", index, "--json")
    note = "1 photo is left out because no date is known."
    assert note in invoke(*asked, "--after", "2021-01-01").stderr
    assert note in invoke(*asked, "--before", "2021-01-01", "--path", "*tall*").stderr
    assert "left out" not in invoke(*asked, "--after", "2021-01-01", "--path", "*1.png").stderr
    assert "left out" not in invoke(*asked).stderr


def test_photos_that_are_one_have_one_line(tmp_path):
    """A raw file, as far as its name says, beside its JPEG; both are read as what they are."""
    for ending, seed in (("jpg", 1), ("dng", 2)):
        draw(tmp_path / f"photos/{seed}.png", seed + 10)
        draw(tmp_path / "made.jpg", seed, size=(240, 180))
        (tmp_path / "made.jpg").rename(tmp_path / f"photos/IMG_1.{ending}")
    model = save_model(tmp_path / "model")
    assert invoke("index", tmp_path / "photos", "-i", tmp_path / "i", "-m", model).exit_code == 0
    tree = found(tmp_path / "i", "a red dog")
    assert len(tree) == 3
    one = next(hit for hit in tree if hit["alike"])
    assert {Path(p).name for p in (one["photo"], *one["alike"])} == {"IMG_1.jpg", "IMG_1.dng"}
    lines = invoke("search", "a red dog", "-i", tmp_path / "i").stdout.splitlines()
    assert [line.endswith("   and 1 more like it") for line in lines].count(True) == 1
    paths = invoke("search", "a red dog", "-i", tmp_path / "i", "--paths0").stdout
    assert paths.count("\0") == 3
    assert len(found(tmp_path / "i", "a red dog", "-k", 2)) == 2

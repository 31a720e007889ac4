"""Photos that are nearly the same, stack by stack."""

import shutil

import pytest
from PIL import Image, ImageEnhance
from search.conftest import draw
from web.conftest import client_of, get

from regard.indexing import update_index
from regard.model.model import load
from regard.photos import samples
from regard.search import Index


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Photos two of which were edited, and drawn ones."""
    place = tmp_path_factory.mktemp("duplicates")
    samples.copy_samples(place / "photos")
    for name in ("cat", "coffee"):
        with Image.open(place / f"photos/{name}.jpg") as photo:
            width, height = photo.size
            inner = photo.crop((width // 40, height // 40, width, height))
            ImageEnhance.Brightness(inner).enhance(1.1).save(place / f"photos/{name}-edited.jpg")
    draw(place / "photos/drawn.png", 5)
    (place / "photos/again").mkdir()
    shutil.copy(place / "photos/drawn.png", place / "photos/again/copy.png")
    model = load()
    update_index(place / "index", place / "photos", model, workers=1)
    with Index.open(place / "index", model) as index, client_of(index) as opened:
        yield opened


def test_all_of_them_are_listed_stack_by_stack(client):
    answer = get(client, "duplicates")
    firsts = [hit["photo"]["id"] for hit in answer["hits"] if not hit["alike"]]
    assert answer["total"] == len(answer["hits"])
    assert len(firsts) >= 2
    names = {hit["photo"]["id"]: hit["photo"]["name"] for hit in answer["hits"]}
    pairs = {
        frozenset((names[h["photo"]["id"]], names[h["alike"]]))
        for h in answer["hits"]
        if h["alike"]
    }
    assert {frozenset((f"{name}.jpg", f"{name}-edited.jpg")) for name in ("cat", "coffee")} <= pairs
    last = None
    for hit in answer["hits"]:
        last = last if hit["alike"] else hit["photo"]["id"]
        assert hit["alike"] in (None, last)


def test_what_differs_is_told_in_words(client):
    hits = get(client, "duplicates")["hits"]
    assert all((hit["differs"] is None) == (hit["alike"] is None) for hit in hits)
    cats = [hit["differs"] for hit in hits if "cat" in hit["photo"]["name"] and hit["differs"]]
    assert cats == [{"text": "No region differs", "boxes": []}]  # brighter, and cut a little


def test_exact_copies_are_named(client):
    (copied,) = [hit for hit in get(client, "duplicates")["hits"] if hit["copies"]]
    assert {copied["photo"]["name"], *copied["copies"]} == {"copy.png", "drawn.png"}


def test_hits_of_a_search_say_which_they_nearly_are(client):
    hits = get(client, "search", q="a cup of coffee")["hits"]
    names = [hit["photo"]["name"] for hit in hits]
    places = {hit["photo"]["id"]: place for place, hit in enumerate(hits)}
    alike = {n: h["alike"] for n, h in zip(names, hits, strict=True) if h["alike"]}
    assert {"coffee.jpg", "coffee-edited.jpg"} & set(alike)
    for name, lead in alike.items():
        assert places[lead] < names.index(name)


def test_without_a_search_shots_are_told_apart_by_name_and_time_alone(client):
    assert not any(hit["alike"] for hit in get(client, "photos")["hits"])

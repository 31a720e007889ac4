"""Photos that are nearly the same, stack by stack."""

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

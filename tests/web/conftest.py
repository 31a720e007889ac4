"""A real index of drawn photos behind a real application, asked without a network."""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from search.conftest import draw, save_model
from web.server import asked

from regard.indexing import update_index
from regard.model.model import load
from regard.search import Index
from regard.web import decode, subjects
from regard.web.app import create_app
from regard.web.config import ServeConfig

GPS = {1: "N", 2: (51.0, 28.0, 40.0), 3: "W", 4: (0.0, 0.0, 5.0)}
SENTENCES = ["a dog", "a red cat on the grass", "the blue beach", "a leash"]


class World(NamedTuple):
    """Folders of a small library."""

    photos: object
    index: object
    model: object


def with_place(path):
    """A photo that knows where and by what it was taken."""
    pixels = np.random.default_rng(99).integers(0, 255, (5, 7, 3), np.uint8)
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2021:05:12 10:11:12"}
    exif[0x8825] = GPS
    exif[0x010F] = "SecretCamera"
    Image.fromarray(pixels).resize((700, 500)).save(path, exif=exif)
    return path


def make_world(folder):
    photos = folder / "photos"
    for seed in range(6):
        draw(photos / f"{seed}.png", seed, (90, 60), f"2020:01:{seed + 1:02} 08:00:00")
    for seed in range(6, 10):
        draw(photos / f"trip [1]/{seed}.png", seed, (60, 90))
    with_place(photos / "placed.jpg")
    model = load(save_model(folder / "model"))
    update_index(folder / "index", photos, model, workers=1)
    return World(photos, folder / "index", model)


@contextmanager
def client_of(index, **settings):
    """A client of a server with these settings."""
    with asked(create_app(index, ServeConfig(**settings), SENTENCES)) as client:
        yield client


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("web"))


@pytest.fixture
def fresh_world(tmp_path):
    """One that a test may change."""
    return make_world(tmp_path)


@pytest.fixture(scope="module")
def index(world):
    with Index.open(world.index, world.model) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(index):
    """Of one server for all tests of a module, whose first answer takes a tenth of a second."""
    with client_of(index) as opened:
        yield opened


@pytest.fixture
def placed(index):
    """Id of the photo with a place."""
    return next(photo.id for photo in index.photos() if photo.path.name == "placed.jpg")


@pytest.fixture(autouse=True)
def _decoded_here(monkeypatch):
    """Uploads are decoded in this process: another takes longer to start than most tests."""

    def decode_here(data, pixels, short_side, _seconds):
        return decode.decode(data, pixels, short_side)

    monkeypatch.setattr(subjects, "decode_apart", decode_here)


@pytest.fixture
def decoded_apart(_decoded_here, monkeypatch):
    """Uploads are decoded in a process of their own, as a server does."""
    monkeypatch.setattr(subjects, "decode_apart", decode.decode_apart)


def get(client, path, **params):
    """A JSON answer of the API."""
    response = client.get(f"/api/v1/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def refused(response, status):
    """Check that an answer is a problem in the usual form; returns it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    answer = response.json()
    assert answer["status"] == status
    assert answer["detail"] == f"{answer['what']}; {answer['must']}. {answer['next']}"
    assert all(answer[part] for part in ("title", "what", "must", "next"))
    return answer

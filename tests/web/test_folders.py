"""Folders added from the page: by readers at this machine alone, one at a time."""

import json
import threading

import pytest
from search.conftest import draw
from web.conftest import client_of, get, refused

from regard.errors import BusyError
from regard.indexing import read_texts
from regard.search import Index
from regard.web import indexer

ELSEWHERE = {"allow_hosts": ("photos.example.org",), "token": "0123456789abcdef"}


@pytest.fixture
def there(fresh_world, tmp_path):
    """A client and a folder with photos that are not in its index."""
    for seed in (31, 32):
        draw(tmp_path / f"more/{seed}.png", seed)
    (tmp_path / "more/broken.jpg").write_bytes(b"no photo")
    with Index.open(fresh_world.index, fresh_world.model) as index, client_of(index) as client:
        yield client, tmp_path / "more"


def add(client, folder):
    return client.post("/api/v1/folders", json={"folder": str(folder)})


def wait(client):
    while (state := get(client, "indexing"))["running"]:
        pass
    return state


def test_a_folder_is_indexed_and_its_photos_are_found(there):
    client, folder = there
    assert get(client, "indexing")["folder"] == ""
    before = get(client, "photos")["total"]
    begun = add(client, folder)
    assert begun.status_code == 202
    assert begun.json()["running"]
    end = wait(client)
    assert (end["running"], end["added"], end["skipped"], end["error"]) == (False, 2, 1, "")
    assert end["done"] == end["total"] == 3
    assert get(client, "photos")["total"] == before + 2


def test_text_is_read_where_it_was_read_before(there, fresh_world, reader):
    client, folder = there
    reader("EXIT")
    read_texts(fresh_world.index, fresh_world.model, workers=1)
    before = get(client, "photos")["total"]
    add(client, folder)
    assert wait(client)["error"] == ""
    hits = get(client, "search", q="exit", limit=100)["hits"]
    assert sum(hit["is_read"] for hit in hits) == before + 2


def test_one_folder_at_a_time(there, monkeypatch):
    client, folder = there
    go_on = threading.Event()
    monkeypatch.setattr(indexer, "update_index", lambda *_, **__: go_on.wait(60) and stop())
    assert add(client, folder).status_code == 202
    refused(add(client, folder), 409)
    go_on.set()
    assert "another process" in wait(client)["error"]
    assert add(client, folder).status_code == 202
    wait(client)


def stop():
    raise BusyError("another process is writing to the index")


@pytest.mark.parametrize("folder", ["no/such", "~", "/", "/no such folder", "/\0", "bad\udcff"])
def test_what_is_no_folder_is_refused(there, folder):
    client, _ = there
    content = json.dumps({"folder": folder})  # lone surrogates, too
    headers = {"Content-Type": "application/json"}
    refused(client.post("/api/v1/folders", content=content, headers=headers), 422)


def test_from_elsewhere_no_folder_is_added(index):
    with client_of(index, **ELSEWHERE) as far:
        far.headers["Authorization"] = f"Bearer {ELSEWHERE['token']}"
        refused(add(far, "/tmp"), 403)
        refused(far.get("/api/v1/indexing"), 403)

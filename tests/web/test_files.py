"""The files behind photos: whole for who sits here, pixels alone for others."""

import io
import subprocess
import zipfile

import pytest
from PIL import Image
from web.conftest import client_of, get, refused

from regard.web import originals

ELSEWHERE = {"allow_hosts": ("photos.example.org",), "token": "0123456789abcdef"}


@pytest.fixture
def far(index):
    """A client that comes through a proxy."""
    with client_of(index, **ELSEWHERE) as opened:
        opened.headers["Authorization"] = f"Bearer {ELSEWHERE['token']}"
        yield opened


def file_of(client, photo_id, **params):
    return client.get(f"/api/v1/photos/{photo_id}/file", params=params)


def test_here_the_file_is_sent_as_it_is(client, placed, world):
    answer = file_of(client, placed)
    assert answer.content == (world.photos / "placed.jpg").read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline;")
    saved = file_of(client, placed, download=True).headers["content-disposition"]
    assert saved == "attachment; filename*=UTF-8''placed.jpg"


def test_elsewhere_a_photo_has_its_size_and_tells_nothing(far, placed):
    answer = file_of(far, placed)
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (700, 500)
        assert not picture.getexif()
    assert b"SecretCamera" not in answer.content


def test_details_tell_the_camera_and_the_path_only_here(client, far, placed, world):
    here = get(client, f"photos/{placed}/details")
    assert here["camera"] == "SecretCamera"
    assert here["path"] == str(world.photos / "placed.jpg")
    assert here["bytes"] == (world.photos / "placed.jpg").stat().st_size
    assert get(far, f"photos/{placed}/details")["path"] is None


def ids(client):
    return [hit["photo"]["id"] for hit in get(client, "photos")["hits"]]


def test_a_zip_holds_the_files(client, world):
    chosen = ids(client)[:3]
    answer = client.get("/api/v1/files.zip", params={"ids": ",".join([*chosen, chosen[0]])})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
        for name in archive.namelist():
            assert archive.read(name) in [p.read_bytes() for p in world.photos.rglob(name)]


def test_files_of_one_name_stand_beside_each_other_in_a_zip():
    names = set()
    seen = [originals._unlike(names, name) for name in ("a.jpg", "A.jpg", "a.jpg", "b.jpg")]
    assert seen == ["a.jpg", "A (2).jpg", "a (3).jpg", "b.jpg"]


def test_paths_are_told_here_alone(client, far, placed, world):
    body = {"ids": [placed]}
    told = client.post("/api/v1/files/paths", json=body).json()
    assert told == {"paths": [str(world.photos / "placed.jpg")]}
    refused(far.post("/api/v1/files/paths", json=body), 403)
    refused(far.post(f"/api/v1/photos/{placed}/show"), 403)


def test_the_file_manager_shows_a_photo(client, placed, world, monkeypatch):
    run = []

    def ran(command, **_settings):
        run.append(command)
        return subprocess.CompletedProcess(command, int(len(run) == 1))

    monkeypatch.setattr(originals.sys, "platform", "linux")
    monkeypatch.setattr(originals.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(originals.subprocess, "run", ran)
    assert client.post(f"/api/v1/photos/{placed}/show").status_code == 204
    assert f"array:string:{(world.photos / 'placed.jpg').as_uri()}" in run[0]
    assert run[1] == ["xdg-open", str(world.photos)]  # as the first could not


def test_without_a_file_manager_the_folder_is_told(client, placed, world, monkeypatch):
    monkeypatch.setattr(originals.shutil, "which", lambda _name: None)
    problem = refused(client.post(f"/api/v1/photos/{placed}/show"), 409)
    assert str(world.photos) in problem["next"]


def test_a_file_that_is_gone_is_told_and_left_out_of_a_zip(fresh_world):
    from regard.search import Index

    with Index.open(fresh_world.index, fresh_world.model) as index, client_of(index) as client:
        both = ids(client)[:2]
        path = client.post("/api/v1/files/paths", json={"ids": both[:1]}).json()["paths"][0]
        fresh_world.photos.joinpath(path).unlink()
        refused(file_of(client, both[0]), 404)
        answer = client.get("/api/v1/files.zip", params={"ids": ",".join(both)})
        assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == 1


def test_the_command_that_adds_photos_names_this_index(client, far, world):
    here = get(client, "stats")
    assert here["is_local"]
    assert here["index_command"] == f"regard index PHOTOS --index {world.index}"
    assert not get(far, "stats")["is_local"]
    assert str(world.index) not in get(far, "stats")["index_command"]

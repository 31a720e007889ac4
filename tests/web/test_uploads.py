"""A reader's own photo: limits, answers, and that it is forgotten."""

import io
import socket
import tempfile
import time

import pytest
from PIL import Image
from search.conftest import draw
from web.conftest import client_of, get, refused

from regard.web import subjects


def send(client, data, **params):
    return client.post("/api/v1/uploads", content=data, params=params)


@pytest.fixture
def photo(world):
    return (world.photos / "placed.jpg").read_bytes()


@pytest.mark.usefixtures("decoded_apart")
def test_an_upload_is_like_the_photo_that_was_indexed(client, photo, placed):
    answer = send(client, photo, q="a red dog").json()
    indexed = get(client, f"photos/{placed}/explain", q="a red dog")
    assert answer["explanation"]["similarity"] == pytest.approx(indexed["similarity"], abs=2e-3)
    assert (answer["photo"]["width"], answer["photo"]["height"]) == (700, 500)
    assert len(answer["captions"]) == 4
    similar = get(client, f"photos/{answer['photo']['id']}/similar", limit=3)["hits"]
    assert similar[0]["photo"]["id"] == placed


def test_without_a_sentence_nothing_is_explained(client, photo):
    assert send(client, photo).json()["explanation"] is None


def test_it_can_be_looked_at_like_any_other(client, photo):
    upload_id = send(client, photo).json()["photo"]["id"]
    assert get(client, f"photos/{upload_id}")["name"] == "Your photo"
    assert get(client, f"photos/{upload_id}/captions")["total"] == 4
    picture = client.get(f"/api/v1/photos/{upload_id}/thumbnail")
    assert picture.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in picture.content
    figure = client.get(f"/api/v1/photos/{upload_id}/figure.png", params={"q": "a dog"})
    assert figure.content.startswith(b"\x89PNG")


def test_its_picture_is_of_the_size_asked_for_and_never_stored(client, world, tmp_path):
    large = tmp_path / "large.png"
    Image.open(world.photos / "placed.jpg").resize((2800, 2000)).save(large)
    upload_id = send(client, large.read_bytes()).json()["photo"]["id"]
    address = f"/api/v1/photos/{upload_id}/thumbnail"
    for size in (240, 320, 640, 1600):
        answer = client.get(address, params={"size": size})
        assert Image.open(io.BytesIO(answer.content)).size == (round(size * 1.4), size)
    for kind in ("", "/thumbnail", "/figure.png?q=dog", "/captions", "/similar", "/explain?q=dog"):
        sent = client.get(f"/api/v1/photos/{upload_id}{kind}")
        assert sent.headers["cache-control"] == "no-store"
        assert "etag" not in sent.headers
    assert client.get(address, headers={"If-None-Match": "*"}).status_code == 200


def test_photos_like_it_are_found_by_its_vectors(client, photo, index, monkeypatch):
    upload_id = send(client, photo).json()["photo"]["id"]
    for work in ("encode_images", "embed"):
        monkeypatch.setattr(index.model, work, lambda *_: pytest.fail("it was embedded again"))
    hits = get(client, f"photos/{upload_id}/similar", limit=3)["hits"]
    assert len(hits) == 3


@pytest.mark.parametrize("kind", ["JPEG2000", "PPM", "TIFF", "WEBP"])
def test_what_can_be_indexed_can_be_sent(client, kind):
    data = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(data, kind)
    assert send(client, data.getvalue()).status_code == 200


@pytest.mark.usefixtures("decoded_apart")
def test_nothing_is_written_to_disk(client, photo, world, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in world.index.rglob("*.*")}
    upload_id = send(client, photo, q="a dog").json()["photo"]["id"]
    client.get(f"/api/v1/photos/{upload_id}/thumbnail")
    assert {path: path.stat().st_mtime_ns for path in world.index.rglob("*.*")} == before
    assert not list(tmp_path.iterdir())


def test_it_is_forgotten_in_time(index, photo):
    with client_of(index, upload_lifetime=0.3) as client:
        upload_id = send(client, photo).json()["photo"]["id"]
        time.sleep(0.4)
        answer = refused(client.get(f"/api/v1/photos/{upload_id}/thumbnail"), 404)
    assert "no longer kept" in answer["what"]


def test_the_oldest_makes_room(client, photo, monkeypatch):
    monkeypatch.setattr(subjects, "_MOST_UPLOADS", 2)
    sent = [send(client, photo).json()["photo"]["id"] for _ in range(3)]
    statuses = [client.get(f"/api/v1/photos/{one}").status_code for one in sent]
    assert statuses == [404, 200, 200]


# ---- limits


def test_too_large_is_refused_by_its_announcement(index):
    """Only the head is sent: the answer comes without a byte of the body."""
    with client_of(index, upload_bytes=1000) as client:
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address) as line:
            line.sendall(
                b"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1001\r\n\r\n"
            )
            assert line.recv(1000).startswith(b"HTTP/1.1 413")


def test_too_large_is_refused_without_an_announcement(index):
    def parts():
        for _ in range(50):
            yield b"x" * 100

    with client_of(index, upload_bytes=1000) as client:
        refused(send(client, parts()), 413)


def test_too_slow_is_refused(index):
    """The rest of the body never comes: the answer is what ends the wait."""
    with client_of(index, upload_seconds=0.1) as client:
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address) as line:
            line.sendall(
                b"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nx"
            )
            assert line.recv(1000).startswith(b"HTTP/1.1 408")


def test_too_many_pixels_are_refused(index, photo):
    with client_of(index, upload_pixels=100_000) as client:
        assert "too many pixels" in refused(send(client, photo), 415)["what"]


@pytest.mark.parametrize("data", [b"not a photo", b"GIF89a", b"\xff\xd8\xff\xe0" + b"\0" * 50])
def test_no_photo_is_told(client, data):
    refused(send(client, data), 415)


def test_nothing_is_told(client):
    refused(send(client, b""), 422)


def test_a_broken_line_harms_nothing(client, photo):
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address) as line:
        line.sendall(
            b"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\nabc"
        )
    assert send(client, photo).status_code == 200


def test_a_wrong_sentence_is_told(client, photo):
    refused(send(client, photo, q=";"), 422)
    refused(send(client, photo, q="x" * 501), 422)


def test_small_photos_work(client, tmp_path):
    assert send(client, draw(tmp_path / "a.png", 3).read_bytes(), q="a dog").status_code == 200

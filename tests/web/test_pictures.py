"""Pictures: from indexed folders only, what was indexed only, without metadata."""

import hashlib
import io
import shutil

import pytest
from PIL import Image
from search.conftest import draw
from web.conftest import client_of, refused, with_place

from regard.indexing import update_index
from regard.search import Index, PhotoRecord
from regard.web.pictures import Thumbnails, inside, read_indexed, reduce, to_jpeg
from regard.web.problems import ProblemError


def record_of(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return PhotoRecord(digest, path, 60, 40, None, path.stat().st_size, 0.0)


# ---- nothing outside


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    secret = draw(tmp_path / "secret/s.png", 1)
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "link.png").symlink_to(secret)
    (photos / "folder").symlink_to(secret.parent)
    (photos / "loop.png").symlink_to(photos / "loop.png")
    own = draw(photos / "own.png", 2)
    (photos / "inner.png").symlink_to(own)
    for name in ("link.png", "folder/s.png", "loop.png", "../secret/s.png", "missing.png"):
        with pytest.raises(ProblemError) as error:
            inside(photos / name, [photos])
        assert error.value.status == 404
        assert str(tmp_path) not in str(error.value)
    assert inside(photos / "inner.png", [tmp_path / "other", photos]) == own


def test_a_folder_with_a_longer_name_is_another(tmp_path):
    neighbour = draw(tmp_path / "photos-private/s.png", 1)
    (tmp_path / "photos").mkdir()
    with pytest.raises(ProblemError):
        inside(neighbour, [tmp_path / "photos"])


def test_an_indexed_link_is_searched_but_never_shown(fresh_world, tmp_path):
    secret = draw(tmp_path / "elsewhere/secret.png", 60)
    (fresh_world.photos / "link.png").symlink_to(secret)
    update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
    with Index.open(fresh_world.index, fresh_world.model) as index, client_of(index) as client:
        photo_id = record_of(secret).id
        for kind in ("thumbnail", "figure.png?q=dog", "figure.svg?q=dog"):
            refused(client.get(f"/api/v1/photos/{photo_id}/{kind}"), 404)


def test_a_photo_replaced_by_a_link_is_not_shown_even_if_it_was_before(fresh_world, tmp_path):
    photo = fresh_world.photos / "0.png"
    copy = tmp_path / "elsewhere.png"
    photo_id = record_of(photo).id
    with Index.open(fresh_world.index, fresh_world.model) as index, client_of(index) as client:
        address = f"/api/v1/photos/{photo_id}/thumbnail"
        shown = client.get(address)
        assert shown.status_code == 200
        shutil.move(photo, copy)
        photo.symlink_to(copy)
        refused(client.get(address), 404)
        refused(client.get(address, headers={"If-None-Match": shown.headers["etag"]}), 404)


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%252f..%252fetc",
        "%2fetc%2fpasswd",
        "0123456789ABCDEF",
        "0123456789abcdef0",
        "0.png",
        "0123456789abcde%00",
        "u0",
    ],
)
@pytest.mark.parametrize("kind", ["", "/thumbnail", "/explain?q=dog", "/captions", "/similar"])
def test_ids_are_no_paths(client, name, kind):
    response = client.get(f"/api/v1/photos/{name}{kind}")
    assert response.status_code in (404, 422), response.text
    assert "root:" not in response.text


# ---- only what was indexed


def test_a_changed_photo_is_not_shown(tmp_path):
    path = draw(tmp_path / "a.png", 1)
    record = record_of(path)
    assert read_indexed(path, record) == path.read_bytes()
    draw(path, 2)
    with pytest.raises(ProblemError) as error:
        read_indexed(path, record)
    assert error.value.status == 409


def test_links_are_not_followed_at_the_last_moment(tmp_path):
    path = draw(tmp_path / "a.png", 1)
    record = record_of(path)
    path.rename(tmp_path / "b.png")
    path.symlink_to(tmp_path / "b.png")
    with pytest.raises(ProblemError):
        read_indexed(path, record)


# ---- pictures


@pytest.mark.parametrize("size", [240, 320, 640, 1600])
def test_no_metadata_is_sent(client, placed, size):
    response = client.get(f"/api/v1/photos/{placed}/thumbnail", params={"size": size})
    assert response.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in response.content
    assert b"SecretCamera" not in response.content
    with Image.open(io.BytesIO(response.content)) as image:
        assert not image.getexif()
        assert image.height <= size


def test_no_answer_tells_the_place(client, placed):
    for path in (f"photos/{placed}", f"photos/{placed}/explain?q=dog", "photos", "search?q=dog"):
        text = client.get(f"/api/v1/{path}").text.lower()
        assert not [word for word in ("gps", "latitude", "secretcamera") if word in text]


def test_upright_and_never_larger(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "red").save(path, exif=exif)
    with Image.open(io.BytesIO(reduce(path.read_bytes(), 640))) as image:
        assert image.size == (200, 400)


def test_a_colour_profile_stays_unless_it_is_huge():
    profile = b"p" * 500
    image = Image.new("RGB", (20, 20))
    image.info["icc_profile"] = profile
    assert profile in to_jpeg(image, (10, 10))
    image.info["icc_profile"] = b"p" * 30_000
    assert profile not in to_jpeg(image, (10, 10))


def test_made_once_and_kept(tmp_path):
    path = draw(tmp_path / "photos/a.png", 1, (600, 400))
    record = record_of(path)
    thumbnails = Thumbnails(tmp_path / "index")
    picture = thumbnails.get(record, 320, [path.parent])
    kept = list((tmp_path / "index").rglob("*.jpg"))
    assert [file.read_bytes() for file in kept] == [picture]
    kept[0].write_bytes(b"from the cache")
    assert thumbnails.get(record, 320, [path.parent]) == b"from the cache"
    thumbnails.get(record, 1600, [path.parent])
    assert len(list((tmp_path / "index").rglob("*.jpg"))) == 1  # large ones are not kept
    assert thumbnails.prune({record.id}) == 0
    assert thumbnails.prune(set()) == 1
    assert not list((tmp_path / "index").rglob("*.jpg"))


def test_an_index_that_cannot_be_written_is_served(tmp_path):
    path = draw(tmp_path / "photos/a.png", 1)
    (tmp_path / "index").write_text("a file where the folder would be")
    picture = Thumbnails(tmp_path / "index").get(record_of(path), 320, [path.parent])
    assert picture.startswith(b"\xff\xd8")


def test_what_is_no_photo_any_more_is_told(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no photo")
    with pytest.raises(ProblemError) as error:
        Thumbnails(tmp_path / "index").get(record_of(path), 320, [tmp_path])
    assert error.value.status == 409
    assert list(tmp_path.iterdir()) == [path]


def test_pictures_are_asked_for_once(client, placed):
    address = f"/api/v1/photos/{placed}/thumbnail"
    first = client.get(address, params={"size": 640})
    tag = first.headers["etag"]
    again = client.get(address, params={"size": 640}, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200  # another size


def test_with_place_writes_one(tmp_path):
    with Image.open(with_place(tmp_path / "a.jpg")) as image:
        assert image.getexif().get_ifd(0x8825)[1] == "N"

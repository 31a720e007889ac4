"""Uploads that are kept: only when asked, only where allowed, over nothing, found at once."""

import hashlib
import os

import pytest
from search.conftest import draw
from web.conftest import client_of, get, refused

from regard.errors import ConfigError
from regard.indexing import update_index
from regard.search import Index
from regard.store.manifest import lock
from regard.web.keeping import Keeper, prepare_folder


@pytest.fixture
def opened(fresh_world):
    with Index.open(fresh_world.index, fresh_world.model) as index:
        yield index


@pytest.fixture
def folder(opened, fresh_world):
    """Below the indexed photos."""
    return prepare_folder(fresh_world.photos / "sent", opened)


@pytest.fixture
def data(tmp_path):
    return draw(tmp_path / "apart/my secret name.png", 77).read_bytes()


def id_of(data):
    return hashlib.sha256(data).hexdigest()[:16]


def send(client, data, keep="true"):
    return client.post("/api/v1/uploads", content=data, params={"keep": keep})


def test_a_server_keeps_nothing_unless_it_was_told_to(client, data):
    assert not get(client, "stats")["keeps_uploads"]
    assert "--keep-uploads" in refused(send(client, data), 403)["next"]


def test_and_then_nothing_it_was_not_asked_to(opened, folder, data):
    with client_of(opened, keep_uploads=folder) as client:
        assert get(client, "stats")["keeps_uploads"]
        assert send(client, data, keep="false").json()["kept"] is None
    assert list(folder.iterdir()) == []


def test_what_is_kept_is_the_photo_as_sent_and_is_found_at_once(opened, folder, data):
    name = f"regard-{id_of(data)}.png"
    with client_of(opened, keep_uploads=folder) as client:
        kept = send(client, data).json()["kept"]
        assert kept == {"id": id_of(data), "name": name, "is_new": True, "is_indexed": True}
        assert get(client, "search", q="a dog")["total"] == 12
        assert get(client, f"photos/{kept['id']}")["folder"] == "sent"
        assert client.get(f"/api/v1/photos/{kept['id']}/thumbnail").status_code == 200
        again = send(client, data).json()["kept"]
        assert again == {**kept, "is_new": False}
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == data


def test_indexing_later_finds_all_as_it_is(opened, folder, data, fresh_world):
    with client_of(opened, keep_uploads=folder) as client:
        send(client, data)
    report = update_index(fresh_world.index, fresh_world.photos, fresh_world.model, workers=1)
    assert report == (0, 0, 0, 0, 12, {}, {})


def test_a_photo_that_is_indexed_already_is_not_written_again(opened, folder, fresh_world):
    data = (fresh_world.photos / "placed.jpg").read_bytes()
    with client_of(opened, keep_uploads=folder) as client:
        kept = send(client, data).json()["kept"]
    assert (kept["name"], kept["is_new"]) == ("placed.jpg", False)
    assert list(folder.iterdir()) == []


def test_no_file_is_written_over(opened, folder, data):
    taken = folder / f"regard-{id_of(data)}.png"
    taken.write_bytes(b"somebody's")
    outside = folder.parent / "outside.png"
    (folder / f"regard-{id_of(data)}-2.png").symlink_to(outside)
    kept = Keeper(folder, opened).keep(data)
    assert kept.name == f"regard-{id_of(data)}-3.png"
    assert taken.read_bytes() == b"somebody's"
    assert not outside.exists()


def test_what_is_no_photo_is_not_kept(opened, folder):
    with client_of(opened, keep_uploads=folder) as client:
        refused(send(client, b"<script>no photo</script>"), 415)
    assert list(folder.iterdir()) == []


def test_another_site_cannot_have_photos_kept(opened, folder, data):
    with client_of(opened, keep_uploads=folder) as client:
        headers = {"Origin": "http://elsewhere.example"}
        address = "/api/v1/uploads?keep=true"
        refused(client.post(address, content=data, headers=headers), 403)
    assert list(folder.iterdir()) == []


def test_while_the_index_is_written_the_photo_waits_for_it(opened, folder, data):
    keeper = Keeper(folder, opened)
    with lock(opened.folder):
        assert not keeper.keep(data).is_indexed
    kept = keeper.keep(data)
    assert (kept.is_new, kept.is_indexed) == (True, True)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_full_or_closed_folder_is_told(opened, folder, data):
    folder.chmod(0o500)
    with client_of(opened, keep_uploads=folder) as client:
        refused(send(client, data), 409)


def test_a_folder_that_went_away_is_told(opened, folder, data):
    folder.rmdir()
    with client_of(opened, keep_uploads=folder) as client:
        assert "cannot be kept" in refused(send(client, data), 409)["what"]


def test_a_folder_elsewhere_is_indexed_first(opened, tmp_path, data):
    draw(tmp_path / "elsewhere/old.png", 55)
    folder = prepare_folder(tmp_path / "elsewhere", opened)
    assert folder in opened.folders()
    assert len(opened) == 12
    with client_of(opened, keep_uploads=folder) as client:
        kept = send(client, data).json()["kept"]
        assert get(client, f"photos/{kept['id']}")["folder"] == "elsewhere"


def test_folders_that_cannot_be_used_are_told(opened, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for wrong in (tmp_path / "file", opened.folder / "sent"):
        with pytest.raises(ConfigError, match="keep-uploads"):
            prepare_folder(wrong, opened)

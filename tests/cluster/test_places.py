"""Folders and URIs read alike; files are there whole or not at all."""

import pickle

import pytest

from regard.cluster.places import Location
from regard.errors import DataError
from regard.photos.find import scan_folder

pytest.importorskip("pyarrow", reason="Arrow is not installed (pip install 'regard[ray]')")


def in_memory(photos):
    """The same photos in a file system that only fsspec knows."""
    import fsspec

    memory = fsspec.filesystem("memory")
    for path in photos.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/photos/{path.relative_to(photos)}", path.read_bytes())
    return Location.of("memory://photos")


def names(scan, begin):
    return [file.path.removeprefix(begin).lstrip("/") for file in scan.files]


@pytest.mark.parametrize("excludes", [[], ["b/"], ["*7.png", "!b/07.png"], ["/a/*"]])
def test_photos_of_any_file_system_in_the_order_of_a_folder(photos, excludes):
    (photos / ".hidden").mkdir()
    (photos / ".hidden/x.png").write_bytes(b"x")
    (photos / "a.png").write_bytes(b"x")
    (photos / "notes.txt").write_text("no photo")
    wanted = scan_folder(photos, excludes)
    folder, memory = Location.of(str(photos)), in_memory(photos)
    assert folder.scan(excludes) == wanted
    scan = memory.scan(excludes)
    assert names(scan, memory.name) == names(wanted, str(photos))
    assert [file.size for file in scan.files] == [file.size for file in wanted.files]
    for file in scan.files[:3]:
        assert len(memory.read(file.path)) == file.size


def test_files_of_our_own(tmp_path):
    sent = pickle.dumps(Location.of(str(tmp_path / "deep/er")))
    place = pickle.loads(sent)  # noqa: S301 - our own, as Ray sends it
    assert (place.get("x"), place.exists("x")) == (None, False)
    place.put("x", b"one")
    place.put("x", b"two")
    assert (place.get("x"), place.exists("x")) == (b"two", True)
    assert [path.name for path in (tmp_path / "deep/er").iterdir()] == ["x"]
    place.clear()
    place.clear()
    assert not (tmp_path / "deep/er").exists()
    assert Location.of(f"file://{tmp_path}").name == str(tmp_path)


@pytest.mark.parametrize("text", ["nothing://x/y", "s3://", "s3://bucket/x?nonsense=1"])
def test_places_nobody_knows_are_refused(text):
    with pytest.raises(DataError, match="cannot be reached"):
        Location.of(text)


def test_missing_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        Location.of(str(tmp_path / "nowhere")).scan()
    with pytest.raises(DataError, match="cannot be listed"):
        Location.of("memory://nowhere").scan()

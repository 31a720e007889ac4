"""What is found in a folder, and what is told of the rest."""

import os
import sys

import pytest
from small import draw

from regard.errors import DataError
from regard.photos.find import scan_folder


def names(scan, folder):
    return [file.path[len(str(folder)) + 1 :] for file in scan.files]


def test_photos_in_name_order_with_size_and_time(photos):
    scan = scan_folder(photos)
    assert names(scan, photos) == ["0.png", "1.png", "2.png", "3.png", "below/4.png", "below/5.png"]
    state = (photos / "0.png").stat()
    assert scan.files[0] == (str(photos / "0.png"), state.st_size, state.st_mtime_ns)
    assert scan.unreadable == {}


def test_other_files_are_left_alone(photos):
    (photos / "notes.txt").write_text("no photo")
    draw(photos / "CAPITALS.PNG", 9)
    (photos / "folder.png").mkdir()
    assert "CAPITALS.PNG" in names(scan_folder(photos), photos)
    assert len(scan_folder(photos).files) == 7


def test_links_to_files_are_followed_and_links_to_folders_are_not(photos, tmp_path):
    draw(tmp_path / "outside/o.png", 9)
    (photos / "link.png").symlink_to(tmp_path / "outside/o.png")
    (photos / "loop").symlink_to(photos, target_is_directory=True)
    (photos / "dangling.png").symlink_to(tmp_path / "nothing.png")
    assert names(scan_folder(photos), photos)[-1] == "link.png"
    assert len(scan_folder(photos).files) == 7


def test_a_relative_folder_gives_absolute_paths(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert scan_folder(photos.relative_to(photos.parent)) == scan_folder(photos)


def test_what_is_excluded_is_not_looked_into(photos, monkeypatch):
    looked = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(str(path)) or real(path))
    assert names(scan_folder(photos, ["/below/"]), photos) == [f"{n}.png" for n in range(4)]
    assert not any("below" in path for path in looked)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text_are_told(photos):
    (photos / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    assert "not UTF-8" in next(iter(scan.unreadable.values()))
    next(iter(scan.unreadable)).encode()


def test_folders_without_permission_are_told(photos, monkeypatch):
    real = os.scandir

    def refuse(path):
        if "below" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = scan_folder(photos)
    assert len(scan.files) == 4
    assert "Permission denied" in scan.unreadable[f"{photos}/below/"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        scan_folder(tmp_path / "none")

"""What is in a folder of photos, and what is said of the rest."""

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from small import draw

from regard.errors import ConfigError, DataError
from regard.photos import find, formats
from regard.photos.find import PhotoFile, scan_folder, scan_tree
from regard.store.manifest import MANIFEST

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")


def names(scan, folder):
    return [file.path[len(str(folder)) + 1 :] for file in scan.files]


@pytest.fixture
def without_extras(monkeypatch):
    """The endings that are read where the extra package is not installed."""
    monkeypatch.setattr(formats, "endings", lambda: formats._ENDINGS)
    monkeypatch.setattr(formats, "has_extra", lambda _extra: False)


def test_photos_in_name_order_with_size_and_time(photos):
    scan = scan_folder(photos)
    assert names(scan, photos) == ["0.png", "1.png", "2.png", "3.png", "below/4.png", "below/5.png"]
    state = (photos / "0.png").stat()
    assert scan.files[0] == (str(photos / "0.png"), state.st_size, state.st_mtime_ns)
    assert scan.unreadable == {}
    assert not scan.passed_over


def test_what_belongs_to_a_photo_beside_it_is_no_file_of_its_own(tmp_path):
    live = ("IMG_1.HEIC", "IMG_1.MOV", "IMG_1.aae", "img_2.jpg", "IMG_2.mov", "IMG_3.MOV", "4.xmp")
    for name in live:
        (tmp_path / name).touch()
    scan = scan_folder(tmp_path)
    heic = {} if formats.has_extra("heif") else {".heic": 1}
    assert scan.passed_over == {".mov": 1, ".xmp": 1, **heic}


def test_endings_in_any_case_and_the_rarer_ones(photos):
    draw(photos / "CAPITALS.PNG", 9)
    (photos / "folder.png").mkdir()
    rare = ("a.jfif", "b.mpo", "c.apng", "d.j2k", "e.jpx", "f.pnm", "g.dib", "h.pbm")
    for name in rare:
        (photos / name).write_bytes(b"x")
    scan = scan_folder(photos)
    assert {"CAPITALS.PNG", *rare} < set(names(scan, photos))
    assert len(scan.files) == 7 + len(rare)


@pytest.mark.usefixtures("without_extras")
def test_what_is_not_read_is_counted_by_its_ending(photos):
    for name in (
        *("a.heic", "b.HEIC", "c.jxl", "d.psd", "IMG_4.jpg(1)", "README", ".hidden.heic"),
        *("below/notes.txt", "a sentence. and more of it"),
    ):
        (photos / name).write_bytes(b"x")
    kinds = scan_folder(photos).passed_over
    assert kinds == {".heic": 2, ".jxl": 1, ".psd": 1, ".jpg(1)": 1, ".txt": 1, "no ending": 2}
    advice = formats.advice(kinds)
    assert "Read are JPEG, PNG" in advice
    assert "raw" in advice
    assert advice.endswith(
        "For .heic: pip install 'regard[heif]'. For .jxl: pip install 'regard[jxl]'."
    )
    assert formats.advice([".txt", "no ending"]) == ""
    assert "regard[heif]" not in formats.advice([".jpg(1)"])


def test_links_to_files_are_followed_and_links_to_folders_are_counted(photos, tmp_path):
    draw(tmp_path / "outside/o.png", 9)
    (photos / "link.png").symlink_to(tmp_path / "outside/o.png")
    (photos / "loop").symlink_to(photos, target_is_directory=True)
    (photos / "dangling.png").symlink_to(tmp_path / "nothing.png")
    scan = scan_folder(photos)
    assert names(scan, photos)[-1] == "link.png"
    assert len(scan.files) == 7
    assert scan.passed_over == {"links to folders": 1, "broken links": 1}


@linux
def test_what_is_no_file_is_counted(photos):
    os.mkfifo(photos / "pipe.jpg")
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    assert scan.passed_over == {"devices and pipes": 1}


def test_a_relative_folder_gives_absolute_paths(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert scan_folder(photos.relative_to(photos.parent)) == scan_folder(photos)


def test_what_is_excluded_is_not_looked_into(photos, monkeypatch):
    looked = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(str(path)) or real(path))
    assert names(scan_folder(photos, ["/below/"]), photos) == [f"{n}.png" for n in range(4)]
    assert not any("below" in path for path in looked)


def test_no_depth_is_too_deep():
    """More folders within each other than Python calls within each other."""

    def entries_of(inside):
        depth = inside.count("/")
        is_folder = depth < sys.getrecursionlimit() + 50
        return [
            SimpleNamespace(
                name="d" if is_folder else "a.jpg",
                path=f"/photos/{inside}a.jpg",
                is_dir=lambda: is_folder,
                is_file=lambda: not is_folder,
                is_symlink=lambda: False,
                stat=lambda: SimpleNamespace(st_size=1, st_mtime_ns=1),
            )
        ]

    (file,) = scan_tree("/photos", entries_of).files
    assert file.path.endswith("/d/a.jpg")


# ---- by-products


def test_what_an_index_keeps_is_no_photo(photos):
    assert find._INDEX_MARK == MANIFEST
    for folder in ("index", "below/old.regions"):
        (photos / folder).mkdir()
        (photos / folder / MANIFEST).touch()
        draw(photos / folder / "thumbnails/320/t.png", 9)
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    assert scan.passed_over == {f"folders with {MANIFEST}": 2}


def test_nor_is_it_where_the_index_shares_its_folder_with_the_photos(photos):
    (photos / MANIFEST).touch()
    draw(photos / "thumbnails/320/t.png", 9)
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    (photos / MANIFEST).unlink()
    assert len(scan_folder(photos).files) == 7  # somebody's photos in a folder of that name


@pytest.mark.parametrize("mark", [".nomedia", "CACHEDIR.TAG"])
def test_folders_marked_as_holding_nobodys_photos(photos, mark):
    draw(photos / "cache/deep/c.png", 9)
    (photos / "cache" / mark).touch()
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    assert scan.passed_over == {f"folders with {mark}": 1}
    (photos / mark).touch()  # of the folder that was asked for it says nothing
    assert len(scan_folder(photos).files) == 6


OTHERS = (
    *("@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.png", "deep/@eaDir/b.png", "#recycle/c.png"),
    *("$RECYCLE.BIN/$R1.png", "System Volume Information/d.png", "@Recycle/e.png"),
    *("deep/Family.photoslibrary/resources/derivatives/f.png", "__MACOSX/g.png"),
    *("Old.photolibrary/Thumbnails/h.png", "Old.photolibrary/Previews/i.png"),
    *("Catalog Previews.lrdata/0/j.png", "Session/CaptureOne/Cache/k.png"),
    *("cloud/appdata_oc1/preview/l.png", "cloud/files_trashbin/m.png"),
)
OWN = ("Family.photoslibrary/originals/A/1.png", "Old.photolibrary/Masters/2019/2.png")


def test_other_programs_folders_are_left_out_and_counted(photos):
    for seed, name in enumerate((*OTHERS, *OWN)):
        draw(photos / name, 20 + seed)
    scan = scan_folder(photos)
    assert set(names(scan, photos)) - set(OWN) == {
        *(f"{n}.png" for n in range(4)),
        *("below/4.png", "below/5.png"),
    }
    assert len(scan.files) == 6 + len(OWN)
    assert scan.passed_over["@eaDir/"] == 2
    assert scan.passed_over["#recycle/"] == 1
    assert scan.passed_over.total() == len(OTHERS)


def test_they_are_taken_back_by_a_pattern(photos):
    draw(photos / "@eaDir/a.png", 9)
    scan = scan_folder(photos, ["!@eaDir"])
    assert "@eaDir/a.png" in names(scan, photos)
    assert not scan.passed_over
    assert not scan_folder(photos, ["@eaDir/"]).passed_over  # left out by the reader's own word


# ---- names and times


@linux
def test_names_that_are_no_text_are_told_and_the_rest_goes_on(photos):
    (photos / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    draw(photos / os.fsdecode(b"caf\xe9") / "a.png", 9)
    scan = scan_folder(photos)
    assert len(scan.files) == 6
    assert len(scan.unreadable) == 2
    for path, reason in scan.unreadable.items():
        path.encode()
        reason.encode()
        assert "not UTF-8; it must be. Rename the" in reason
    with pytest.raises(DataError, match=r"not UTF-8; it must be\. Rename the folder"):
        scan_folder(photos / os.fsdecode(b"caf\xe9"))


@pytest.mark.parametrize("year", [1, 1901, 2446, 9999])
def test_times_of_any_year_fit_a_database(year):
    seconds = (year - 1970) * 31_556_952
    state = SimpleNamespace(st_size=1, st_mtime_ns=seconds * 10**9)
    file = PhotoFile.of("a.jpg", state)
    assert -(2**63) < file.mtime_ns < 2**63
    if abs(state.st_mtime_ns) < 2**63:
        assert file.mtime_ns == state.st_mtime_ns


# ---- what cannot be looked at


def test_folders_without_permission_are_told(photos, monkeypatch):
    real = os.scandir

    def refuse(path):
        if "below" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = scan_folder(photos)
    assert len(scan.files) == 4
    assert "Permission denied" in scan.unreadable[f"{photos}/below/"]


def test_an_empty_folder_may_be_a_drive_that_is_away(tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    (reason,) = scan_folder(folder).unreadable.values()
    assert f"regard index --forget '{folder}'" in reason
    (folder / "notes.txt").touch()
    assert scan_folder(folder).unreadable == {}


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        scan_folder(tmp_path / "none")


def test_a_bad_pattern_is_an_error_before_anything_is_looked_at(tmp_path):
    with pytest.raises(ConfigError, match=r"\[z-a\]\.jpg"):
        scan_folder(tmp_path, ["[z-a].jpg"])
    assert not any(Path(tmp_path).iterdir())

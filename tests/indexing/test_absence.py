"""What cannot be reached for a while is not taken for gone, nor for bad."""

import shutil

import pytest
from small import draw

from regard.indexing import folders as folders_module
from regard.indexing import forget_folder, update_index
from regard.indexing import update as update_module
from regard.search import Index


@pytest.fixture
def bring(tmp_path, model):
    """Bring one folder up to date; gives the counts that are not zero, and what was skipped."""

    def update(folder, **options):
        counts = update_index(tmp_path / "index", folder, model, workers=1, **options)._asdict()
        skipped = counts.pop("skipped")
        return {name: n for name, n in counts.items() if n}, skipped

    return update


def number(tmp_path, model):
    with Index.open(tmp_path / "index", model) as opened:
        return len(opened)


def test_an_empty_mount_point_loses_nothing(bring, photos, tmp_path, model):
    bring(photos)
    photos.rename(tmp_path / "elsewhere")
    photos.mkdir()
    counts, skipped = bring(photos)
    assert counts == {}
    (reason,) = skipped.values()
    assert f"regard index --forget {photos}" in reason
    assert number(tmp_path, model) == 6
    photos.rmdir()
    (tmp_path / "elsewhere").rename(photos)
    assert bring(photos) == ({"unchanged": 6}, {})


def test_a_folder_that_cannot_be_read_keeps_its_photos(bring, photos, tmp_path, model, monkeypatch):
    bring(photos)

    def scandir(path):
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as now:
        now.setattr("regard.photos.find.os.scandir", scandir)
        counts, skipped = bring(photos)
    assert counts == {}
    assert "cannot be looked into (Permission denied)" in skipped[f"{photos}/"]
    assert number(tmp_path, model) == 6


def test_a_subfolder_that_cannot_be_read_keeps_its_photos(
    bring, photos, tmp_path, model, monkeypatch
):
    draw(photos / "sub/a.png", 20)
    draw(photos / "sub2/b.png", 21)
    bring(photos)
    shutil.rmtree(photos / "sub2")
    real = folders_module.scan_folder

    def scan(folder, excludes):
        there = real(folder, excludes)
        kept = [file for file in there.files if "/sub/" not in file.path]
        return there._replace(files=kept, unreadable={f"{photos}/sub/": "cannot be looked into"})

    monkeypatch.setattr(folders_module, "scan_folder", scan)
    assert bring(photos)[0] == {"unchanged": 6, "removed": 1}
    assert number(tmp_path, model) == 7


def test_photos_gone_for_a_moment_are_tried_again(bring, photos, monkeypatch):
    real = update_module.extract_stream

    def vanishing(listed, *rest):
        pairs = list(listed)
        photos.rename(photos.with_name("away"))
        outcomes = list(real(pairs, *rest))
        photos.with_name("away").rename(photos)  # back before anything is settled
        yield from outcomes

    monkeypatch.setattr(update_module, "extract_stream", vanishing)
    counts, skipped = bring(photos)
    assert counts == {}
    assert len(skipped) == 6
    monkeypatch.setattr(update_module, "extract_stream", real)
    assert bring(photos) == ({"added": 6}, {})


def test_folders_within_each_other_keep_their_photos(bring, photos, tmp_path, model):
    for seed in (20, 21):
        draw(photos / f"sub/{seed}.png", seed)
    sub = photos / "sub"
    assert bring(photos, excludes=["sub/"])[0] == {"added": 6}
    assert bring(sub)[0] == {"added": 2}
    assert bring(photos)[0] == {"unchanged": 6}
    assert bring(sub)[0] == {"unchanged": 2}
    (sub / "20.png").unlink()
    assert bring(sub)[0] == {"unchanged": 1, "removed": 1}
    bring(photos, excludes=[])
    report = forget_folder(tmp_path / "index", sub, model)
    assert report.removed == 0
    assert number(tmp_path, model) == 7
    bring(sub)
    report = forget_folder(tmp_path / "index", photos, model)
    assert report.removed == 6
    assert number(tmp_path, model) == 1

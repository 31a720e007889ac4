"""Damage is found, told and mended from the photos."""

import pytest
from small import draw

from regard.errors import BusyError, StoreError
from regard.indexing import check_index, update_index
from regard.search import Index
from regard.store.region_store import RegionStore


@pytest.fixture
def index(photos, model, tmp_path, monkeypatch):
    """An index of six photos in three shards."""
    monkeypatch.setattr("regard.indexing.update._COMMIT_PHOTOS", 2)
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"


def contents(index, model):
    with Index.open(index, model) as opened:
        return {
            photo.path.name: opened.regions(photo.id).vectors.tolist() for photo in opened.photos()
        }


def flip(path):
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_whole_index_is_left_as_it_is(index, model):
    before = {path: path.read_bytes() for path in index.glob("shard-*")}
    assert check_index(index, model) == ([], 0, {})
    assert {path: path.read_bytes() for path in index.glob("shard-*")} == before


def test_progress_is_told_of_shards_and_of_photos_read_again(index, model):
    flip(min(index.glob("shard-*")))
    progress_told = {"shards": [], "photos": []}
    check_index(
        index,
        model,
        verifying=lambda *count: progress_told["shards"].append(count),
        progress=lambda *count: progress_told["photos"].append(count),
    )
    assert progress_told == {"shards": [(1, 3), (2, 3), (3, 3)], "photos": [(1, 2), (2, 2)]}


@pytest.mark.parametrize("harm", ["flip", "cut", "delete", "empty"])
def test_photos_of_a_damaged_shard_are_read_again(index, model, harm):
    before = contents(index, model)
    shard = sorted(index.glob("shard-*"))[1]
    if harm == "flip":
        flip(shard)
    elif harm == "cut":
        shard.write_bytes(shard.read_bytes()[:1000])
    elif harm == "empty":
        shard.write_bytes(b"")
    else:
        shard.unlink()
    assert check_index(index, model) == ([shard.name], 2, {})
    assert contents(index, model) == before
    assert check_index(index, model) == ([], 0, {})


def test_all_shards_damaged(index, model):
    before = contents(index, model)
    for shard in index.glob("shard-*"):
        flip(shard)
    report = check_index(index, model)
    assert (len(report.damaged), report.restored, report.lost) == (3, 6, {})
    assert contents(index, model) == before


def test_photos_that_are_gone_are_lost_and_told(index, photos, model):
    for shard in index.glob("shard-*"):
        flip(shard)
    (photos / "0.png").unlink()
    (photos / "1.png").write_bytes(b"no photo any more")
    report = check_index(index, model)
    assert report.restored == 4
    assert set(report.lost) == {str(photos / "0.png"), str(photos / "1.png")}
    assert "is gone" in report.lost[str(photos / "0.png")]
    assert sorted(contents(index, model)) == ["2.png", "3.png", "4.png", "5.png"]


def test_searching_a_damaged_index_says_what_mends_it(index, model):
    for shard in index.glob("shard-*"):
        shard.write_bytes(b"")
    with (
        Index.open(index, model) as opened,
        pytest.raises(StoreError, match="regard index --check"),
    ):
        opened.search("a dog")


def test_files_that_could_not_be_read_get_another_chance(index, photos, model, monkeypatch):
    (photos / "broken.png").write_bytes(b"no photo")
    update_index(index, photos, model, workers=1)
    check_index(index, model)
    looked = []
    monkeypatch.setattr(
        "regard.indexing.update.digest_file",
        lambda path: looked.append(path) or "content of a broken file",
    )
    assert str(photos / "broken.png") in update_index(index, photos, model, workers=1).skipped
    assert looked == [str(photos / "broken.png")]


def test_a_damaged_manifest_is_told(index, model, photos):
    (index / "manifest.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="is damaged"):
        check_index(index, model)
    with pytest.raises(StoreError, match="is damaged"):
        Index.open(index, model)


def test_a_busy_or_missing_index_is_not_checked(index, model, tmp_path):
    with RegionStore(index, writable=True), pytest.raises(BusyError):
        check_index(index, model)
    with pytest.raises(StoreError, match="regard index PHOTOS"):
        check_index(tmp_path / "none", model)
    assert not (tmp_path / "none").exists()


def test_copies_are_restored_together(index, photos, model):
    (photos / "copy.png").write_bytes((photos / "0.png").read_bytes())
    draw(photos / "new.png", 44)
    update_index(index, photos, model, workers=1)
    for shard in index.glob("shard-*"):
        flip(shard)
    report = check_index(index, model)
    assert (report.restored, report.lost) == (8, {})
    assert len(contents(index, model)) == 7

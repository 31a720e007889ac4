"""A caption file beside a region store."""

import json
from pathlib import Path

import numpy as np
import pytest

from regard.datasets.dataset import open_dataset
from regard.errors import DataError
from regard.store.region_store import Regions, RegionStore


def regions(count: int, value: float) -> Regions:
    features = np.full((count, 3), value, np.float32)
    return Regions(features, np.zeros((count, 4)), np.ones(count), 10, 10)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "regions"
    with RegionStore(folder, "maker", 3, writable=True) as opened:
        opened.append([("a.jpg", regions(2, 1.0)), ("b.jpg", regions(1, 2.0))])
        opened.skip("broken.jpg", "broken.jpg is damaged")
    return folder


def captions(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "captions.jsonl"
    rows = [{"file": n, "caption": f"{k} of {n}"} for n in names for k in ("one", "two")]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_features_come_in_the_order_of_the_photos(tmp_path: Path, store: Path) -> None:
    dataset = open_dataset(str(captions(tmp_path, "b.jpg", "a.jpg")), "all", str(store))
    assert dataset.captions.photos == ("b.jpg", "a.jpg")
    assert (dataset.feature_dim, dataset.producer) == (3, "maker")
    features, counts = dataset.gather(np.array([0, 1, 1]))
    assert counts.tolist() == [1, 2, 2]
    assert features[:, :, 0].tolist() == [[2, 0], [1, 1], [1, 1]]


def test_photos_that_could_not_be_read_are_left_out_with_the_reason(
    tmp_path: Path, store: Path
) -> None:
    dataset = open_dataset(captions(tmp_path, "a.jpg", "broken.jpg", "b.jpg"), "all", store)
    assert dataset.captions.photos == ("a.jpg", "b.jpg")
    assert dataset.captions.sentences[2] == "one of b.jpg"
    assert dataset.captions.photo_of_caption.tolist() == [0, 0, 1, 1]
    assert dataset.skipped == {"broken.jpg": "broken.jpg is damaged"}


def test_photos_never_extracted_are_an_error(tmp_path: Path, store: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 2 photos are not in .*first: 'new.jpg'"):
        open_dataset(captions(tmp_path, "a.jpg", "new.jpg"), "all", store)


def test_a_caption_file_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no region features"):
        open_dataset(captions(tmp_path, "a.jpg"), "all")

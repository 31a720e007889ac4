"""Protocols: the right galleries, and refusal of splits they are not meant for."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.errors import ConfigError, DataError
from regard.evaluation.protocols import galleries, part


class Photos(NamedTuple):
    """A data set whose feature is the photo's number."""

    captions: Captions
    feature_dim: int = 1
    producer: str = "numbers"
    skipped: dict = {}  # noqa: RUF012 - never changed

    def gather(self, photo_rows):
        rows = np.asarray(photo_rows)
        return rows.astype(np.float32)[:, None, None], np.ones(len(rows), np.int64)


def photos(count: int, each: int = 2) -> Photos:
    owner = np.repeat(np.arange(count), each)
    sentences = tuple(f"{n} of {photo}" for n, photo in enumerate(owner))
    return Photos(Captions(tuple(map(str, range(count))), sentences, owner))


def test_five_folds_are_consecutive_thousands_each_with_its_own_captions() -> None:
    whole = photos(5000, 3)
    parts = galleries("coco-1k-5fold", whole, Path("coco_precomp"), "testall")
    assert len(parts) == 5
    for number, fold in enumerate(parts):
        assert fold.captions.photos[0] == str(1000 * number)
        assert fold.captions.photos[-1] == str(1000 * number + 999)
        assert fold.captions.sentences == whole.captions.sentences[3000 * number :][:3000]
        assert fold.captions.photo_of_caption.tolist() == np.repeat(range(1000), 3).tolist()
        assert fold.gather([0, 7])[0].ravel().tolist() == [1000 * number, 1000 * number + 7]
        assert (fold.feature_dim, fold.producer, fold.skipped) == (1, "numbers", {})


@pytest.mark.parametrize(("protocol", "count"), [("1k", 1000), ("coco-5k", 5000), ("all", 17)])
def test_other_protocols_are_one_gallery(protocol: str, count: int) -> None:
    whole = photos(count)
    assert galleries(protocol, whole, Path("data"), "test") == [whole]


@pytest.mark.parametrize(
    ("protocol", "count"),
    [("1k", 5000), ("1k", 1014), ("coco-5k", 1000), ("coco-1k-5fold", 1000)],
)
def test_splits_of_another_size_are_refused(protocol: str, count: int) -> None:
    with pytest.raises(DataError, match=f"has {count} photos; protocol {protocol} needs"):
        galleries(protocol, photos(count), Path("data"), "test")


def test_training_photos_are_refused() -> None:
    with pytest.raises(DataError, match="photos that were not trained on"):
        galleries("1k", photos(1000), Path("data"), "train")
    assert len(galleries("all", photos(1000), Path("data"), "train")) == 1


@pytest.mark.parametrize("split", ["test", "dev", "val"])
def test_a_thousand_of_cocos_photos_alone_are_refused(tmp_path: Path, split: str) -> None:
    assert len(galleries("1k", photos(1000), tmp_path, split)) == 1
    (tmp_path / "testall_caps.txt").touch()
    with pytest.raises(DataError, match="which no published protocol uses alone"):
        galleries("1k", photos(1000), tmp_path, split)


@pytest.mark.parametrize("protocol", ["coco-5k", "coco-1k-5fold"])
def test_cocos_protocols_take_its_test_photos_only(protocol: str) -> None:
    with pytest.raises(DataError, match=r"split is 'val'; protocol coco-.* 5,000 test photos"):
        galleries(protocol, photos(5000), Path("dataset_coco.json"), "val")
    assert galleries(protocol, photos(5000), Path("dataset_coco.json"), "test")


def test_unknown_protocols_are_named() -> None:
    with pytest.raises(ConfigError, match="protocol is '5k'; it must be one of all, 1k"):
        galleries("5k", photos(5), Path("data"), "test")


def test_part_of_captions_in_any_order() -> None:
    captions = Captions(("a", "b", "c"), ("1", "2", "3", "4"), np.array([2, 0, 1, 2]))
    some = part(Photos(captions), 1, 3).captions
    assert some.photos == ("b", "c")
    assert some.sentences == ("1", "3", "4")
    assert some.photo_of_caption.tolist() == [1, 0, 1]

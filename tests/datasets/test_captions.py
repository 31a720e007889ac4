"""Splits of caption files in all their forms, with any number of captions a photo."""

import json

import pytest

from regard.datasets.captions import load_captions, photo_names
from regard.errors import DataError


def karpathy(path, *images):
    tree = {
        "images": [
            {"filename": name, "split": split, "sentences": [{"raw": s} for s in sentences]}
            for name, split, *sentences in images
        ]
    }
    path.write_text(json.dumps(tree))
    return path


def test_karpathy(tmp_path):
    file = karpathy(
        tmp_path / "d.json",
        ("a.jpg", "train", "one", "two", "three"),
        ("b.jpg", "val", "four"),
        ("c.jpg", "restval", " five "),
    )
    captions = load_captions(file, "train")
    assert captions.photos == ("a.jpg", "c.jpg")
    assert captions.sentences == ("one", "two", "three", "five")
    assert captions.photo_of_caption.tolist() == [0, 0, 0, 1]
    assert load_captions(file, "val").photos == ("b.jpg",)
    assert load_captions(file, "restval").photos == ("c.jpg",)
    assert load_captions(file, "all").photos == ("a.jpg", "b.jpg", "c.jpg")
    assert photo_names(file) == (["a.jpg", "b.jpg", "c.jpg"], {})
    assert (captions.left_out, captions.doubts) == ({}, ())


def test_coco_file_paths(tmp_path):
    tree = {"images": [{"filename": "x.jpg", "filepath": "val2014", "split": "test",
                        "sentences": [{"raw": "s"}]}]}  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(tree))
    assert load_captions(tmp_path / "c.json", "test").photos == ("val2014/x.jpg",)


def test_jsonl_and_csv_agree(tmp_path):
    rows = [("a.jpg", "a cat", "train"), ("b.jpg", "a dog", "val"), ("a.jpg", "my cat", "train")]
    jsonl, table = tmp_path / "d.jsonl", tmp_path / "d.csv"
    jsonl.write_text(
        "\n".join(json.dumps({"file": f, "caption": c, "split": s}) for f, c, s in rows)
    )
    table.write_text("image,sentence,split\n" + "\n".join(",".join(row) for row in rows))
    for file in (jsonl, table):
        captions = load_captions(file, "train")
        assert captions.photos == ("a.jpg",)
        assert captions.sentences == ("a cat", "my cat")


def test_without_splits_photos_are_held_out_by_name(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("file,caption\n" + "\n".join(f"{n}.jpg,photo {n}" for n in range(200)))
    train, val = load_captions(file, "train"), load_captions(file, "val")
    assert not set(train.photos) & set(val.photos)
    assert len(train.photos) + len(val.photos) == 200
    assert 5 <= len(val.photos) <= 45
    assert load_captions(file, "val").photos == val.photos
    assert train.doubts == ()


def test_empty_captions_are_left_out_and_named_where_they_are_asked_for(tmp_path):
    file = karpathy(
        tmp_path / "d.json",
        ("a.jpg", "val", "one", " ", "two"),
        ("b.jpg", "val", ""),
        ("c.jpg", "val"),
        ("d.jpg", "train", "three", ""),
    )
    captions = load_captions(file, "val")
    assert captions.photos == ("a.jpg",)
    assert captions.sentences == ("one", "two")
    assert list(captions.left_out.values()) == [
        "caption 2 of a.jpg is empty",
        "caption 1 of b.jpg is empty",
        "c.jpg has no caption",
    ]
    assert list(load_captions(file, "train").left_out) == ["caption 2 of d.jpg"]
    assert len(load_captions(file, "all").left_out) == 4
    assert len(photo_names(file)[1]) == 4


def test_photos_of_another_split_are_told(tmp_path):
    file = karpathy(
        tmp_path / "d.json",
        ("a.jpg", "train", "one"),
        ("a.jpg", "restval", "two"),
        ("b.jpg", "val", "three"),
        ("a.jpg", "val", "four"),
        ("b.jpg", "test", "five"),
    )
    assert load_captions(file, "train").doubts == (
        "1 photo is in train and in val (first: 'a.jpg'); a model trained on one is judged too "
        "well on the other",
    )
    doubts = load_captions(file, "val").doubts
    assert [text.split(";")[0] for text in doubts] == [
        "1 photo is in val and in train (first: 'a.jpg')",
        "1 photo is in val and in restval (first: 'a.jpg')",
        "1 photo is in val and in test (first: 'b.jpg')",
    ]
    assert load_captions(file, "all").doubts == ()


def test_a_split_that_is_not_there_is_named(tmp_path):
    (tmp_path / "d.csv").write_text("file,caption,split\na.jpg,b,train")
    with pytest.raises(DataError, match="no captions in split 'val'; it has train"):
        load_captions(tmp_path / "d.csv", "val")

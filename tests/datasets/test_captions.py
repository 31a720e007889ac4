"""Caption files in all their forms, with any number of captions a photo."""

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
    found = load_captions(file, "train")
    assert found.photos == ("a.jpg", "c.jpg")
    assert found.sentences == ("one", "two", "three", "five")
    assert found.photo_of_caption.tolist() == [0, 0, 0, 1]
    assert load_captions(file, "val").photos == ("b.jpg",)
    assert load_captions(file, "all").photos == ("a.jpg", "b.jpg", "c.jpg")
    assert photo_names(file) == ["a.jpg", "b.jpg", "c.jpg"]


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
        found = load_captions(file, "train")
        assert found.photos == ("a.jpg",)
        assert found.sentences == ("a cat", "my cat")


def test_without_splits_photos_are_held_out_by_name(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("file,caption\n" + "\n".join(f"{n}.jpg,photo {n}" for n in range(200)))
    train, val = load_captions(file, "train"), load_captions(file, "val")
    assert not set(train.photos) & set(val.photos)
    assert len(train.photos) + len(val.photos) == 200
    assert 5 <= len(val.photos) <= 45
    assert load_captions(file, "val").photos == val.photos


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("d.json", "{", "cannot be read"),
        ("d.json", '{"images": [{"filename": "a"}]}', "must be Karpathy's"),
        ("d.jsonl", '{"file": "a.jpg"}', "record 1 .* has no caption"),
        ("d.csv", "picture,caption\na.jpg,b", "has no file"),
        ("d.txt", "a", "must be a .json"),
        ("d.csv", "file,caption,split\na.jpg,b,train", "no captions in split 'val'"),
    ],
)
def test_mistakes_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        load_captions(tmp_path / name, "val")


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        load_captions(tmp_path / "none.json", "val")

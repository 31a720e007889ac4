"""Caption files record by record: what cannot be used is named, and never a whole file for it."""

import csv
import json

import pytest

from regard.datasets.caption_files import Record, read_caption_file
from regard.errors import DataError

GOOD = '{"file": "a.jpg", "caption": "a cat"}'


def read(path, contents):
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return read_caption_file(path)


def reasons(held):
    return [left.reason for left in held.left_out]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('["a.jpg", "a dog"]', 'is ["a.jpg", "a dog"]; it must be an object'),
        ("null", "is null; it must be an object"),
        ("3", "is 3; it must be an object"),
        ('{"file": "b.jpg", "capt', "is not JSON"),
        ("9" * 5000, "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "has no file"),
        ('{"file": "b.jpg"}', "has no caption"),
        ('{"file": "", "caption": "a"}', "has no file"),
        ('{"file": 7, "caption": "a"}', "has 7 for its file; it must be text"),
        ('{"file": "b.jpg", "caption": ["a"]}', 'has ["a"] for its caption'),
        ('{"file": "b.jpg", "caption": "a", "split": {}}', None),
        ('{"file": "b.jpg", "caption": "a", "split": 3}', "has 3 for its split"),
        ('{"file": "b.jpg", "caption": "a \\ud800 dog"}', "has half a character in its caption"),
        ('{"file": "b.jpg", "caption": " "}', "is empty"),
        (
            f'{{"file": {json.dumps(["x" * 99])}, "caption": "a"}}',
            "x... for its file",
        ),
    ],
)
def test_a_line_that_cannot_be_used_is_left_out_and_named(tmp_path, line, reason):
    held = read(tmp_path / "d.jsonl", f"{GOOD}\n\n{line}\n{GOOD}")
    assert [record.photo for record in held.records][:: len(held.records) - 1] == ["a.jpg"] * 2
    if reason is None:
        assert len(held.records) == 3
    else:
        (why,) = reasons(held)
        assert why.startswith("line 3 of d.jsonl")
        assert reason in why


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ([], "is []; it must be an object"),
        ({"filename": "b.jpg", "split": "val"}, "has no list of sentences"),
        ({"filename": "b.jpg", "split": "val", "sentences": "a dog"}, "has no list of sentences"),
        ({"filename": "b.jpg", "sentences": [{"raw": "a"}]}, "has no split"),
        ({"filename": 3, "split": "val", "sentences": []}, "has 3 for its filename"),
        ({"filename": "b.jpg", "filepath": 1, "split": "val", "sentences": []}, "filepath"),
    ],
)
def test_an_image_that_cannot_be_used_is_left_out_and_named(tmp_path, image, reason):
    good = {"filename": "a.jpg", "split": "val", "sentences": [{"raw": "a cat"}]}
    held = read(tmp_path / "d.json", json.dumps({"images": [good, image, good]}))
    assert held.records == [Record("a.jpg", "a cat", "val")] * 2
    (why,) = reasons(held)
    assert why.startswith("image 2 of d.json")
    assert reason in why


@pytest.mark.parametrize("sentence", ["a dog", None, {}, {"raw": 3}, {"raw": ["a"]}])
def test_a_sentence_that_cannot_be_used_is_left_out_and_named(tmp_path, sentence):
    image = {"filename": "a.jpg", "split": "val", "sentences": [{"raw": "a cat"}, sentence]}
    held = read(tmp_path / "d.json", json.dumps({"images": [image]}))
    assert held.records == [Record("a.jpg", "a cat", "val")]
    assert reasons(held)[0].startswith("caption 2 of a.jpg ")


def test_captions_with_commas_are_left_out_and_never_cut(tmp_path):
    table = 'image,caption\n0.jpg,a house, a field\n1.jpg,a car\n2.jpg,"red, fast"\n3.jpg,a bus,\n'
    held = read(tmp_path / "d.csv", table)
    assert [record.sentence for record in held.records] == ["a car", "red, fast", "a bus"]
    assert reasons(held) == [
        "line 2 of d.csv has 3 fields where the header has 2; a caption with commas must stand in "
        "quotation marks"
    ]


def test_a_quotation_mark_that_is_not_closed_swallows_nothing_in_silence(tmp_path):
    for table in ('file,caption\n0.jpg,"a house\n1.jpg,a car\n', 'file,caption\n0.jpg,"a house'):
        with pytest.raises(DataError, match=r"line 2 of .*d\.csv cannot be read .*must be closed"):
            read(tmp_path / "d.csv", table)
    wandering = 'file,caption\n0.jpg,"a house\n1.jpg,a "red" car\n'
    with pytest.raises(DataError, match=r"line 2 of .*d\.csv cannot be read"):
        read(tmp_path / "d.csv", wandering)
    held = read(tmp_path / "d.csv", 'file,caption\n0.jpg,"two\nlines"\n1.jpg,"Cool" guy\n2.jpg,a\n')
    assert [record.sentence for record in held.records] == ["two\nlines", "a"]
    assert held.doubts == [
        "1 record goes over several lines of d.csv (first: line 2); a quotation mark may be missing"
    ]
    assert reasons(held)[0].startswith("line 4 of d.csv cannot be read (")


def test_a_field_the_csv_module_refuses_is_named_as_it_is(tmp_path):
    held = read(tmp_path / "d.csv", f"file,caption\n0.jpg,{'a' * 131_073}\n1.jpg,a car\n")
    assert [record.photo for record in held.records] == ["1.jpg"]
    assert reasons(held) == [
        "line 2 of d.csv cannot be read (field larger than field limit (131072))"
    ]
    assert csv.field_size_limit() == 131_072


def test_headers_may_be_written_as_people_do_and_wrong_ones_are_shown(tmp_path):
    held = read(tmp_path / "d.csv", "\ufeffImage, Caption\r\n0.jpg,a\r\n\r\n1.jpg,b\r\n")
    assert [record[:2] for record in held.records] == [("0.jpg", "a"), ("1.jpg", "b")]
    for header, missing in (
        ("picture, caption", "file"),
        ("file;caption", "file"),
        ("file", "caption"),
    ):
        with pytest.raises(DataError, match=rf"has the columns {header}; it has no {missing}"):
            read(tmp_path / "d.csv", f"{header}\na.jpg,b")


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("d.json", "", "cannot be read"),
        ("d.json", "{", "cannot be read"),
        ("d.json", "[]", "must be Karpathy's"),
        ("d.json", "3", "must be Karpathy's"),
        ("d.json", "[" * 100_000, "must be Karpathy's"),
        ("d.json", '{"annotations": []}', "must be Karpathy's"),
        ("d.json", '{"images": [{"filename": "a"}]}', "image 1 of .*Karpathy's, has no split"),
        ("d.json", '{"images": {"a": 1}}', "has no filename"),
        ("d.json", '{"images": []}', "it is empty"),
        ("d.jsonl", "", "it is empty"),
        ("d.jsonl", '{\n"images": []\n}', "line 1 of d.jsonl is not JSON"),
        ("d.csv", "", "it is empty"),
        ("d.csv", "file,caption\n", "it is empty"),
        ("d.csv", b"file,caption\na.jpg,caf\xe9\n", "in line 2; it must be UTF-8"),
        ("d.jsonl", "file".encode("utf-16"), "in line 1; it must be UTF-8"),
        ("d.txt", "a", "must be a .json"),
    ],
)
def test_a_file_without_anything_usable_is_refused(tmp_path, name, contents, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, contents)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        read_caption_file(tmp_path / "none.json")

"""Small JSON files: written whole, read back, refused plainly when damaged."""

import json

import pytest

from regard.errors import CheckpointError
from regard.store import json_files


def test_letters_stay_letters_and_it_ends_with_a_line(tmp_path):
    path = tmp_path / "file.json"
    json_files.write(path, {"a": "Straße"})
    assert json_files.read(path, "a file", "Do.") == {"a": "Straße"}
    text = path.read_text(encoding="utf-8")
    assert "Straße" in text
    assert text.endswith("}\n")


def test_a_byte_order_mark_is_no_damage(tmp_path):
    path = tmp_path / "file.json"
    path.write_text("\ufeff" + json.dumps({"a": 1}), encoding="utf-8")
    assert json_files.read(path, "a file", "Do.") == {"a": 1}


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"a": ', "Expecting value"),
        (b"[1, 2]", "it holds a list"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[" * 100_000, "recursion"),
        (None, "No such file"),
    ],
)
def test_damage_is_told_with_the_remedy(tmp_path, contents, reason):
    path = tmp_path / "file.json"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(CheckpointError, match=reason) as caught:
        json_files.read(path, "a run's settings", "Delete the run.")
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith("it must be a run's settings. Delete the run.")

"""Small files of arrays: whole or not at all, read back exactly, refused when damaged."""

import numpy as np
import pytest

from regard.errors import CheckpointError
from regard.store import tensor_files


def test_what_is_written_is_read(tmp_path):
    path, held = tmp_path / "part.safetensors", {"a": np.arange(6, dtype=np.int8).reshape(2, 3)}
    tensor_files.write(path, held)
    np.testing.assert_array_equal(tensor_files.read(path, lambda x: x["a"], "a", "b"), held["a"])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o444 == 0o444


def test_no_file_is_none(tmp_path):
    assert tensor_files.read(tmp_path / "none", dict, "a part", "Make it.") is None


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_damage_is_told_with_the_remedy(tmp_path, content):
    path = tmp_path / "part.safetensors"
    tensor_files.write(path, {"other": np.zeros(2)})
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"must be a model's part\. Make it anew\."):
        tensor_files.read(path, lambda held: held["a"], "a model's part", "Make it anew.")

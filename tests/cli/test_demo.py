"""The demo on folders of the reader's own."""

import json

import pytest
from small import draw, save_model

from regard.errors import DataError

from .conftest import invoke


def test_a_folder_without_photos_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    model = save_model(tmp_path / "model")
    where = ("--photos", tmp_path / "empty", "--out", tmp_path / "out", "--model", model)
    done = invoke("demo", *where)
    assert isinstance(done.exception, DataError)
    assert "holds no photo that can be read" in str(done.exception)


@pytest.mark.slow
def test_its_own_figures_are_no_photos(tmp_path):
    draw(tmp_path / "photos/a [b].png", 1)
    model = save_model(tmp_path / "model")
    where = ("--photos", tmp_path / "photos", "--out", tmp_path / "photos/out", "--model", model)
    for _ in range(2):
        done = invoke("demo", *where, "--json")
        assert done.exit_code == 0, done.output
        for answer in json.loads(done.stdout):
            assert len(answer["hits"]) == 1
    assert "a [b].png" in invoke("demo", *where).stdout

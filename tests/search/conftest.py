"""A small model, and a folder of small photos."""

import pytest
from small import draw, save_model

from regard.model.model import load


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def model(model_folder):
    return load(model_folder)


@pytest.fixture
def photos(tmp_path):
    """Six photos, two of them below a folder."""
    for seed in range(4):
        draw(tmp_path / f"photos/{seed}.png", seed)
    for seed in (4, 5):
        draw(tmp_path / f"photos/below/{seed}.png", seed)
    return tmp_path / "photos"

"""Drawn scenes and a model trained on them for a moment, shared by the tests of the verbs."""

from pathlib import Path
from typing import NamedTuple

import pytest
from drawn_scenes import write_scenes
from typer.testing import CliRunner

from regard.cli.main import app
from regard.regions.statistics import StatisticsExtractor

SMALL = Path(__file__).parents[1] / "small.toml"
WIDTH = f"model.feature_dim={StatisticsExtractor.feature_dim}"


class World(NamedTuple):
    """Files of a small experiment."""

    photos: Path
    captions: Path
    regions: Path
    model: Path


def invoke(*arguments):
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def train_arguments(captions, regions, out, *settings):
    """A training command small enough for a test."""
    sets = [word for setting in (WIDTH, *settings) for word in ("--set", setting)]
    where = ["--data", captions, "--regions", regions, "--out", out]
    return ["train", *where, "--recipe", SMALL, *sets]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    files = write_scenes(folder / "scenes", 80, captions=2)
    store = folder / "regions"
    done = invoke(
        "extract", files.captions, "--images", files.images, "--out", store,
        "--extractor", "statistics", "--workers", 1,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    done = invoke(*train_arguments(files.captions, store, folder / "run"))
    assert done.exit_code == 0, done.output
    return World(files.images, files.captions, store, folder / "run/best")

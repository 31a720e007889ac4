"""Drawn scenes and a model trained on them for a moment, shared by the tests of the verbs.

Where torch is out of reach the model has random weights: what commands say and write is tested all
the same, and tests of what it learned are marked `needs_torch`.
"""

from pathlib import Path
from typing import NamedTuple

import pytest
from drawn_scenes import write_scenes
from small import random_checkpoint
from torch_reach import has_torch
from typer.testing import CliRunner

from regard.cli.main import app
from regard.config import build, read_toml
from regard.core.model_config import ModelConfig
from regard.datasets.captions import load_captions
from regard.model.checkpoint import save_checkpoint
from regard.regions.statistics import StatisticsExtractor
from regard.words.vocabulary import Vocabulary

SMALL = Path(__file__).parents[1] / "small.toml"
ALONE = ("--workers", 1)  # a second process takes longer to start than so few photos
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
        "--extractor", "statistics", *ALONE,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    model = folder / "run/best"
    if has_torch():
        done = invoke(*train_arguments(files.captions, store, folder / "run"))
        assert done.exit_code == 0, done.output
    else:
        save_checkpoint(model, untrained(files.captions))
    return World(files.images, files.captions, store, model)


def untrained(captions):
    """A model of the recipe's sizes with random weights."""
    tree = read_toml(SMALL)["model"] | {"feature_dim": StatisticsExtractor.feature_dim}
    sentences = load_captions(captions, "train").sentences
    vocabulary = Vocabulary.build(sentences, 1)
    config = build(ModelConfig, tree, "model")
    return random_checkpoint(config, vocabulary, StatisticsExtractor.identity)

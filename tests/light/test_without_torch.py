"""What must run where only the base is installed: nothing of the extra `train` can be imported.

A room that is to stay light adds its name to `ROOMS`; what it does all day becomes a script.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.drawn_scenes import write_scenes
from tests.small import WORDS, random_checkpoint
from tests.torch_reach import TRAINING

from regard.core.model_config import ModelConfig
from regard.official.export import export_checkpoint
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

ROOMS = (
    "core.attention",
    "core.metrics",
    "core.shares",
    "datasets",
    "evaluation",
    "evaluation.calibration",
    "explain",
    "indexing",
    "kernels",
    "model",
    "official",
    "photos",
    "regions",
    "search",
    "store",
    "studies.gallery",
    "words",
)
OF_TORCH = "regard.model.network"  # for a graphics card alone; nothing loads it unasked
BEGIN = f"""
import importlib.abc, sys

class OutOfReach(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TRAINING!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, OutOfReach())
"""
IMPORT = """
import importlib, pkgutil

for room in {rooms!r}:
    home = importlib.import_module(f"regard.{{room}}")
    for module in pkgutil.iter_modules(getattr(home, "__path__", ())):
        name = f"{{home.__name__}}.{{module.name}}"
        if name != {of_torch!r}:
            importlib.import_module(name)
"""
COMMANDS = """
from regard.cli.main import app
def run(*arguments):
    try:
        app(list(arguments))
    except SystemExit as end:
        assert not end.code, arguments
"""
EXPLANATIONS = """
from pathlib import Path
photo = next(Path("images").iterdir())
run("explain", str(photo), "a red ring above a blue cross", "--out", "why.png")
run("extract", "captions.jsonl", "--images", "images", "--out", "scenes.regions", "--workers", "1")
evaluate = ("evaluate", "--data", "captions.jsonl", "--regions", "scenes.regions", "--split", "all")
run(*evaluate, "--gallery", "page", "--images", "images")
run(*evaluate, "--grounding", "phrases.jsonl")
assert Path("why.png").stat().st_size and Path("page/index.html").stat().st_size
"""
SCORES = """
import numpy as np, regard
model = regard.load("flickr8k")
captions = model.encode_captions(["a dog runs on the beach", "two men"])
features = np.random.default_rng(0).random((3, 5, 2048), np.float32)
vectors = model.encode_features(features, np.full(3, 5))
images = regard.model.encoded.EncodedImages(vectors, np.full(3, 5), (), ())
assert model.similarity(images, captions).shape == (3, 2)
assert model.identity == "regard-model-eb44c6a2fce60dea-2f20bd08de0e4507"

from PIL import Image
photos = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
assert model.similarity(photos, "a red wall").shape == (2, 1)
"""
CHECKPOINTS = """
run("import", "model.pth.tar", "--vocab", "vocab.json", "--out", "model")
run("evaluate", "--model", "model", "--data", "data", "--split", "test", "--json")
run("export", "model", "--out", "again.pth.tar")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An official checkpoint with its vocabulary, and features with captions."""
    vocabulary = Vocabulary((*SPECIAL, *WORDS))
    config = ModelConfig(feature_dim=6, embed_dim=8, word_dim=5)
    export_checkpoint(tmp_path / "model.pth.tar", random_checkpoint(config, vocabulary))
    vocabulary.save(tmp_path / "vocab.json")
    (tmp_path / "data").mkdir()
    features = np.random.default_rng(0).random((3, 4, 6), np.float32)
    np.save(tmp_path / "data/test_ims.npy", np.repeat(features, 5, axis=0))
    captions = (f"a {WORDS[n % len(WORDS)]} on the beach\n" for n in range(15))
    (tmp_path / "data/test_caps.txt").write_text("".join(captions))
    return tmp_path


def run(script: str, folder: Path) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_room_needs_nothing_of_training(tmp_path: Path) -> None:
    run(IMPORT.format(rooms=ROOMS, of_torch=OF_TORCH), tmp_path)


def test_regard_does_without_torch(folder: Path) -> None:
    """Scores, checkpoints of others, explanations: in one process, whose start is most of it."""
    write_scenes(folder, 4, seed=0)
    run(COMMANDS + SCORES + CHECKPOINTS + EXPLANATIONS, folder)

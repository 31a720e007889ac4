"""Killed at any point, an update is finished by the next: nothing lost, nothing doubled."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import draw, save_model

from regard.indexing import update_index

SCRIPT = Path(__file__).with_name("killing.py")


def kill(model, base, changed, points, *other):
    arguments = [sys.executable, SCRIPT, model, base, changed, str(points), *other]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def base(tmp_path):
    """Photos to index in the place where the killed runs will have them."""
    for seed in range(6):
        draw(tmp_path / f"base/try/photos/{seed}.png", seed)
    return tmp_path / "base"


@pytest.mark.parametrize("points", [6, pytest.param(75, marks=pytest.mark.slow)])
def test_killed_while_making_an_index(base, model_folder, points, tmp_path):
    shutil.copytree(base / "try/photos", tmp_path / "changed")
    reports = kill(model_folder, base, tmp_path / "changed", points)
    assert reports["killed"] == points
    assert reports["photos"] == 6


@pytest.mark.parametrize("points", [6, pytest.param(75, marks=pytest.mark.slow)])
def test_killed_while_updating_an_index(base, model_folder, model, points, tmp_path):
    update_index(base / "try/index", base / "try/photos", model, workers=1)
    shutil.move(base / "try/index", base / "index")
    changed = tmp_path / "changed"
    shutil.copytree(base / "try/photos", changed)
    (changed / "0.png").rename(changed / "renamed.png")
    (changed / "1.png").unlink()
    draw(changed / "2.png", 22)
    shutil.copy(changed / "3.png", changed / "copy.png")
    (changed / "broken.png").write_bytes(b"no photo")
    for seed in range(10, 15):
        draw(changed / f"{seed}.png", seed)
    reports = kill(model_folder, base, changed, points)
    assert reports["killed"] == points
    assert reports["photos"] == 10


@pytest.mark.parametrize("points", [6, pytest.param(75, marks=pytest.mark.slow)])
def test_killed_while_making_an_index_anew(base, model_folder, model, points, tmp_path):
    """The index before can be searched until the new one has taken its place, and that after."""
    update_index(base / "try/index", base / "try/photos", model, workers=1)
    shutil.copytree(base / "try/photos", tmp_path / "changed")
    shutil.move(base / "try/index", base / "index")
    other = save_model(tmp_path / "other", seed=5)
    reports = kill(model_folder, base, tmp_path / "changed", points, other)
    assert reports["killed"] == points
    assert reports["photos"] == 6

"""Commands that train, where torch is missing: one line with the command that mends it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKED = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""
TRAINING = {
    "train": ["--data", "d.json", "--out", "run"],
    "tune": ["--data", "d.json", "--images", ".", "--model", "m", "--out", "run"],
    "point": ["m", "--data", "d.json", "--phrases", "p"],
    "blend": ["a", "b", "--out", "c"],
    "ablate": ["--data", "d.json", "--out", "run"],
    "reproduce": ["scan-t2i-mean-f30k"],
}


def python(script):
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_that_train_say_what_they_need_in_one_line_each():
    done = python(
        "from regard.cli.main import run\n"
        f"for verb, more in {TRAINING!r}.items():\n"
        "    sys.argv = ['regard', verb, *more]\n"
        "    try: run()\n"
        "    except SystemExit as end: print(verb, end.code)\n"
    )
    assert done.stdout.splitlines() == [f"{verb} 2" for verb in TRAINING], done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(TRAINING)
    for line in lines:
        assert line.startswith("Error: torch cannot be imported")
        assert line.endswith("Run: pip install 'regard[train]'")


def test_their_help_needs_nothing():
    helps = "\n".join(
        f"try: app([{verb!r}, '--help'])\nexcept SystemExit as end: assert not end.code"
        for verb in TRAINING
    )
    done = python(f"from regard.cli.main import app\n{helps}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage") == len(TRAINING)


def test_data_and_stores_are_read_without_it():
    done = python(
        "import pkgutil, importlib, regard\n"
        "for room in ('store', 'datasets'):\n"
        "    package = importlib.import_module(f'regard.{room}')\n"
        "    for module in pkgutil.iter_modules(package.__path__):\n"
        "        importlib.import_module(f'regard.{room}.{module.name}')\n"
        "import regard.datasets.folders, regard.official.files, regard.official.published\n"
        "assert 'torch' not in sys.modules\n"
    )
    assert done.returncode == 0, done.stderr

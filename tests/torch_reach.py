"""Which tests run where torch is out of reach.

A test module that imports torch, or a room of training, needs it and is left out then, by name; of
other modules single tests are marked `needs_torch`.
"""

import ast
import importlib.util
import os
import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

TRAINING = ("torch", "transformers", "sentence_transformers", "scipy", "sklearn", "onnx")
ROOMS = (
    *("regard.training", "regard.core.losses", "regard.core.network", "safetensors.torch"),
    *("regard.core.pooling", "regard.core.reasoner", "regard.core.transformer"),
    *("regard.studies.ablation", "regard.studies.rehearsal", "regard.bench.step"),
    *("regard.backbones.clip", "regard.backbones.siglip", "regard.backbones.tips"),
    "regard.regions.frcnn",
)
HERE = Path(__file__).parent


class OutOfReach(MetaPathFinder):
    """Lets nothing import what only the extra `train` brings."""

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002 - what importlib passes
        if name.partition(".")[0] in TRAINING:
            raise ModuleNotFoundError(f"No module named {name!r} (out of reach)", name=name)


if os.environ.get("REGARD_WITHOUT_TORCH"):
    sys.meta_path.insert(0, OutOfReach())


def run_without_torch(script):
    """Run Python in a process of its own that cannot import torch; gives what `subprocess` does."""
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", f"import sys, torch_reach\n{script}"],
        env={**os.environ, "REGARD_WITHOUT_TORCH": "1", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )


def has_torch():
    """Whether torch can be imported here."""
    try:
        return importlib.util.find_spec("torch") is not None
    except ModuleNotFoundError:
        return False


needs_torch = pytest.mark.skipif(not has_torch(), reason="needs torch: pip install 'regard[train]'")


def imports_training(path):
    """Whether a module imports torch or a room of training when it is imported itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.partition(".")[0] in TRAINING or name.startswith(ROOMS):
                return True
    return False


def left_out():
    """Test modules that cannot run here."""
    if has_torch():
        return []
    return sorted(path for path in HERE.rglob("test_*.py") if imports_training(path))


def without_torch(monkeypatch, room):
    """Until a test ends, torch cannot be imported, and a room is loaded anew.

    The room's parent gets it back, too: else `regard.training` would stay the new one, which knows
    nothing of what others loaded from the old.
    """
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{room}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(room, raising=False)

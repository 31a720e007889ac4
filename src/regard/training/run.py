"""A run on disk: how far it is, with everything needed to go on, and its log.

    RUN/recipe.json   what is being trained, resolved; a run is only continued with the same
    RUN/data.json     digests of data and vocabulary, likewise
    RUN/log.jsonl     one line an epoch
    RUN/state/        weights, optimizer moments and position; replaced as a whole
    RUN/best/         the model that was best on val
    RUN/cache/        word states and projected features, where the recipe needs them

Weights and moments are safetensors, the rest JSON; nothing is pickled.
"""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file

from regard.config import to_tree
from regard.errors import CheckpointError
from regard.training.config import Recipe


class Position(NamedTuple):
    """Where a run stands."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    """Steps done in the epoch after those."""
    best_rsum: float = -1.0
    best_epoch: int = 0


class Run:
    """A run's folder.

    Args:
        folder: where it is; made if missing.
        recipe: what is trained.
        cache: folder for what is made once from the data, shared by runs on the same data; None
            keeps it within the run.

    Raises:
        CheckpointError: the folder holds a run of another recipe.
    """

    def __init__(self, folder: Path, recipe: Recipe, cache: Path | None = None) -> None:
        self.folder = folder
        self._cache = cache or folder / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "recipe.json"
        tree = to_tree(recipe)
        if path.exists() and json.loads(path.read_text(encoding="utf-8")) != tree:
            raise CheckpointError(
                f"{folder} holds a run of another recipe; to go on it must be the same. "
                "Name another folder with --out, or delete this one."
            )
        path.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")

    def claim(self, data: dict[str, str]) -> None:
        """Remember what is trained on; a run is only continued with the same.

        Args:
            data: digests by what they are of.

        Raises:
            CheckpointError: the run was begun on other data.
        """
        path = self.folder / "data.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else data
        other = [name for name, digest in data.items() if known.get(name) != digest]
        if other:
            raise CheckpointError(
                f"{self.folder} holds a run on other data (another {' and '.join(other)}); to go "
                "on it must be the same. Name another folder with --out, or delete this one."
            )
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

    @property
    def best(self) -> Path:
        """Folder of the best model."""
        return self.folder / "best"

    def log(self, **record: Any) -> None:
        """Append a line to the log."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def save(
        self,
        model: torch.nn.Module,
        averaged: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        position: Position,
    ) -> None:
        """Replace the state on disk; killed half-way, the one before is still whole."""
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
        if averaged is not model:
            tensors |= {f"averaged.{k}": v for k, v in averaged.state_dict().items()}
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{k}": v for k, v in moments.items()}
        fresh = self.folder / "state.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        save_file({k: v.contiguous() for k, v in tensors.items()}, fresh / "tensors.safetensors")
        (fresh / "position.json").write_text(json.dumps(position._asdict()), encoding="utf-8")
        old = self.folder / "state.old"
        shutil.rmtree(old, ignore_errors=True)
        if (self.folder / "state").exists():
            (self.folder / "state").rename(old)
        fresh.rename(self.folder / "state")
        shutil.rmtree(old, ignore_errors=True)

    @property
    def cache(self) -> Path:
        """Folder for what is made once from the data and can be made again."""
        self._cache.mkdir(parents=True, exist_ok=True)
        return self._cache

    @property
    def position(self) -> Position:
        """Where the run stands on disk."""
        path = self._state / "position.json"
        return Position(**json.loads(path.read_text("utf-8"))) if path.exists() else Position()

    @property
    def _state(self) -> Path:
        state = self.folder / "state"
        return state if state.exists() else self.folder / "state.old"  # killed between two renames

    def restore(
        self,
        model: torch.nn.Module,
        averaged: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
    ) -> Position:
        """Go back to the state on disk, if there is one; tells where the run stands."""
        position = self.position
        if position == Position():
            return position
        tensors = load_file(self._state / "tensors.safetensors")
        for name, part in (("model.", model), ("averaged.", averaged)):
            if any(key.startswith(name) for key in tensors):
                part.load_state_dict(
                    {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
                )
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, key = name.split(".")
                moments.setdefault(int(number), {})[key] = value
        tree = optimizer.state_dict()
        optimizer.load_state_dict({**tree, "state": moments})
        return position

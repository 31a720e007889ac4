"""A run on disk: how far it is, with everything needed to go on, and its log.

RUN/recipe.json         what is being trained; a run is only continued with the same
RUN/data.json           digests of data and vocabulary, likewise
RUN/starts.jsonl        one line each time it was begun or gone on with: versions, code, command
RUN/log.jsonl           one line an epoch
RUN/state.safetensors   weights, optimizer moments and position
RUN/best/               the model that was best on val
RUN/cache/              word states and projected features, where the recipe needs them
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from regard import provenance
from regard.config import to_tree
from regard.errors import CheckpointError
from regard.store import json_files
from regard.store.run_folders import BEST, LOG, STARTS
from regard.training import saved_state
from regard.training.config import Recipe


class Position(NamedTuple):
    """Where a run stands."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    """Steps done in the epoch after those."""
    best_rsum: float = -1.0
    best_epoch: int = 0


def claim(path: Path, wanted: dict[str, Any], what: str) -> None:
    """Write down what a run is of, or see that the one begun there is of the same.

    Args:
        what: a run of something else is, for the error.

    Raises:
        CheckpointError: it is of something else, or the file is damaged.
    """
    remedy = "Name another folder with --out, or delete this one."
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        json_files.write(path, wanted)
        return
    known = json_files.read(path, "JSON as a run writes it", remedy)
    names = {**known, **wanted}
    other = [name for name in names if known.get(name) != wanted.get(name)]
    if other:
        raise CheckpointError(
            f"{path.parent} holds a run {what} (another {' and '.join(other)}); to go on it must "
            f"be the same. {remedy}"
        )


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
        self.cache = cache or folder / "cache"
        """Folder for what is made once from the data and can be made again."""
        self.best = folder / BEST
        """Folder of the best model."""
        self._state = folder / "state.safetensors"
        claim(folder / "recipe.json", to_tree(recipe), "of another recipe")

    def claim(self, data: dict[str, str]) -> None:
        """Remember what is trained on; a run is only continued with the same.

        Args:
            data: digests by what they are of.

        Raises:
            CheckpointError: the run was begun on other data.
        """
        claim(self.folder / "data.json", data, "on other data")

    def log(self, **record: Any) -> None:
        """Append a line to the log."""
        self._append(LOG, record)

    def start(self, **more: Any) -> None:
        """Write down what it is begun, or gone on with, by."""
        self._append(STARTS, {**provenance.start(), **more})

    def _append(self, name: str, record: dict[str, Any]) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def save(self, state: Mapping[str, Tensor], position: Position) -> None:
        """Replace the state on disk; killed half-way, the one before is still whole."""
        saved_state.save(self._state, state, position._asdict())

    @property
    def position(self) -> Position:
        """Where the run stands on disk."""
        return Position(**saved_state.position(self._state))

    def restore(self, restore: Callable[[dict[str, Tensor]], None]) -> Position:
        """Give back the state on disk, if there is one; tells where the run stands.

        Raises:
            CheckpointError: it is damaged.
        """
        position = self.position
        if position != Position():
            restore(saved_state.load(self._state))
        return position

"""Who is told how a run goes: one protocol, and two programs that draw what they are told.

The terminal's bar (`regard.cli.train.EpochTeller`) is told by the same protocol; the run's own
`log.jsonl` is always written. Nothing is imported, and no file made, before the first step.
"""

import hashlib
import importlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from regard.config import to_tree
from regard.core.metrics import retrieval_tree
from regard.errors import ConfigError
from regard.extras import bring
from regard.store.run_folders import STARTS
from regard.training.config import Recipe

if TYPE_CHECKING:
    from regard.training.loop import Progress


class Reporter(Protocol):
    """Is told how one run goes."""

    def __call__(self, progress: "Progress", /) -> None:
        """Take what the training loop tells after every step and every epoch."""

    def close(self) -> None:
        """Finish: the run is over, or interrupted."""


def figures(progress: "Progress") -> dict[str, float]:
    """What is drawn, by name: of a step its loss; of an epoch's end what val gave, and the cost."""
    found = progress.validation
    if found is None:
        return {"train/loss": progress.loss}
    tree: dict[str, Any] = retrieval_tree(found)
    sides = {side: values for side, values in tree.items() if side != "rsum"}
    return {
        "epoch/loss": progress.loss,
        "epoch/seconds": progress.seconds,
        "epoch/peak_memory": float(progress.memory),
        "val/rsum": found.rsum,
        **{f"val/{side}/{name}": v for side, values in sides.items() for name, v in values.items()},
    }


def steps_in_all(progress: "Progress") -> int:
    """Steps since the run's beginning, over all epochs."""
    return (progress.epoch - 1) * progress.steps + progress.step


class TensorBoard:
    """Writes RUN/tensorboard, for `tensorboard --logdir RUN` or a folder of runs.

    What a killed run had told beyond its last saved state is dropped when it goes on.
    """

    def __init__(self, run: Path, recipe: Recipe) -> None:
        self._run, self._recipe = run, recipe
        self._writer: Any = None

    def __call__(self, progress: "Progress", /) -> None:
        """Write the figures of a step or an epoch."""
        number = steps_in_all(progress)
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            make: Any = SummaryWriter
            self._writer = make(str(self._run / "tensorboard"), purge_step=number)
            recipe = json.dumps(to_tree(self._recipe), indent=2)
            self._writer.add_text("recipe", f"```json\n{recipe}\n```", number)
        for name, value in figures(progress).items():
            self._writer.add_scalar(name, value, number)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


class WeightsAndBiases:
    """Tells Weights & Biases, by its own settings (WANDB_PROJECT, WANDB_MODE=offline and so on).

    A run that goes on is the same run there.
    """

    def __init__(self, run: Path, recipe: Recipe) -> None:
        self._run, self._recipe = run, recipe
        self._told: Any = None

    def __call__(self, progress: "Progress", /) -> None:
        """Send the figures of a step or an epoch."""
        if self._told is None:
            self._told = self._begin()
        self._told.log({"step": steps_in_all(progress), **figures(progress)})

    def _begin(self) -> Any:
        wandb: Any = importlib.import_module("wandb")
        first = (self._run / STARTS).read_bytes().partition(b"\n")[0]  # never written again
        told = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "regard"),
            name=self._run.name,
            id=hashlib.sha256(first).hexdigest()[:16],
            resume="allow",
            dir=str(self._run),
            config=to_tree(self._recipe),
            settings=wandb.Settings(console="off"),  # standard output is for results
        )
        told.define_metric("*", step_metric="step")
        return told

    def close(self) -> None:
        """Wait until everything is sent."""
        if self._told is not None:
            self._told.finish()


REPORTERS: dict[str, Callable[[Path, Recipe], Reporter]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}
"""By the names of their packages, which are those of the extras, too."""


def check_reporters(names: Iterable[str]) -> None:
    """See that runs can be told to these before anything is trained.

    Raises:
        ConfigError: a name is unknown, or its package is not there.
    """
    for name in names:
        if name not in REPORTERS:
            raise ConfigError(
                f"--log-to is {name!r}; it must be one of {', '.join(REPORTERS)}. Name one of them."
            )
        bring(name, name, f"--log-to {name}")


@contextmanager
def reporting(*reporters: Reporter) -> Iterator[Callable[["Progress"], None]]:
    """One function that tells all of them; they are closed at the end, whatever ends it."""
    with ExitStack() as stack:
        for one in reporters:
            stack.enter_context(closing(one))

        def tell(progress: "Progress") -> None:
            for one in reporters:
                one(progress)

        yield tell

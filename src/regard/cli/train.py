"""regard train: captions and regions to a trained model."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.common import (
    AsJson,
    CompileOption,
    DataOption,
    DeviceOption,
    RegionsOption,
    SettingsOption,
    notes,
    open_split,
    print_made,
    require_train,
)
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.dataset import BoxedDataset
    from regard.training.config import Recipe
    from regard.training.loop import Progress


def train(
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; best/ is in it.")],
    regions: RegionsOption = None,
    recipe: Annotated[
        str, typer.Option(help="Shipped recipe's name, or a TOML file.")
    ] = "flickr8k",
    settings: SettingsOption = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Pretrained backbone whose frozen regions and words the model's heads learn on "
            "(regard models); or file of the tuned one that regions come from, kept with the model."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Model to go on from: a shipped one's name, or a folder."),
    ] = None,
    device: DeviceOption = "auto",
    compiled: CompileOption = False,
    as_json: AsJson = False,
) -> None:
    """Train a model; the best on the val split is kept in OUT/best.

    Killed or interrupted, the same command goes on where it was and comes to the same weights.

        regard train --data dataset_flickr8k.json --regions flickr8k.regions --out runs/first

        regard train --data data/f30k_precomp --recipe scan-t2i-mean-f30k --out runs/f30k

        regard train --backbone siglip2-b16 --recipe siglip2-flickr8k --out runs/heads
        --data dataset_flickr8k.json --regions siglip2.regions

        regard train --data data/f30k_precomp --device cuda --set training.precision=bfloat16
        --out runs/f30k
    """
    require_train()
    from regard.device import usable_device
    from regard.model.checkpoint import load_checkpoint
    from regard.regions.pyramid import BACKBONE
    from regard.training.allocator import keep_freed_memory
    from regard.training.config import load_recipe
    from regard.training.loop import train as run_training
    from regard.training.machine import Machine

    keep_freed_memory()
    wanted, tuned = _standing(load_recipe(recipe, settings or []), backbone)
    train_set, val_set = _open(data, regions)
    _check_backbone(tuned, train_set.producer)
    teller = EpochTeller()
    first = load_checkpoint(start) if start else None
    machine = Machine(device=usable_device(device), compiled=compiled)
    outcome = run_training(wanted, train_set, val_set, out, teller, start=first, machine=machine)
    teller.close()
    if tuned is not None:
        shutil.copyfile(tuned, outcome.best / BACKBONE)
    tree = {"model": str(outcome.best), "rsum": outcome.rsum, "epoch": outcome.epoch}
    note = f"Best on val: rSum {outcome.rsum:.1f} at epoch {outcome.epoch}."
    print_made(outcome.best, tree, as_json, note)


def _open(data: Path, regions: Path | None) -> tuple["BoxedDataset", "BoxedDataset"]:
    """What to train on and what to validate on; says how large they are."""
    train_set, val_set = (open_split(data, name, regions) for name in ("train", "val"))
    notes.print(
        f"{len(train_set.captions.photos)} photos and {len(train_set.captions.sentences)} captions "
        f"to train on, {len(val_set.captions.photos)} photos to validate on."
    )
    return train_set, val_set


def _standing(recipe: "Recipe", backbone: str | None) -> tuple["Recipe", Path | None]:
    """The recipe with the sizes of the backbone it stands on; or the file of a tuned one."""
    from regard.backbones.settings import is_backbone
    from regard.training.heads import stand_on

    if pretrained := backbone if backbone and is_backbone(backbone) else recipe.model.backbone:
        return stand_on(recipe, pretrained), None
    return recipe, Path(backbone) if backbone else None


def _check_backbone(backbone: Path | None, producer: str) -> None:
    """See that regions were made with the tuned backbone, if there is one."""
    if backbone is None:
        return
    from regard.regions.extractor import load_extractor

    identity = load_extractor(f"pyramid:{backbone}").identity
    if identity != producer:
        raise ConfigError(
            f"regions were made by {producer!r}; with --backbone {backbone} they must be made by "
            f"{identity!r}. Extract with --extractor pyramid:{backbone}, or leave --backbone out."
        )


class EpochTeller:
    """Shows steps as a bar and each epoch as a line, on standard error."""

    def __init__(self) -> None:
        from rich.progress import Progress as Bars

        self._bars = Bars(console=notes, transient=True, disable=not notes.is_terminal)
        self._bars.start()
        self._task = self._bars.add_task("Training")

    def __call__(self, progress: "Progress") -> None:
        """Take what the training loop tells."""
        self._bars.update(
            self._task,
            completed=progress.step,
            total=progress.steps,
            description=f"Epoch {progress.epoch}/{progress.epochs}, loss {progress.loss:.3f}",
        )
        retrieval = progress.validation
        if retrieval is None:
            return
        recalls = " | ".join(
            " ".join(f"{value:5.1f}" for value in side.recall.values())
            for side in (retrieval.caption_retrieval, retrieval.image_retrieval)
        )
        notes.print(
            f"epoch {progress.epoch:3d}  loss {progress.loss:8.3f}  "
            f"image→text | text→image R@1/5/10 {recalls}  rSum {retrieval.rsum:6.1f}"
            f"{' *' if progress.is_best else '  '} {progress.seconds:6.0f} s  "
            f"peak {progress.memory / 1e9:.1f} GB"
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()

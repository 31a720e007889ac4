"""regard train: captions and regions to a trained model."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, print_made, require_train
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.dataset import BoxedDataset
    from regard.training.config import Recipe
    from regard.training.loop import Outcome, Progress
    from regard.training.machine import Machine


BackboneOption = Annotated[
    str | None,
    typer.Option(
        help="Pretrained backbone whose frozen regions and words the model's heads learn on "
        "(regard models); or file of the tuned one that regions come from, kept with the model."
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(help="Model to start from: a shipped one's name, or a folder."),
]
SeedsOption = Annotated[
    int, typer.Option(min=1, help="Runs, each with a seed of its own and in OUT/seed-N.")
]

LogToOption = Annotated[
    list[str] | None,
    typer.Option(help="Log the run here, too: tensorboard or wandb. Repeatable."),
]


def train(
    data: options.Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; best/ is in it.")],
    regions: options.Regions = None,
    recipe: Annotated[
        str, typer.Option(help="Shipped recipe's name, or a TOML file.")
    ] = "flickr8k",
    settings: options.Settings = None,
    backbone: BackboneOption = None,
    start: StartOption = None,
    seeds: SeedsOption = 1,
    device: options.Device = "auto",
    compiled: options.Compile = False,
    log_to: LogToOption = None,
    as_json: options.Json = False,
) -> None:
    """Train a model; the best on the val split is kept in OUT/best.

    Killed or interrupted, it resumes when rerun and ends with the same weights.

        regard train --data dataset_flickr8k.json --regions flickr8k.regions --out runs/first

        regard train --data data/f30k_precomp --recipe scan-t2i-mean-f30k --out runs/f30k

        regard train --backbone siglip2-b16 --recipe siglip2-flickr8k --out runs/heads
        --data dataset_flickr8k.json --regions siglip2.regions

        regard train --data data/f30k_precomp --device cuda --set training.precision=bfloat16
        --out runs/f30k

        regard train --data data/f30k_precomp --recipe scan-t2i-mean-f30k --seeds 3 --out runs/three

        torchrun --nproc-per-node 4 -m regard train --data data/f30k_precomp
        --recipe scan-t2i-mean-f30k --out runs/four

        regard train --data data/f30k_precomp --log-to tensorboard --out runs/f30k
    """
    require_train(alone=False)
    from regard.device import usable_device
    from regard.training.allocator import keep_freed_memory
    from regard.training.config import load_recipe
    from regard.training.machine import Machine
    from regard.training.ranks import joined
    from regard.training.reporters import check_reporters

    also = log_to or []
    check_reporters(also)
    keep_freed_memory()
    wanted, tuned = _standing(load_recipe(recipe, settings or []), backbone)
    with joined(usable_device(device)) as (ranks, where):
        notes.quiet = not ranks.leads
        cache = out / "cache" if seeds > 1 else None
        machine = Machine(device=where, compiled=compiled, cache=cache, ranks=ranks)
        sets = _open(data, regions)
        _check_backbone(tuned, sets[0].producer)
        runs = list(_runs(wanted, out, seeds))
        outcomes = [_train(one, sets, folder, start, machine, also) for one, folder in runs]
    if ranks.leads:
        _tell(outcomes, out, tuned, as_json)


def _train(
    recipe: "Recipe",
    sets: "tuple[BoxedDataset, BoxedDataset]",
    folder: Path,
    start: str | None,
    machine: "Machine",
    log_to: list[str],
) -> "Outcome":
    """Train one run, telling how far it is."""
    from regard.model.checkpoint import load_checkpoint
    from regard.training.loop import train as run_training
    from regard.training.reporters import REPORTERS, reporting

    first = load_checkpoint(start) if start else None
    also = [REPORTERS[name](folder, recipe) for name in log_to]
    with reporting(EpochTeller(), *also) as tell:
        return run_training(recipe, *sets, folder, tell, start=first, machine=machine)


def _runs(recipe: "Recipe", out: Path, seeds: int) -> "Iterator[tuple[Recipe, Path]]":
    """What is trained, and where."""
    from regard.store.run_folders import folder_of_seed

    if seeds == 1:
        yield recipe, out
        return
    for seed in range(recipe.training.seed, recipe.training.seed + seeds):
        yield (
            replace(recipe, training=replace(recipe.training, seed=seed)),
            folder_of_seed(out, seed),
        )


def _tell(outcomes: list["Outcome"], out: Path, tuned: Path | None, as_json: bool) -> None:
    """Tell what came of the runs; leave their learning curves and, if one was tuned, backbone."""
    from regard.evaluation.seeds import over_seeds
    from regard.regions.pyramid import BACKBONE
    from regard.studies.curves import draw_curves

    if tuned is not None:
        for one in outcomes:
            shutil.copyfile(tuned, one.best / BACKBONE)
    draw_curves([one.best.parent for one in outcomes], out / "curves.png")
    runs = [{"model": str(one.best), "rsum": one.rsum, "epoch": one.epoch} for one in outcomes]
    if len(outcomes) == 1:
        (one,) = outcomes
        note = f"Best on val: rSum {one.rsum:.1f} at epoch {one.epoch}."
        print_made(one.best, runs[0], as_json, note)
        return
    found = over_seeds([one.rsum for one in outcomes])
    note = f"Best on val: rSum {found} (mean of {len(runs)} seeds and its 95 % interval)."
    print_made(out, {"runs": runs, "rsum": found.mean, "interval": found.interval}, as_json, note)


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
    """The reporter for people: shows steps as a bar and each epoch as a line, on standard error."""

    def __init__(self) -> None:
        from rich.progress import Progress as Bars

        self._bars = Bars(console=notes, transient=True, disable=not notes.is_terminal)
        self._bars.start()
        self._task = self._bars.add_task("Training")

    def __call__(self, progress: "Progress", /) -> None:
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

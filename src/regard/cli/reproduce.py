"""regard reproduce: a published result trained, evaluated and set beside what was published."""

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, print_figures, print_json, require_train
from regard.cli.train import EpochTeller
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.official.files import OfficialSet
    from regard.training.config import Recipe

_KEYS = ("R@1", "R@5", "R@10")
_RECIPES = (
    "official, or scan-DIRECTION-POOLING, vsepp, vseinf, vseinf-bert, sgr, saf, chan or chan-bert, "
    "and -f30k or -coco."
)
_ENOUGH_SEEDS = 3  # for a mean to be held against an accepted band


def reproduce(
    recipe: Annotated[str, typer.Argument(help=_RECIPES)],
    data: Annotated[
        Path, typer.Option(help="Folder of SCAN's files, or the one that holds f30k_precomp.")
    ] = Path("data"),
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the runs.")] = Path("runs"),
    seeds: Annotated[int, typer.Option(min=1, help="How many runs, each with its own seed.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try the recipe on random features; needs no data.")
    ] = False,
    settings: options.Settings = None,
    device: options.Device = "auto",
    table: Annotated[
        str | None,
        typer.Option(help="Print the papers' table with your rows: markdown or latex."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Train and evaluate a recipe of a paper; print paper, accepted band and got.

    Without the data it says which files to get, from where and how large. Stopped runs go on.
    What was got is kept in OUT/RECIPE.json; --table takes every such file of the data set.
    Bands are for the mean of three or more seeds: from 1.5 % below the published rSum to 1 %
    above, by rule; only that of scan-i2t-mean-f30k rests on seeds that others measured. None of
    these recipes was run here on the papers' features, which cannot be had here.

        regard reproduce scan-i2t-mean-f30k --data data --seeds 3

        regard reproduce scan-i2t-mean-f30k --data data --seeds 3 --table latex

        regard reproduce scan-t2i-mean-coco --dry-run
    """
    require_train()
    from regard.device import usable_device
    from regard.official.files import find_official
    from regard.store import json_files
    from regard.training.config import load_recipe

    _check(recipe, table)
    wanted = load_recipe(recipe, settings or [])
    size = _data_set(recipe)
    if dry_run:
        _rehearse(recipe, wanted, size, as_json=as_json)
        return
    folder = find_official(data, size)
    where = usable_device(device)
    evaluations = [
        _run(wanted, size, folder, out / f"{recipe}-{n}", n, where) for n in range(seeds)
    ]
    tree = _summary(recipe, evaluations)
    json_files.write(out / f"{recipe}.json", tree)
    if as_json:
        print_json(tree)
    elif table:
        print(_table(recipe, out, table))
    else:
        _show(tree)


def _check(recipe: str, table: str | None) -> None:
    """Refuse what cannot be reproduced or written, before anything is trained."""
    from regard.official.published import PUBLISHED
    from regard.official.tables import check_form

    if recipe not in PUBLISHED:
        raise ConfigError(
            f"recipe is {recipe!r}; it must be one with published figures: "
            f"{', '.join(PUBLISHED)}. Use `regard train` and `regard evaluate` for others."
        )
    if table is not None:
        check_form(table)


def _table(recipe: str, out: Path, form: str) -> str:
    from regard.official.published import PUBLISHED
    from regard.official.tables import table
    from regard.store import json_files

    paths = {name: out / f"{name}.json" for name in PUBLISHED}
    what, remedy = "what `regard reproduce` keeps", "Delete it."
    kept = {n: json_files.read(p, what, remedy) for n, p in paths.items() if p.is_file()}
    return table(recipe, kept, form)


def _data_set(recipe: str) -> "OfficialSet":
    from regard.official.files import COCO, F30K

    return COCO if recipe.endswith("-coco") else F30K


def _run(
    recipe: "Recipe", size: "OfficialSet", folder: Path, run: Path, seed: int, device: str
) -> dict[str, Any]:
    """Train one seed and evaluate its best model on the test split."""
    from dataclasses import replace

    from regard.evaluation.report import Judge
    from regard.model.model import load
    from regard.training.loop import train
    from regard.training.machine import Machine
    from regard.training.reporters import reporting

    seeded = replace(recipe, training=replace(recipe.training, seed=recipe.training.seed + seed))
    sets = open_split(folder, "train"), open_split(folder, "dev")
    with reporting(EpochTeller()) as tell:
        best = train(seeded, *sets, run, tell, machine=Machine(device=device)).best
    name = size.test.name
    model = load(str(best), device=device)
    return Judge(size.protocol).evaluate([model], open_split(folder, name), folder, name).tree()


def _summary(recipe: str, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Paper, band and the mean of the runs, in the form `evaluate` prints."""
    from regard.evaluation.seeds import over_seeds
    from regard.official.published import PUBLISHED

    paper = PUBLISHED[recipe]
    sides = {"image_to_text": paper.caption_retrieval, "text_to_image": paper.image_retrieval}
    published: dict[str, Any] = {
        side: dict(zip(_KEYS, figures, strict=True)) for side, figures in sides.items() if figures
    }
    got: dict[str, Any] = {
        side: {key: statistics.fmean(run[side][key] for run in evaluations) for key in _KEYS}
        for side in sides
    }
    rsums = [run["rsum"] for run in evaluations]
    band = list(paper.band)
    mean, interval = over_seeds(rsums)
    return {
        "recipe": recipe,
        "source": paper.source,
        "paper": {**published, "rsum": paper.rsum},
        "band": band,
        "got": {**got, "rsum": mean},
        "runs": rsums,
        "interval": interval and list(interval),
        "within_band": band[0] <= mean <= band[1] if len(rsums) >= _ENOUGH_SEEDS else None,
    }


def _show(tree: dict[str, Any]) -> None:
    from regard.official.tables import told

    rows = []
    for side, title in (("image_to_text", "image→text"), ("text_to_image", "text→image")):
        for key in _KEYS:
            paper = tree["paper"].get(side, {}).get(key)
            rows.append((f"{title} {key}", told(paper), "-", f"{tree['got'][side][key]:.1f}"))
    band = "{:.0f}-{:.0f}".format(*tree["band"])
    rows.append(("rSum", told(tree["paper"]["rsum"]), band, f"{tree['got']['rsum']:.1f}"))
    head = ("", f"paper ({tree['source']})", "accepted band", "got")
    print_figures(tree["recipe"], head, rows)
    runs = ", ".join(f"{rsum:.1f}" for rsum in tree["runs"])
    notes.print(f"rSum of each seed: {runs}.")
    if tree["interval"]:
        notes.print("95 % of the mean, by seeds: {:.1f} to {:.1f}.".format(*tree["interval"]))
    if tree["within_band"] is None:
        notes.print("The band is for the mean of three or more seeds: add --seeds 3.")
    else:
        notes.print("Within the band." if tree["within_band"] else "Outside the band.")


def _rehearse(name: str, recipe: "Recipe", size: "OfficialSet", *, as_json: bool) -> None:
    from regard.studies.rehearsal import rehearse

    with tempfile.TemporaryDirectory() as folder:
        rehearsal = rehearse(recipe, size, Path(folder))
    if as_json:
        tree = {**rehearsal._asdict(), "seconds_per_epoch": rehearsal.seconds_per_epoch}
        print_json({"recipe": name, "epochs": recipe.training.epochs, **tree})
        return
    hours = rehearsal.seconds_per_epoch * recipe.training.epochs / 3600
    print(
        f"{name}: trains, resumes and evaluates. {rehearsal.seconds_per_step:.2f} s a step, "
        f"{rehearsal.steps_per_epoch} steps, {rehearsal.seconds_to_validate:.0f} s to validate: "
        f"{rehearsal.seconds_per_epoch / 60:.0f} min an epoch of {size.title} here, "
        f"{hours:.0f} h for {recipe.training.epochs} epochs."
    )

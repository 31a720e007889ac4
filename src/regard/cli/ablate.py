"""regard ablate: what attention earns over pooling, trained and judged alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, print_figures, print_json, require_train

if TYPE_CHECKING:
    from regard.studies.ablation import Row
    from regard.training.loop import Progress

_KEYS = ("R@1", "R@5", "R@10")
_SIDES = ("image_to_text", "text_to_image")


def ablate(
    data: options.Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the runs.")],
    regions: options.Regions = None,
    recipe: Annotated[
        str, typer.Option(help="Recipe of every row, its scoring aside: a name or a TOML file.")
    ] = "ablation",
    seeds: Annotated[int, typer.Option(min=1, help="Runs per row, each with its own seed.")] = 1,
    settings: options.Settings = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Train and judge the paper's ablation: VSE++, Sum-Max and SCAN on the same regions.

    Prints recalls on val, relative gains in R@1 over VSE++ on the whole photo and over VSE++ on the
    mean of the regions, and the same for kinds of sentences. Killed, it resumes when rerun.

        regard ablate --data dataset_flickr8k.json --regions flickr8k.regions --out runs/ablation
    """
    require_train()
    from regard.device import usable_device
    from regard.studies.ablation import Splits, ablation_tree
    from regard.studies.ablation import ablate as run_ablation
    from regard.training.allocator import keep_freed_memory
    from regard.training.config import load_recipe
    from regard.training.machine import Machine

    keep_freed_memory()
    wanted = load_recipe(recipe, settings or [])
    splits = Splits(open_split(data, "train", regions), open_split(data, "val", regions))
    results = []
    machine = Machine(device=usable_device(device))
    for result in run_ablation(wanted, splits, out, seeds, _tell, machine):
        notes.print(f"{result.title}: done.")
        results.append(result)
    rows = ablation_tree(results, splits.val.captions.sentences)
    if as_json:
        print_json({"rows": rows, "seeds": seeds})
    else:
        _show(rows)


def _tell(row: "Row", progress: "Progress") -> None:
    """A line an epoch on standard error."""
    if progress.validation is not None:
        notes.print(
            f"{row.title}: epoch {progress.epoch}/{progress.epochs}, rSum "
            f"{progress.validation.rsum:.1f}, {progress.seconds:.0f} s"
        )


def _show(rows: list[dict[str, Any]]) -> None:
    """The paper's table, the gains, and the kinds of sentences."""
    from regard.studies.ablation import PHOTO, REGIONS

    head = ["", *(f"i→t {key}" for key in _KEYS), *(f"t→i {key}" for key in _KEYS), "rSum"]
    body = []
    for row in rows:
        recalls = (f"{row[side][key]:.1f}" for side in _SIDES for key in _KEYS)
        body.append([row["title"], *recalls, f"{row['rsum']:.1f}"])
    print_figures("Recalls on val, %", head, body)
    for baseline, title in ((PHOTO, "the whole photo"), (REGIONS, "the mean of regions")):
        body = []
        for row in rows:
            figures = [*(row["gains"][side] for side in _SIDES), *row["kinds"].values()]
            body.append([row["title"], *(_gain(one, baseline) for one in figures)])
        head = ["", "i→t", "t→i", *(f"t→i, {kind}" for kind in rows[0]["kinds"])]
        print_figures(f"R@1 relative to VSE++ on {title}, %, with 95 % intervals", head, body)
    counts = ", ".join(
        f"{kind} {figures['captions']}" for kind, figures in rows[0]["kinds"].items()
    )
    notes.print(f"Captions: {counts}. Seeds a row: {len(rows[0]['seeds'])}.")


def _gain(figures: dict[str, Any], baseline: str) -> str:
    """A relative gain with its interval."""
    gained = figures["gain"][baseline]
    low, high = gained["interval"]
    return f"{gained['gain']:+.0f} ({low:+.0f} to {high:+.0f})"

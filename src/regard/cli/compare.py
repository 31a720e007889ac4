"""regard compare: what one model finds more than another, and whether that may be chance."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import notes, open_split, print_figures, print_json, progress_bar

if TYPE_CHECKING:
    from regard.evaluation.ranking import Ranks

_SIDES = {"image_to_text": "image→text", "text_to_image": "text→image"}


def compare(
    first: Annotated[str, typer.Argument(help="Model's name or folder, or a folder of seeds.")],
    second: Annotated[str, typer.Argument(help="What to compare it with, named in the same way.")],
    data: options.Data,
    regions: options.Regions = None,
    other_regions: Annotated[
        Path | None, typer.Option(help="Regions of the second model, if they are others.")
    ] = None,
    split: options.Split = "val",
    protocol: options.Protocol = "all",
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Compare two models on the same queries, by a paired bootstrap.

    Both are judged on the same redrawn photos, so that what is hard for both does not blur their
    difference. Of a folder that `regard train --seeds` made, the runs' hits are averaged.

        regard compare runs/mine flickr8k --data dataset_flickr8k.json --regions flickr8k.regions
    """
    from regard.evaluation.comparison import differences

    where = {"split": split, "protocol": protocol, "device": device}
    ours = _ranks(first, data, regions, **where)
    theirs = _ranks(second, data, other_regions or regions, **where)
    named = {"first": first, "second": second, "split": split, "protocol": protocol}
    tree = {**named, "seeds": [len(ours), len(theirs)], **differences(ours, theirs)}
    if as_json:
        print_json(tree)
    else:
        _show(tree)


def _ranks(
    name: str, data: Path, regions: Path | None, *, split: str, protocol: str, device: str
) -> "list[list[Ranks]]":
    """Ranks in every gallery of the protocol, by each run that is meant."""
    from regard.evaluation.report import Judge
    from regard.model.model import load
    from regard.store.run_folders import models_in

    dataset, judge = open_split(data, split, regions), Judge(protocol)
    found = []
    for one in models_in(name):
        with progress_bar(f"Scoring by {one}") as progress:
            model = load(one, device=device)
            found.append(judge.ranks([model], dataset, data, split, progress))
    return found


def _show(tree: dict[str, Any]) -> None:
    rows = []
    for side, title in _SIDES.items():
        rows += [(f"{title} {key}", *_figures(one)) for key, one in tree[side].items()]
    rows.append(("rSum", *_figures(tree["rsum"])))
    head = ("", tree["first"], tree["second"], "difference (95 %)")
    print_figures(f"Split {tree['split']}, protocol {tree['protocol']}", head, rows)
    low, high = tree["rsum"]["interval"]
    verdict = "may be chance" if low <= 0 <= high else "is more than these photos' chance"
    notes.print(
        f"Intervals are over redrawn photos, the same for both. The difference in rSum {verdict}; "
        "of other seeds they say nothing."
    )


def _figures(one: dict[str, Any]) -> tuple[str, str, str]:
    low, high = one["interval"]
    difference = f"{one['difference']:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"{one['first']:.1f}", f"{one['second']:.1f}", difference

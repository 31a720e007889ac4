"""regard curves: how runs learned, as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.common import print_made


def curves(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or of runs of seeds.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG, SVG or PDF.")] = Path("curves.png"),
    as_json: options.Json = False,
) -> None:
    """Draw loss and rSum on val by epoch, several runs in one picture.

    `regard train` leaves such a picture of its own run beside it.

        regard curves runs/t2i runs/i2t --out both.pdf
    """
    from regard.store.run_folders import runs_in
    from regard.studies.curves import draw_curves

    drawn = [one for run in runs for one in runs_in(run)]
    draw_curves(drawn, out)
    print_made(out, {"picture": str(out), "runs": [str(run) for run in drawn]}, as_json)

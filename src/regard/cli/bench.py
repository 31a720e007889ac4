"""regard bench: how fast this machine is at each stage, beside the official way."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from regard.cli.common import AsJson, notes, output, print_json, require_train
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.bench.scaling import Row

Stage = Literal["score", "step", "extract", "encode"]
_ABOUT = {
    "score": "128 images x 128 captions, 36 regions, 1024 numbers, Flickr30K's lengths",
    "step": "a training step of 128 pairs, 36 x 2048 features, 1024 numbers, bi-GRU",
    "extract": "JPEGs of 500 x 375 through the default extractor, decoding included",
    "encode": "sentences and photos embedded, 1024 numbers, random weights",
}


def bench(
    stage: Annotated[Stage, typer.Argument(help="What to measure.")],
    threads: Annotated[int, typer.Option(help="Threads, or processes for extract.", min=1)] = 1,
    plot: Annotated[
        Path | None,
        typer.Option(help="score: also measure how time grows with every size, drawn here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure one stage on this machine.

    Ratios are of runs side by side in one process or right after each other; absolute times
    depend on the machine and on what else it does.

        regard bench score

        regard bench score --plot scaling.png

        regard bench step --threads 2 --json
    """
    if plot is not None and stage != "score":
        raise ConfigError(f"--plot is given with {stage}; it must come with score. Leave it out.")
    notes.print(f"Measuring {_ABOUT[stage]}, {threads} thread(s) ...")
    found = _measure(stage, threads)
    rows = _scaling(threads, plot) if plot is not None else []
    if as_json:
        print_json(found | ({"scaling": [row._asdict() for row in rows]} if rows else {}))
        return
    _show(found, "")
    if rows:
        from regard.bench.scaling import table

        output.print("\n".join(["", *table(rows)]), markup=False)


def _scaling(threads: int, plot: Path) -> list["Row"]:
    from regard.bench import scaling

    rows = scaling.measure(threads)
    scaling.plot(rows, plot)
    return rows


def _measure(stage: Stage, threads: int) -> dict[str, Any]:
    if stage == "step":
        require_train()
        from regard.bench import step

        return step.measure(threads)
    from regard.bench import encode, extract, score

    if stage == "extract":
        return extract.measure(workers=threads)
    return score.measure(threads) if stage == "score" else encode.measure(threads=threads)


def _show(tree: dict[str, Any], indent: str) -> None:
    """Names and numbers, nested ones indented."""
    for name, value in tree.items():
        if isinstance(value, dict):
            output.print(f"{indent}{name}")
            _show(value, indent + "  ")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            output.print(f"{indent}{name:32} {shown}", markup=False)

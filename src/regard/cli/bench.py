"""regard bench: how fast this machine scores and trains, beside the official way."""

from typing import Annotated, Any, Literal

import typer

from regard.cli import options
from regard.cli.common import notes, output, print_json, require_train
from regard.errors import ConfigError

Stage = Literal["score", "step"]
_ABOUT = {
    "score": "128 images x 128 captions, 36 regions, 1024 numbers, Flickr30K's lengths",
    "step": "a training step of 128 pairs, 36 x 2048 features, 1024 numbers, bi-GRU",
}


def bench(
    stage: Annotated[Stage, typer.Argument(help="What to measure.")],
    threads: Annotated[int, typer.Option(help="Threads.", min=1)] = 1,
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Measure one stage on this machine.

    Ratios are of runs side by side in one process or right after each other; absolute times
    depend on the machine and on what else it does.

        regard bench score

        regard bench step --threads 2 --json

        regard bench step --device cuda
    """
    where = f"{threads} thread(s)" if device == "cpu" else device
    notes.print(f"Measuring {_ABOUT[stage]}, {where} ...")
    tree = _measure(stage, threads) if device == "cpu" else _measure_on(stage, device)
    if as_json:
        print_json(tree)
    else:
        _show(tree, "")


def _measure(stage: Stage, threads: int) -> dict[str, Any]:
    if stage == "score":
        from regard.bench import score

        return score.measure(threads)
    require_train()
    from regard.bench import step

    return step.measure(threads)


def _measure_on(stage: Stage, device: str) -> dict[str, Any]:
    if stage != "step":
        raise ConfigError(f"stage is {stage!r}; it must be step to be measured on {device}.")
    require_train()
    from regard.bench import device_step
    from regard.device import usable_device

    return device_step.measure(usable_device(device))


def _show(tree: dict[str, Any], indent: str) -> None:
    """Names and numbers, nested ones indented."""
    for name, value in tree.items():
        if isinstance(value, dict):
            output.print(f"{indent}{name}")
            _show(value, indent + "  ")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            output.print(f"{indent}{name:32} {shown}", markup=False)

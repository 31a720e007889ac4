"""Learning curves: loss and rSum on val by epoch, of one run or of several, as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path

from regard.errors import DataError
from regard.store.run_folders import LOG

_SIZE, _DPI = (9.0, 3.6), 150  # inches
_PANELS = (("loss", "loss, mean of an epoch's steps"), ("rsum", "rSum on val"))


def read_log(run: Path) -> list[dict[str, float]]:
    """What a run told of its epochs; of an epoch that was done twice, the last time.

    Raises:
        DataError: it has no log, or none that can be read.
    """
    path = run / LOG
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        epochs = {int(line["epoch"]): line for line in lines}
        shown = [[float(line[name]) for name, _ in _PANELS] for line in epochs.values()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read ({error}); it must be the log of a run that has finished an "
            "epoch. Name a folder that `regard train --out` made."
        ) from None
    names = ("loss", "rsum")
    found = zip(epochs, shown, strict=True)
    return [{"epoch": n, **dict(zip(names, values, strict=True))} for n, values in sorted(found)]


def draw_curves(runs: Sequence[Path], out: Path) -> None:
    """Draw runs into one picture; the best epoch of each is marked.

    Args:
        out: PNG, SVG or PDF, by its name.

    Raises:
        DataError: a run's log cannot be read.
    """
    from matplotlib.figure import Figure

    logs = {str(run): read_log(run) for run in runs}
    figure = Figure(_SIZE, layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, 2), _PANELS, strict=True):
        for run, log in logs.items():
            epochs, values = [line["epoch"] for line in log], [line[name] for line in log]
            best = max(range(len(log)), key=lambda n, log=log: log[n]["rsum"])  # type: ignore[misc]
            (curve,) = axes.plot(epochs, values, marker=".", label=run)
            axes.plot(epochs[best], values[best], marker="o", color=curve.get_color())
        axes.set(xlabel="epoch", title=title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    if len(logs) > 1:
        axes.legend(fontsize="small")
    figure.savefig(out, dpi=_DPI)

"""The reliability plot: what was said against what is true, and how often it was said.

Uses matplotlib's objects, not its global state, so it may be called from any thread.
"""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regard.evaluation.calibration.curve import Reliability
from regard.explain.figure import check_suffix

_INK, _SOFT, _LINE, _BAR = "#1a1a1a", "#5f6368", "#0072b2", "#d5dbe1"


def save_reliability(path: Path, panels: Mapping[str, Reliability]) -> None:
    """Draw a panel for each kind of probability into a PNG, SVG or PDF file.

    Args:
        found: by title.

    Raises:
        ConfigError: another suffix.
    """
    check_suffix(path)
    figure = Figure((4.3 * len(panels), 5.2), dpi=160, facecolor="white", layout="constrained")
    rows = figure.subplots(2, len(panels), squeeze=False, sharex=True, height_ratios=(4, 1))
    for column, (title, one) in enumerate(panels.items()):
        _panel(rows[0, column], title, one)
        _counts(rows[1, column], one)
    rows[0, 0].set_ylabel("true, per cent")
    rows[1, 0].set_ylabel("cases, per cent")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _panel(axes: Axes, title: str, reliability: Reliability) -> None:
    said, true = (
        [100 * value for value in values] for values in (reliability.said, reliability.true)
    )
    axes.plot((0, 100), (0, 100), color=_SOFT, lw=1, ls=(0, (4, 3)))
    axes.plot(said, true, color=_LINE, lw=1.6, marker="o", ms=5, clip_on=False, zorder=3)
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_title(title, fontsize=11, color=_INK, loc="left")
    error = 100 * reliability.expected_calibration_error
    axes.text(4, 93, f"expected calibration error {error:.1f} %", fontsize=8.5, color=_SOFT)
    _quiet(axes)


def _counts(axes: Axes, reliability: Reliability) -> None:
    share = [100 * count / sum(reliability.pairs) for count in reliability.pairs]
    axes.bar([100 * said for said in reliability.said], share, width=7, color=_BAR)
    axes.set_xlabel("said, per cent")
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8.5, colors=_SOFT)

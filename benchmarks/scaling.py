"""How the time of scores grows with each size and with threads, as rows, a table and a plot.

    python benchmarks/scaling.py scaling.png [--threads 1]

`run.py` draws it for RESULTS.md.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from regard.bench.score import (
    DEFAULT_CASE,
    DIRECTIONS,
    Case,
    Turns,
    bare_products,
    make_inputs,
    ours_on,
    take_turns,
)
from regard.core.scoring import Scoring
from regard.kernels.workers import set_threads

AXES: dict[str, tuple[int, ...]] = {
    "images": (16, 64, 256),
    "captions": (16, 64, 256),
    "regions": (1, 10, 36, 100),
    "words": (5, 13, 30, 60),
    "dim": (128, 256, 512, 1024, 2048),
    "threads": tuple(range(1, (os.cpu_count() or 1) + 1)),
}


class Row(NamedTuple):
    """One size on one axis, the others as in the main measurement."""

    axis: str
    value: int
    direction: str
    nanoseconds_a_pair: float
    ratio_to_best_product: float
    """Times as long as the faster bare product, float32 or bfloat16."""


def measure(threads: int = 1, repeats: int = 1) -> list[Row]:
    """Times at every size of every axis; those of the axis `threads` with so many threads."""
    rows: list[Row] = []
    try:
        for axis, values in AXES.items():
            for value in values:
                number = value if axis == "threads" else threads
                set_threads(number)
                changed = {} if axis == "threads" else {axis: value}
                rows += _rows(axis, value, DEFAULT_CASE._replace(**changed), number, repeats)
    finally:
        set_threads(None)
    return rows


def _rows(axis: str, value: int, case: Case, threads: int, repeats: int) -> list[Row]:
    inputs = make_inputs(case)
    products = bare_products(inputs)
    works: dict[str, Callable[[], object]] = dict(products)
    for direction in DIRECTIONS:
        works[direction] = ours_on(inputs, Scoring(direction=direction), threads)
    turns = take_turns(works, repeats)
    product, pairs = min(_least(turns, p) for p in products), case.images * case.captions
    return [
        Row(axis, value, d, 1e9 * _least(turns, d) / pairs, _least(turns, d) / product)
        for d in DIRECTIONS
    ]


def _least(turns: Turns, name: str) -> float:
    """Fewest seconds: the processor's for one thread at work, the clock's for several."""
    return min(min(turn) for turn in turns[name])


def table(rows: list[Row]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| axis | value | direction | ns a pair | times the bare product |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| {row.axis} | {row.value} | {row.direction} | {row.nanoseconds_a_pair:.0f} | "
        f"{row.ratio_to_best_product:.2f} |"
        for row in rows
    ]
    return lines


def plot(rows: list[Row], path: Path) -> None:
    """Draw nanoseconds a pair against every axis, in the format of the path's ending."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 2.8), layout="constrained")
    for place, axis in zip(figure.subplots(1, len(AXES), sharey=True), AXES, strict=True):
        for direction, style in zip(DIRECTIONS, ("o-", "s--"), strict=True):
            chosen = [row for row in rows if (row.axis, row.direction) == (axis, direction)]
            times = [row.nanoseconds_a_pair for row in chosen]
            place.loglog([row.value for row in chosen], times, style, label=direction)
        place.set_xlabel(axis)
        place.grid(alpha=0.3, which="both")
    figure.axes[0].set_ylabel("nanoseconds a pair")
    figure.axes[0].legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plot", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    rows = measure(asked.threads)
    plot(rows, asked.plot)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()

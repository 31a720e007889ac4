"""Measures every stage on this machine and writes benchmarks/RESULTS.md and scaling.svg.

    python benchmarks/run.py [NOTE]

Takes a few minutes. Run it on a machine that does nothing else, or say so in the note; ratios
are of runs side by side.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

from regard.bench import score
from regard.bench.machine import describe

HERE = Path(__file__).parent
CORES = (1, 2)
# per pair at R=36, D=1024 and 15.4 words: multiply-adds of the product, and of what follows it
FLOPS = {"product": 2 * 36 * 15.4 * 1024, "attention": 2 * 36 * 15.4 * (36 / 2 + 14)}


def bench(stage: str, threads: int) -> dict:
    """One `regard bench` in a process of its own."""
    print(f"{stage}, {threads} thread(s) ...", file=sys.stderr)
    command = [sys.executable, "-m", "regard.cli.main", "bench", stage, "--json"]
    done = subprocess.run([*command, "--threads", str(threads)], capture_output=True, check=True)
    return json.loads(done.stdout)


def scores(found: dict[int, dict]) -> list[str]:
    lines = [
        "## Scores: 128 images x 128 captions, R = 36, D = 1024, Flickr30K's caption lengths\n",
        "| threads | direction | times faster than the loop | times the bare product | "
        "the product alone, times faster than the loop | largest error |",
        "|---|---|---|---|---|---|",
    ]
    for threads, tree in found.items():
        for direction in score.DIRECTIONS:
            row = tree[direction]
            lines.append(
                f"| {threads} | {direction} | **{row['ratio_to_loop']:.1f}** | "
                f"{row['ratio_to_gemm']:.2f} | {row['gemm_ratio_to_loop']:.1f} | "
                f"{row['max_error']:.1e} |"
            )
    lines += [
        "",
        "Times the bare product, by pooling:\n",
        "| threads | direction | " + " | ".join(score.POOLINGS) + " |",
        "|---|---|" + "---|" * len(score.POOLINGS),
    ]
    for threads, tree in found.items():
        for direction in score.DIRECTIONS:
            by = tree[direction]["ratio_to_gemm_by_pooling"]
            cells = " | ".join(f"{by[p]:.2f}" for p in score.POOLINGS)
            lines.append(f"| {threads} | {direction} | {cells} |")
    return lines


def scaling(rows: list[dict]) -> list[str]:
    lines = [
        "",
        "## Scaling, one thread\n",
        "![Nanoseconds a pair](scaling.svg)\n",
        "| axis | value | direction | ns a pair | times the bare product |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['axis']} | {row['value']} | {row['direction']} | "
            f"{row['nanoseconds_a_pair']:.0f} | {row['ratio_to_gemm']:.2f} |"
        )
    return lines


def plot(rows: list[dict]) -> None:
    figure = Figure(figsize=(13, 2.8), layout="constrained")
    axes = figure.subplots(1, len(score.SCALING))
    for place, axis in zip(axes, score.SCALING, strict=True):
        for direction, style in zip(score.DIRECTIONS, ("o-", "s--"), strict=True):
            chosen = [r for r in rows if (r["axis"], r["direction"]) == (axis, direction)]
            place.loglog(
                [r["value"] for r in chosen],
                [r["nanoseconds_a_pair"] for r in chosen],
                style,
                label=direction,
            )
        place.set_xlabel(axis)
        place.grid(alpha=0.3)
    axes[0].set_ylabel("nanoseconds a pair")
    axes[0].legend()
    figure.savefig(HERE / "scaling.svg", metadata={"Date": None})


def roofline(tree: dict) -> list[str]:
    seconds = tree["t2i"]["seconds"] / 128**2
    total = sum(FLOPS.values())
    return [
        "",
        "## What the next factor would need\n",
        f"A t2i pair at these sizes is {FLOPS['product'] / 1e6:.2f} million operations in the "
        f"product and {FLOPS['attention'] / 1e6:.3f} million after it "
        f"({100 * FLOPS['attention'] / total:.0f} %), of which the exponential and the quadratic "
        f"form are the most. One thread reached {total / seconds / 1e9:.0f} billion operations a "
        "second over both. The product bounds what this formulation can do: a further factor "
        "needs fewer products (candidates before exact scores, smaller D) or a processor with "
        "matrix tiles (AMX), not a better kernel.",
    ]


def step(tree: dict) -> list[str]:
    parts = " | ".join(
        f"{tree['bfloat16']['parts'][p]:.2f}" for p in ("forward", "backward", "update")
    )
    epoch = tree["epoch_seconds"]
    return [
        "",
        "## A training step: 128 pairs, 36 x 2048 features, D = 1024, bi-GRU\n",
        "| | seconds | times faster | memory added, MB | times less |",
        "|---|---|---|---|---|",
        f"| official | {tree['official']['seconds']:.2f} | 1 | "
        f"{tree['official']['added_bytes'] / 1e6:.0f} | 1 |",
        f"| bfloat16 | {tree['seconds']:.2f} | **{tree['ratio_to_official']:.1f}** | "
        f"{tree['bfloat16']['added_bytes'] / 1e6:.0f} | **{tree['memory_ratio']:.1f}** |",
        f"| float32 | {tree['float32']['seconds']:.2f} | "
        f"{tree['float32']['ratio_to_official']:.1f} | "
        f"{tree['float32']['added_bytes'] / 1e6:.0f} | |",
        "",
        f"Parts of the bfloat16 step, seconds (forward, backward, update): {parts}. An epoch "
        f"of Flickr30K's 145,000 pairs would take {epoch['flickr30k'] / 60:.0f} minutes, of "
        f"COCO's 566,435 {epoch['coco'] / 60:.0f}.",
    ]


def main() -> None:
    machine, today = describe(), datetime.date.today().isoformat()
    found = {threads: bench("score", threads) for threads in CORES}
    rows = score.scaling()
    plot(rows)
    photos = {threads: bench("extract", threads) for threads in CORES}
    encoded = bench("encode", 1)
    lines = [
        "# Results\n",
        f"Written by `make bench` on {today}. {' '.join(sys.argv[1:])}\n",
        "| | |",
        "|---|---|",
        *(f"| {k} | {v} |" for k, v in machine.items()),
        "",
        *scores(found),
        *roofline(found[1]),
        *scaling(rows),
        *step(bench("step", 1)),
        "",
        "## Photos and sentences\n",
        "| | a second |",
        "|---|---|",
        *(
            f"| photos extracted, {n} process(es) | {tree['photos_per_second']:.1f} |"
            for n, tree in photos.items()
        ),
        *(
            f"| {name.removesuffix('_per_second').replace('_', ' ')}, one thread | {value:.0f} |"
            for name, value in encoded.items()
            if name.endswith("_per_second")
        ),
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(HERE / "RESULTS.md")


if __name__ == "__main__":
    main()

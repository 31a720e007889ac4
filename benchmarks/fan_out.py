"""How slow the slowest of many shards is: a simulation.

    python benchmarks/fan_out.py [--median 50] [--p95 70] [--seed 0]

A query waits for all shards. A shard's time is log-normal with the given median and 95th
percentile; now and then (--pause-rate) it is held up for --pause ms more, as by a compaction, a
disk read or a neighbour. Three ways to live with that:

    all       wait for every shard
    hedged    ask a second replica where no answer came within the 95th percentile
    most      answer when all but --missing of the shards have, and say which are missing

Prints the percentiles and draws fan_out.png. Times of shards are independent here; a fault that
hits many at once is not in the model.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

SHARDS = (1, 4, 16, 64, 256, 1024)
HERE = Path(__file__).parent


def shard_times(
    random: np.random.Generator, shape: tuple[int, ...], asked: argparse.Namespace
) -> np.ndarray:
    """Times of shards in ms."""
    spread = np.log(asked.p95 / asked.median) / 1.6449  # the normal's 95th percentile
    times = asked.median * np.exp(spread * random.standard_normal(shape))
    return times + asked.pause * (random.random(shape) < asked.pause_rate)


def simulate(shards: int, asked: argparse.Namespace) -> dict[str, np.ndarray]:
    """Times of queries in ms, by way."""
    random = np.random.default_rng([asked.seed, shards])
    first = shard_times(random, (asked.queries, shards), asked)
    again = asked.p95 + shard_times(random, first.shape, asked)
    hedged = np.where(first > asked.p95, np.minimum(first, again), first)
    enough = shards - int(asked.missing * shards)
    ways = {"all": first.max(1), "hedged": hedged.max(1)}
    ways["most"] = np.partition(first, enough - 1, axis=1)[:, enough - 1]
    return {way: times + asked.merge * np.log2(max(shards, 2)) for way, times in ways.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--median", type=float, default=50, help="ms, of a shard")
    parser.add_argument("--p95", type=float, default=70, help="ms, of a shard")
    parser.add_argument("--pause-rate", type=float, default=0.002)
    parser.add_argument("--pause", type=float, default=300, help="ms")
    parser.add_argument("--missing", type=float, default=0.01)
    parser.add_argument("--merge", type=float, default=0.5, help="ms a doubling of shards")
    parser.add_argument("--queries", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = {shards: simulate(shards, asked) for shards in SHARDS}
    print("| shards | " + " | ".join(f"{w}: p50 / p95 / p99" for w in found[1]) + " |")
    print("|---|" + "---|" * len(found[1]))
    for shards, ways in found.items():
        cells = (
            " / ".join(f"{np.percentile(t, p):.0f}" for p in (50, 95, 99)) for t in ways.values()
        )
        print(f"| {shards} | " + " | ".join(cells) + " |")
    draw(found)


def draw(found: dict[int, dict[str, np.ndarray]]) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for way, colour in zip(found[1], ("#c0392b", "#2471a3", "#1e8449"), strict=True):
        for percentile, style in ((50, ":"), (99, "-")):
            heights = [np.percentile(ways[way], percentile) for ways in found.values()]
            label = f"{way}, p{percentile}"
            axes.plot(list(found), heights, style, color=colour, marker="o", ms=3, label=label)
    axes.set(xscale="log", xlabel="shards asked by one query", ylabel="ms until the answer")
    axes.set_xticks(SHARDS, [str(n) for n in SHARDS])
    axes.minorticks_off()
    axes.set_ylim(0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(HERE / "fan_out.png", dpi=120)


if __name__ == "__main__":
    main()

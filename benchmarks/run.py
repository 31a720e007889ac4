"""Measures every stage on this machine and writes benchmarks/RESULTS.md and scaling.svg.

    python benchmarks/run.py [--threads 1 2] [--note NOTE]

Takes minutes. Run it on a machine that does nothing else, or say so in the note; ratios are of
runs that take turns, and those of the processor's seconds hardly depend on other programs.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import scaling

from regard.bench import score
from regard.bench.machine import describe

HERE = Path(__file__).parent
CORES = sorted({1, min(2, os.cpu_count() or 1)})
SHARE = 0.05  # of COCO-5K's images and captions each, scored here; whole_set.py does the whole
# per pair at R=36, D=1024 and 15.4 words: multiply-adds of the product, and of what follows it
FLOPS = {"product": 2 * 36 * 15.4 * 1024, "attention": 2 * 36 * 15.4 * (36 / 2 + 14)}


def run(*command: str) -> dict:
    print(" ".join(command), "...", file=sys.stderr)
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def bench(stage: str, threads: int) -> dict:
    """One `regard bench` in a process of its own."""
    return run("-m", "regard.cli.main", "bench", stage, "--json", "--threads", str(threads))


def table(*rows: tuple) -> list[str]:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return ["", lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""]


def scores(found: dict[int, dict]) -> list[str]:
    head = ("threads", "direction", "times faster than the loop", "times the faster bare product")
    head += ("the product alone, times faster than the loop", "times faster than the float64 loop")
    rows, poolings = [(*head, "largest error")], [("threads", "direction", *score.POOLINGS)]
    for threads, tree in found.items():
        for way in score.DIRECTIONS:
            row, by = tree[way], tree[way]["ratio_to_best_product_by_pooling"]
            faster = f"{row['ratio_to_loop']:.1f} ({row['processor_ratio_to_loop']:.1f})"
            longer = f"{row['ratio_to_best_product']:.2f} "
            longer += f"({row['processor_ratio_to_best_product']:.2f})"
            limit, double = row["product_ratio_to_loop"], row["ratio_to_float64_loop"]
            cells = (faster, longer, f"({limit:.1f})", f"({double:.1f})")
            rows.append((threads, way, *cells, f"{row['max_error']:.1e}"))
            errors = row["max_error_by_pooling"]
            cells = (f"({by[p]:.2f}) {errors[p]:.1e}" for p in score.POOLINGS)
            poolings.append((threads, way, *cells))
    added = ", ".join(f"{way} {n / 1e6:.1f} MB" for way, n in found[1]["bytes_added"].items())
    return [
        "## Scores: 128 images x 128 captions, R = 36, D = 1024, Flickr30K's caption lengths\n",
        "In brackets: in processor seconds. The loop is the published procedure in float32; "
        "the published evaluation runs it in float64.",
        *table(*rows),
        "Times the faster bare product, and largest error, by pooling. Max and sum are "
        "multiplied in float32, because bfloat16's rounding does not average out in them:",
        *table(*poolings),
        f"Memory added to the vectors at the peak, one thread: {added}.",
    ]


def roofline(tree: dict) -> list[str]:
    row = tree["t2i"]
    seconds = row["seconds"] / 128**2
    total, product = sum(FLOPS.values()), FLOPS["product"]
    inputs = 2 * 1024 * (128 * 36 + 128 * 15.4) / 128**2
    return [
        "",
        "## What the next factor would need\n",
        f"A t2i pair at these sizes takes {product / 1e6:.2f} million operations in the product "
        f"and {FLOPS['attention'] / 1e6:.3f} million after it, and reads {inputs:.0f} bytes of "
        f"vectors once. That is {product / inputs:.0f} operations per byte, so arithmetic limits "
        f"it, not memory. The faster product reached {row['product_flops'] / 1e9:.0f} billion "
        f"operations per second on one thread, the whole pair {total / seconds / 1e9:.0f} billion "
        "by the clock. If everything but the product were free, t2i would be "
        f"{row['product_ratio_to_loop']:.0f} times faster than the float32 loop. A further factor "
        "needs a processor with matrix tiles (AMX multiplies bfloat16 several times faster), fewer "
        "products (candidates before exact scores, a smaller D) or 8-bit products, whose error "
        "exceeds 5e-4 in t2i (LOG.md).",
    ]


def step(found: dict[int, dict]) -> list[str]:
    rows = [("threads", "", "seconds", "times faster", "memory added, MB", "times less")]
    parts = [("threads", "", *found[1]["bfloat16"]["parts"])]
    epochs = []
    for threads, tree in found.items():
        for side in ("official", "bfloat16", "float32"):
            one = tree[side]
            faster = f"{one['ratio_to_official']:.1f} ({one['ratio_of_processor_seconds']:.1f})"
            seconds = f"{one['seconds']:.2f} ({one['processor_seconds']:.2f})"
            memory = f"{one['added_bytes'] / 1e6:.0f}"
            rows.append((threads, side, seconds, faster, memory, f"{one['memory_ratio']:.1f}"))
            if one["parts"]:
                parts.append((threads, side, *(f"{value:.2f}" for value in one["parts"].values())))
        minutes = {name: seconds / 60 for name, seconds in tree["epoch_seconds"].items()}
        epochs.append(
            f"With {threads} thread(s), an epoch would take {minutes['flickr30k']:.0f} minutes on "
            f"Flickr30K's 145,000 pairs and {minutes['coco']:.0f} minutes on COCO's 566,435."
        )
    return [
        "",
        "## A training step: 128 pairs, 36 x 2048 features, D = 1024, bi-GRU, hardest negatives\n",
        "In brackets: in processor seconds. The official step is float32, with the C library's "
        "default allocator. bfloat16 is `training.precision`; it rounds only products. Memory is "
        "what a step adds to model, optimizer state and batch, including gradients.",
        *table(*rows),
        "Seconds of each part of one step, by the clock:",
        *table(*parts),
        *epochs,
    ]


def whole(tree: dict) -> list[str]:
    case = tree["case"]
    rows = [("direction", "ns a pair", "seconds", "passes identical")]
    for way in score.DIRECTIONS:
        row = tree[way]
        seconds = ", ".join(f"{s:.1f}" for s in row["seconds"])
        rows.append((way, f"{row['nanoseconds_a_pair']:.0f}", seconds, row["passes_identical"]))
    return [
        "",
        f"## A set of {case['images']:,} images and {case['captions']:,} captions\n",
        f"{tree['threads']} thread(s). COCO-5K has 5,000 images and 25,000 captions: "
        "`python benchmarks/whole_set.py` scores it.",
        *table(*rows),
        f"Memory added to the prepared inputs at the peak: {tree['bytes_added'] / 1e6:.0f} MB, "
        "most of it for two matrices of results, which are compared.",
    ]


def photos_and_sentences(rates: dict) -> list[str]:
    rows, encoded = [("", "a second")], rates["embedded"]
    for n, tree in rates["extracted"].items():
        rows.append((f"photos extracted, {n} process(es)", f"{tree['photos_per_second']:.1f}"))
    for name, value in encoded.items():
        if name.endswith("_per_second"):
            words = name.removesuffix("_per_second").replace("_", " ")
            rows.append((f"{words}, one thread", f"{value:.0f}"))
    tokenised = 155_070 / encoded["sentences_tokenised_per_second"]
    return [
        "",
        "## Photos and sentences",
        *table(*rows),
        f"At that rate, 155,070 captions, as many as Flickr30K has, are tokenised in "
        f"{tokenised:.0f} s.",
    ]


KINDS = "## Ratios by processor\n"
KIND = ("processor", "measured", "scores, times the loop: t2i, i2t")
KIND += ("times the faster bare product: t2i, i2t", "training step, times the official")


def by_processor(machine: dict, found: dict, steps: dict) -> list[str]:
    """One row for every kind of processor this was run on; this one's is written anew."""
    ways = [found[1][way] for way in score.DIRECTIONS]
    loop = ", ".join(f"{row['processor_ratio_to_loop']:.1f}" for row in ways)
    product = ", ".join(f"{row['processor_ratio_to_best_product']:.2f}" for row in ways)
    stepped = f"{steps[1]['ratio_to_official']:.1f} ({steps[1]['chosen']})"
    loop += f" ({found[1]['chosen']})"
    name = f"{machine['processor']}: {machine['instructions']}"
    _, _, old = (HERE / "RESULTS.md").read_text(encoding="utf-8").partition(KINDS)
    rows = [line for line in old.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    known = [tuple(line.strip("| ").split(" | ")) for line in rows[1:]]
    row = (name, datetime.date.today().isoformat(), loop, product, stepped)
    return [
        KINDS,
        "Measured on one thread, in processor seconds; the precision in brackets was chosen by "
        "measuring. Everything below is for the processor named above.",
        *table(KIND, row, *(kept for kept in known if kept[0] != name)),
    ]


def load() -> str:
    """Programs that wanted to run in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def budgets() -> str:
    """The section that `budgets.py` wrote; it stays as it is."""
    page = (HERE / "RESULTS.md").read_text(encoding="utf-8")
    _, head, rest = page.partition("\n## Budgets\n")
    return head + rest.partition("\n## ")[0] if head else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=CORES)
    parser.add_argument("--note", default="", help="about the machine, for the page")
    asked = parser.parse_args()
    machine, before, numbers = describe(), load(), sorted({1, *asked.threads})
    found = {threads: bench("score", threads) for threads in numbers}
    rows = scaling.measure()
    scaling.plot(rows, HERE / "scaling.svg")
    steps = {threads: bench("step", threads) for threads in numbers}
    share = run(str(HERE / "whole_set.py"), "--share", str(SHARE))
    rates = run(str(HERE / "rates.py"), "--processes", *map(str, numbers))
    machine["load"] = f"{before} when it began, {load()} when it ended, on {os.cpu_count()} cores"
    lines = [
        "# Results\n",
        f"Written by `make bench` on {datetime.date.today().isoformat()}. {asked.note}",
        *table(("", ""), *machine.items()),
        *by_processor(machine, found, steps),
        *scores(found),
        *roofline(found[1]),
        "",
        "## Scaling, one thread unless threads are the axis\n",
        "The fewest nanoseconds, by processor time or by the clock.\n",
        "![Nanoseconds a pair](scaling.svg)\n",
        *scaling.table(rows),
        *step(steps),
        *whole(share),
        *photos_and_sentences(rates),
        budgets(),
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(HERE / "RESULTS.md")


if __name__ == "__main__":
    main()

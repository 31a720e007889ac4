"""Scores of 5,000 images with 25,000 captions: python benchmarks/whole_set.py [--share 0.2]."""

import argparse
import json
import sys

import torch

from regard.bench.machine import describe
from regard.bench.whole import WholeSet, measure


def show(done: int, total: int) -> None:
    if done == total or done % max(1, total // 100) == 0:
        end = "\n" if done == total else ""
        print(f"\r{100 * done / total:5.1f} %", end=end, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of each side of the set")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    full = WholeSet()
    case = full._replace(
        images=round(full.images * asked.share), captions=round(full.captions * asked.share)
    )
    found = measure(case, threads=asked.threads, passes=asked.passes, progress=show)
    print(json.dumps({"machine": describe(), **found}, indent=2))


if __name__ == "__main__":
    main()

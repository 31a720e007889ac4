"""A whole evaluation set: 5,000 images with 25,000 captions, in time and in memory.

    python benchmarks/whole_set.py [--share 0.2]

Random unit vectors, caption lengths as Flickr30K's. Captions are embedded batch by batch in real
life, so they are prepared batch by batch here; what is measured is scoring.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from regard.bench.machine import describe
from regard.bench.memory import peak_added
from regard.bench.shapes import caption_lengths, unit_vectors
from regard.core.scoring import Direction, Scoring
from regard.kernels import Prepared, Progress, chosen, prepare, score
from regard.kernels.workers import thread_count

DIRECTIONS: tuple[Direction, ...] = ("t2i", "i2t")
_BATCH = 1000


class WholeSet(NamedTuple):
    """Sizes of the set."""

    images: int = 5000
    captions: int = 25000
    regions: int = 36
    dim: int = 1024


def inputs(case: WholeSet) -> tuple[Prepared, Prepared]:
    """Images and captions, prepared in the quicker precision."""
    precision = chosen("scores").precision
    lengths = caption_lengths(case.captions)
    images = [
        prepare(unit_vectors(n, case.regions, case.dim, seed=seed), precision=precision)
        for seed, n in enumerate(_batches(case.images))
    ]
    captions = []
    for seed, begin in enumerate(range(0, case.captions, _BATCH)):
        some = lengths[begin : begin + _BATCH]
        words = unit_vectors(len(some), int(some.max()), case.dim, seed=seed)
        captions.append(prepare(words, some, precision=precision))
    return join(images), join(captions)


def join(parts: Sequence[Prepared]) -> Prepared:
    """One side out of several, as when captions were embedded batch by batch.

    The caller's indices run on from part to part.
    """
    first = _begin(np.array([len(part) for part in parts]))
    counts = np.concatenate([part.counts for part in parts])
    order = np.argsort(counts, kind="stable")
    starts = _begin(counts[order])
    begins = np.empty_like(order)
    begins[order] = starts[:-1]  # of each item of each part in turn
    vectors = np.empty((int(starts[-1]), parts[0].dim), parts[0].vectors.dtype)
    norms = np.empty(len(vectors), np.float32)
    for part, low, high in zip(parts, first, first[1:], strict=False):
        rows = np.repeat(begins[low:high] - part.starts[:-1], part.counts)
        rows += np.arange(len(rows))
        vectors[rows] = part.vectors
        norms[rows] = part.norms
    places = np.concatenate([part.places + low for part, low in zip(parts, first, strict=False)])
    return Prepared(vectors=vectors, starts=starts, places=places[order], norms=norms)


def _begin(sizes: np.ndarray) -> np.ndarray:
    """(n+1,) running total of sizes, from 0."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def measure(
    case: WholeSet | None = None,
    *,
    threads: int | None = None,
    passes: int = 2,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the whole set in both directions.

    Returns:
        For each direction the seconds of every pass, whether all passes gave the same numbers,
        nanoseconds a pair; and the bytes that scoring added to the prepared inputs at its peak.
    """
    case = case or WholeSet()
    images, captions = inputs(case)
    tree: dict[str, Any] = {"case": case._asdict(), "threads": thread_count(threads)}

    def both() -> None:
        for direction in DIRECTIONS:
            tree[direction] = _direction(images, captions, direction, threads, passes, progress)

    tree["bytes_added"] = peak_added(both)
    return tree


def _direction(
    images: Prepared,
    captions: Prepared,
    direction: Direction,
    threads: int | None,
    passes: int,
    progress: Progress | None,
) -> dict[str, Any]:
    scoring, engine = Scoring(direction=direction), chosen("scores").engine
    seconds, same = [], True
    first = np.empty((0, 0), np.float32)
    for number in range(passes):
        started = time.perf_counter()
        scores = score(images, captions, scoring, engine=engine, threads=threads, progress=progress)
        seconds.append(time.perf_counter() - started)
        first, same = (
            (scores, True) if number == 0 else (first, same and np.array_equal(scores, first))
        )
    pairs = len(images) * len(captions)
    return {
        "seconds": seconds,
        "passes_identical": same,
        "nanoseconds_a_pair": 1e9 * min(seconds) / pairs,
    }


def _batches(count: int) -> list[int]:
    return [min(_BATCH, count - begin) for begin in range(0, count, _BATCH)]


def show(done: int, total: int) -> None:
    if done == total or done % max(1, total // 100) == 0:
        end = "\n" if done == total else ""
        print(f"\r{100 * done / total:5.1f} %", end=end, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of each side of the set")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=thread_count(None))
    asked = parser.parse_args()
    full = WholeSet()
    case = full._replace(
        images=round(full.images * asked.share), captions=round(full.captions * asked.share)
    )
    tree = measure(case, threads=asked.threads, passes=asked.passes, progress=show)
    print(json.dumps({"machine": describe(), **tree}, indent=2))


if __name__ == "__main__":
    main()

"""What labels of regions cost beside reading and extracting photos, in processor time.

    python benchmarks/labels.py [MODEL] [--photos 64] [--most 15]

Drawn photos of 500 x 375 are read and extracted, and their regions embedded with labels and
without, in turns, 16 photos at a time. Exit code 1 if labels take more than so many per cent of
what reading and extracting take.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rates import photo_like

import regard
from regard.core.padding import pad
from regard.kernels import set_threads
from regard.model.encoders import RegionEncoder
from regard.photos.decode import read_photo
from regard.regions.extractor import Extractor
from regard.store.shards import Regions

BATCH = 16


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def _extract(extractor: Extractor, paths: list[Path]) -> list[Regions]:
    return [extractor(read_photo(path, extractor.short_side)) for path in paths]


def measure(name: str, photos: int) -> dict[str, float]:
    """Milliseconds a photo: medians over batches."""
    set_threads(1)
    model = regard.load(name)
    if model.labels is None:
        sys.exit(f"{name} has no labels; name a model that has.")
    extractor = model.extractor
    ways = {
        "embedding": RegionEncoder(model.weights),
        "embedding_with_labels": RegionEncoder(model.weights, model.labels),
    }
    spent: dict[str, list[float]] = {"extraction": [], **{way: [] for way in ways}}
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, photos + BATCH, BATCH):
            paths = [Path(folder) / f"{first + n}.jpg" for n in range(BATCH)]
            for seed, path in enumerate(paths):
                photo_like(first + seed).save(path, quality=90)
            seconds, regions = _seconds(partial(_extract, extractor, paths))
            features, _ = pad([one.vectors for one in regions])
            took = {"extraction": seconds}
            for way, encoder in ways.items():
                took[way] = _seconds(partial(encoder.labelled, features))[0]
            if first:  # the first batch warms up
                for what, value in took.items():
                    spent[what].append(value)
    figures = {f"{w}_ms": 1e3 * statistics.median(v) / BATCH for w, v in spent.items()}
    labels = figures["embedding_with_labels_ms"] - figures["embedding_ms"]
    share = 100 * labels / figures["extraction_ms"]
    return {**figures, "labels_ms": labels, "per_cent_of_extraction": share}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="flickr8k")
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--most", type=float, default=15.0)
    asked = parser.parse_args()
    figures = measure(asked.model, asked.photos)
    for what, value in figures.items():
        print(f"{what:24} {value:8.2f}")
    sys.exit(figures["per_cent_of_extraction"] > asked.most)


if __name__ == "__main__":
    main()

"""An index of photos that do not exist, for timings that do not depend on what vectors say.

    python benchmarks/drawn_index.py FOLDER PHOTOS

Vectors are unit vectors around a few hundred centres.
"""

import random
import sys
from pathlib import Path

import numpy as np

from regard.indexing import open_for_writing
from regard.model.model import Model, load
from regard.regions.pyramid import pyramid_boxes
from regard.search.catalog import FileRow
from regard.store.region_store import Regions

SHARD = 2048
SIZE = (640, 480)


def draw_photos(model: Model, count: int, seed: int) -> list[Regions]:
    """Regions of photos that do not exist."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(300, model.dim)).astype(np.float32)
    boxes = pyramid_boxes() * np.array([*SIZE, *SIZE], np.float32)
    photos = []
    for _ in range(count):
        near = centres[generator.integers(300)]
        vectors = near + 1.5 * generator.normal(size=(36, model.dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        photos.append(Regions(vectors, boxes, np.ones(36, np.float32), *SIZE))
    return photos


def add_photos(folder: Path, model: Model, count: int, seed: int) -> None:
    """Commit drawn photos to an index, made where there is none."""
    with open_for_writing(folder, model) as (store, catalog):
        for start in range(0, count, SHARD):
            part = draw_photos(model, min(SHARD, count - start), seed + start)
            keys = [
                random.Random(f"{seed}-{start}-{row}").randbytes(32).hex()
                for row in range(len(part))
            ]
            rows = [FileRow(f"/photos/{seed}/{key[:12]}.jpg", 1, 1, key) for key in keys]
            with store.transaction():
                store.append(zip(keys, part, strict=True))
                catalog.put(rows)
                catalog.put_folder("/photos", [])


if __name__ == "__main__":
    add_photos(Path(sys.argv[1]), load(), int(sys.argv[2]), 0)

"""Region stores filled with random photos, and their similarities by hand."""

import numpy as np

from regard.core.attention import similarity
from regard.store.region_store import Regions

DIM = 24


def unit(generator, *shape):
    vectors = generator.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def fill(store, generator, names, near=None):
    """Photos of 1 to 9 regions; with `near`, all but equal to one another."""
    items = []
    for name in names:
        count = int(generator.integers(1, 10))
        vectors = unit(generator, count, DIM)
        if near is not None:
            vectors = near + 0.01 * vectors[:1].repeat(len(near), 0)
        count = len(vectors)
        boxes, scores = np.zeros((count, 4), np.float32), np.ones(count, np.float32)
        items.append((name, Regions(vectors, boxes, scores, 10, 10)))
    store.append(items)


def by_hand(store, keys, queries, scoring):
    """Weighted means of similarities, in float64; photos of as many regions at a time."""
    vectors = [np.asarray(store[key].vectors, np.float64) for key in keys]
    counts, values = np.array([len(regions) for regions in vectors]), np.zeros(len(keys))
    for count in set(counts.tolist()):
        rows = np.flatnonzero(counts == count)
        regions = np.stack([vectors[row] for row in rows])
        for weight, words in queries:
            sides = regions, words[None].astype(np.float64)
            masks = [np.ones(side.shape[:2], bool) for side in sides]
            values[rows] += weight * similarity(*sides, *masks, scoring)[:, 0]
    return values / sum(abs(weight) for weight, _ in queries)


def queries(generator):
    return [(1.0, unit(generator, 4, DIM)), (-0.5, unit(generator, 3, DIM))]

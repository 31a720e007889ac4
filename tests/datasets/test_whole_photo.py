"""Only the widest region of every photo is left."""

import numpy as np

from regard.datasets.captions import Captions
from regard.datasets.dataset import StoreDataset
from regard.datasets.whole_photo import WholePhotos
from regard.store.region_store import Regions, RegionStore


def test_widest_region(tmp_path):
    store = RegionStore(tmp_path / "store", "test", 4, writable=True)
    boxes = np.array([[0, 0, 5, 5], [0, 0, 10, 8], [2, 2, 9, 9]], np.float32)
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    regions = Regions(vectors, boxes, np.ones(3, np.float32), 10, 8)
    turned = Regions(vectors[::-1], boxes[::-1], np.ones(3, np.float32), 10, 8)
    store.append([("a.jpg", regions), ("b.jpg", turned)])
    whole = WholePhotos(StoreDataset(Captions.of({"a.jpg": ["one"], "b.jpg": ["two"]}), store))
    features, counts = whole.gather([0, 1, 1])
    assert features.tolist() == [[[4, 5, 6, 7]]] * 3
    assert counts.tolist() == [1, 1, 1]
    assert (whole.feature_dim, whole.producer) == (4, "test")

"""Fingerprints differ where data sets do."""

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.datasets.fingerprint import fingerprint


class Photos:
    feature_dim, skipped = 4, None

    def __init__(self, producer="maker", sentence="a dog", photos=3, seed=0, changed=None):
        self.producer = producer
        sentences = {f"{n}.jpg": [f"photo {n}", sentence] for n in range(photos)}
        self.captions = Captions.of(sentences)
        self._features = np.random.default_rng(seed).random((photos, 5, 4), np.float32)
        if changed is not None:
            self._features[changed, 2] += 1

    def gather(self, rows):
        counts = np.array([2 + row % 3 for row in rows])
        return self._features[np.asarray(rows), : counts.max()], counts


def test_the_same_data_have_the_same():
    assert fingerprint(Photos()) == fingerprint(Photos())


@pytest.mark.parametrize(
    "other",
    [{"producer": "another"}, {"sentence": "a cat"}, {"photos": 4}, {"seed": 1}, {"changed": 1}],
)
def test_other_data_have_another(other):
    assert fingerprint(Photos(**other)) != fingerprint(Photos())


def test_of_many_photos_some_are_looked_at():
    looked = []
    photos = Photos(photos=1000)
    gather = photos.gather
    photos.gather = lambda rows: looked.extend(rows) or gather(rows)
    fingerprint(photos)
    assert len(set(looked)) == 256
    assert (looked[0], looked[-1]) == (0, 999)

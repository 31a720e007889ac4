"""A model with a taste for a length, made so, and captions of photos that show them."""

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.evaluation.calibration.lengths import length_trend
from regard.model.encoded import EncodedCaptions


class Split:
    """Ten photos, three captions each, of four to twelve words."""

    captions = Captions.of(
        {
            f"{n}.jpg": [" ".join(["word"] * (4 + (3 * n + m) % 9)) for m in range(3)]
            for n in range(10)
        }
    )

    def gather(self, rows):
        return np.asarray(rows, np.float32)[:, None, None], np.ones(len(rows), np.int64)


class Taste:
    """Likes short sentences, and a photo's own captions above all."""

    def __init__(self, split, slope):
        self.split, self.slope = split, slope

    def encode_features(self, features, _counts):
        return features

    def encode_captions(self, sentences):
        lengths = np.array([len(s.split()) + 2 for s in sentences])
        real = np.arange(lengths.max()) < lengths[:, None]
        return EncodedCaptions(real[..., None].astype(np.float32), lengths, ())

    def similarity(self, images, captions):
        return 0.2 + self.slope * np.log(captions.lengths) + np.zeros((len(images.vectors), 1))


class OwnFirst(Taste):
    """Gives long captions' own photos more, which is not to count."""

    asked = 0

    def similarity(self, images, captions):
        similarities = super().similarity(images, captions)
        numbers = images.vectors[:, 0, 0].astype(int)
        order = np.random.default_rng(0)
        order.permutation(10)
        rows = order.permutation(30)[self.asked : self.asked + len(captions.lengths)]
        self.asked += len(rows)
        own = numbers[:, None] == self.split.captions.photo_of_caption[rows]
        return similarities + own * np.log(captions.lengths)


@pytest.mark.parametrize("kind", [Taste, OwnFirst])
@pytest.mark.parametrize("slope", [-0.05, 0.03])
def test_the_slope_is_found_again(kind, slope, monkeypatch):
    monkeypatch.setattr("regard.evaluation.calibration.lengths._AT_ONCE", 7)
    trend = length_trend(kind(Split(), slope), Split())
    assert trend.slope == pytest.approx(slope, abs=1e-6)
    assert np.exp([trend.shortest, trend.longest]) == pytest.approx([6, 14], rel=0.05)

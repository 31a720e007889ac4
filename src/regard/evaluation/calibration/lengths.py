"""Whether a model has a taste for short or for long sentences, measured on photos not theirs."""

import numpy as np

from regard.datasets.dataset import Dataset
from regard.evaluation.similarity import score_tile
from regard.model.background import Trend, fit_trend
from regard.model.model import Model

_PHOTOS, _CAPTIONS = 1000, 2000  # at most
_AT_ONCE = 250


def length_trend(model: Model, dataset: Dataset, seed: int = 0) -> Trend:
    """Of the similarities the model gives photos and captions drawn at random.

    Args:
        model: with a background that knows no trend yet.
    """
    generator = np.random.default_rng(seed)
    owner = dataset.captions.photo_of_caption
    photos = generator.permutation(len(dataset.captions.photos))[:_PHOTOS]
    drawn = generator.permutation(len(owner))[:_CAPTIONS]
    features, counts = dataset.gather(photos)
    vectors = model.encode_features(features, counts)
    tiles, lengths = [], []
    for start in range(0, len(drawn), _AT_ONCE):
        sentences = [dataset.captions.sentences[row] for row in drawn[start : start + _AT_ONCE]]
        encoded = model.encode_captions(sentences)
        tiles.append(score_tile(model, vectors, counts, encoded))
        lengths.append(encoded.counted)
    similarities = np.concatenate(tiles, 1)
    similarities[photos[:, None] == owner[drawn]] = np.nan
    return fit_trend(similarities, np.concatenate(lengths))

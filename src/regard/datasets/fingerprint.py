"""Telling data sets apart, so that what was made from one is not used for another."""

import hashlib
import json

import numpy as np

from regard.datasets.dataset import Dataset

_PHOTOS = 256


def fingerprint(dataset: Dataset) -> str:
    """Digest of a split: extractor, photos, sentences, and the features of up to 256 photos.

    Features alone tell two sets apart whose photos have the same names, as those of SCAN's folders
    have.
    """
    captions = dataset.captions
    about = [dataset.producer, list(captions.photos), list(captions.sentences)]
    digest = hashlib.sha256(json.dumps(about).encode())
    digest.update(np.asarray(captions.photo_of_caption, np.int64).tobytes())
    number = len(captions.photos)
    for row in np.linspace(0, number - 1, min(number, _PHOTOS)).astype(np.int64):
        features, counts = dataset.gather([int(row)])
        digest.update(np.ascontiguousarray(features[0, : counts[0]]).tobytes())
    return digest.hexdigest()

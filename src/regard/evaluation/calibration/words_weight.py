"""How much the words' own similarity should count beside that of wholes, for backbones."""

import numpy as np

from regard.core.metrics import retrieval
from regard.datasets.captions import Captions
from regard.shapes import Float

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
_LEAST = 0.5  # of rSum that must be gained on the other half, or words stay out


def fit_weight(
    wholes: Float[np.ndarray, "image cap"],
    words: Float[np.ndarray, "image cap"],
    captions: Captions,
) -> float:
    """The weight with which captions find photos best, and photos captions.

    It is chosen on every second photo and must hold on the others; else it is 0, and the ranking
    is the backbone's own.

    Args:
        wholes: similarities of whole photos with whole sentences.
        words: of regions and words.
    """
    owner = np.asarray(captions.photo_of_caption)

    def rsum(photos: Float[np.ndarray, " half"], weight: float) -> float:
        rows = np.flatnonzero(np.isin(owner, photos))
        place = np.searchsorted(photos, owner[rows])
        part = np.ix_(photos, rows)
        return float(retrieval(wholes[part] + weight * words[part], place).rsum)

    photos = np.arange(len(wholes))
    fitting, others = photos[::2], photos[1::2]
    if not len(others):
        return 0.0
    best = max(WEIGHTS, key=lambda weight: rsum(fitting, weight))
    gained = rsum(others, best) - rsum(others, 0.0)
    return best if gained >= _LEAST else 0.0

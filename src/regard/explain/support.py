"""Which words of many sentences a photo does not support, without the rest of an explanation."""

import numpy as np
from jaxtyping import Float

from regard.explain.numbers import UNSUPPORTED, word_support
from regard.model.encoded import EncodedCaptions
from regard.model.model import Model


def unsupported_words(
    model: Model, regions: Float[np.ndarray, "region dim"], captions: EncodedCaptions
) -> list[list[str]]:
    """Words of each sentence that no region supports, each once; empty without a curve.

    Args:
        regions: region vectors of one photo, without padding.
    """
    curve = model.judgement.word
    if curve is None:
        return [[] for _ in captions.words]
    largest = (captions.vectors @ regions.T).max(2)  # (cap, word)
    found = []
    for words, cosines in zip(captions.words, largest, strict=True):
        support = {
            w: word_support(w, float(c), curve) for w, c in zip(words, cosines, strict=False)
        }
        found.append([w for w, s in support.items() if s is not None and s < UNSUPPORTED])
    return found

"""Inputs of the measurements: random unit vectors and captions as long as Flickr30K's."""

import numpy as np
from jaxtyping import Float, Int

# how many of the 5,000 captions of Flickr30K's test split have 4, 5, 6, ... words, <start> and
# <end> included; the 18 longer than 41 are counted as 41
_FIRST = 4
_COUNTS = (
    *(2, 2, 10, 33, 113, 239, 338, 442, 443, 484, 441, 399, 384, 330, 269, 183, 175, 126, 94),
    *(87, 76, 67, 38, 32, 35, 27, 22, 24, 15, 11, 8, 13, 1, 1, 5, 4, 5, 20),
)


def caption_lengths(count: int) -> Int[np.ndarray, " cap"]:
    """Caption lengths spread as Flickr30K's, in random order, always the same."""
    shares = np.cumsum(_COUNTS) / sum(_COUNTS)
    even = np.searchsorted(shares, (np.arange(count) + 0.5) / count) + _FIRST
    return np.random.default_rng(0).permutation(even)


def unit_vectors(*shape: int, seed: int = 0) -> Float[np.ndarray, "*shape"]:
    """Random vectors of length 1."""
    vectors = np.random.default_rng(seed).standard_normal(shape, np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors

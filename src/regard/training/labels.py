"""The classes that regions are labelled with, for a network that learns."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regard.words.states import padded_states
from regard.words.tokens import tokenize

_PHRASE = "a photo of a"
_AT_ONCE = 256  # names read together


def states_of(names: Sequence[str]) -> Float[np.ndarray, "label state"]:
    """Mean state of each name's words, read as "a photo of a NAME"."""
    before, means = len(tokenize(_PHRASE)), []
    for start in range(0, len(names), _AT_ONCE):
        words = [tokenize(f"{_PHRASE} {name}") for name in names[start : start + _AT_ONCE]]
        for row, states in zip(words, padded_states(words), strict=True):
            means.append(states[1 + before : 1 + len(row)].mean(0))
    return np.stack(means)

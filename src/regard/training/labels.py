"""The classes that regions are labelled with, for a network that learns."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from regard.core.network import MatchingModel
from regard.errors import ConfigError
from regard.model.labels import LabelClasses
from regard.words.states import padded_states
from regard.words.tokens import tokenize

_PHRASE = "a photo of a"
_AT_ONCE = 256  # names read together


def install(network: MatchingModel, classes: LabelClasses) -> None:
    """Give a network the classes; its regions' mean and deviation must be set already.

    Raises:
        ConfigError: the classes are of other features.
    """
    regions = network.regions
    if regions.labels is None or classes.weight.shape[1] != len(regions.mean):
        raise ConfigError(
            f"labels are read off {classes.weight.shape[1]} features; the model has "
            f"{len(regions.mean)} and must have as many. Use the file made for its extractor."
        )
    weight = torch.from_numpy(classes.weight)
    bias = torch.from_numpy(classes.bias) + weight @ regions.mean
    regions.labels.classify(
        weight * regions.deviation, bias, torch.from_numpy(classes.states).float()
    )


def states_of(names: Sequence[str]) -> Float[np.ndarray, "label state"]:
    """Mean state of each name's words, read as "a photo of a NAME"."""
    before, means = len(tokenize(_PHRASE)), []
    for start in range(0, len(names), _AT_ONCE):
        words = [tokenize(f"{_PHRASE} {name}") for name in names[start : start + _AT_ONCE]]
        for row, states in zip(words, padded_states(words), strict=True):
            means.append(states[1 + before : 1 + len(row)].mean(0))
    return np.stack(means)

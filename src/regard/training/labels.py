"""A classifier of regions and the names of its classes: what a model may call its regions by.

The file holds a linear classifier on raw region features, its rows as int8 with a scale each, and
the classes' names. How the one for the shipped backbone is made: `making/labels.py`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regard.core.network import MatchingModel
from regard.errors import CheckpointError, ConfigError
from regard.store import tensor_files
from regard.store.int8 import from_int8, to_int8
from regard.words.states import padded_states
from regard.words.tokens import tokenize

_PHRASE = "a photo of a"
_AT_ONCE = 256  # names read together


class LabelClasses(NamedTuple):
    """A linear classifier of region features, and what its classes are called."""

    names: tuple[str, ...]
    weight: Float[np.ndarray, "label feature"]
    """Of raw features, as the extractor gives them."""
    bias: Float[np.ndarray, " label"]

    @property
    def digest(self) -> str:
        """Changes when a name or a number does."""
        parts = ("\n".join(self.names).encode(), self.weight.tobytes(), self.bias.tobytes())
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def save(self, path: Path) -> None:
        """Write the file whole."""
        coded = to_int8(self.weight)
        text = np.frombuffer("\n".join(self.names).encode(), np.uint8)
        held = {"codes": coded.codes, "scales": coded.scales, "bias": self.bias, "names": text}
        tensor_files.write(path, held)

    @classmethod
    def load(cls, path: Path) -> "LabelClasses":
        """Read the file.

        Raises:
            CheckpointError: it is missing or damaged.
        """

        def make(held: tensor_files.Arrays) -> "LabelClasses":
            names = tuple(held["names"].tobytes().decode().split("\n"))
            return cls(names, from_int8(held["codes"], held["scales"]), held["bias"])

        what, remedy = "classes of regions with their names", "Make it with making/labels.py."
        classes = tensor_files.read(path, make, what, remedy)
        if classes is None:
            raise CheckpointError(f"there is no file {path}; it must be {what}. {remedy}")
        return classes


@torch.no_grad()
def install(network: MatchingModel, classes: LabelClasses) -> None:
    """Give a network the classes; its regions' mean and deviation must be set already.

    Raises:
        ConfigError: the recipe asks for another number of labels or of features.
    """
    labels, regions = network.regions.labels, network.regions
    wanted = None if labels is None else tuple(labels.weight.shape)
    if labels is None or wanted != classes.weight.shape:
        raise ConfigError(
            f"the classes are {classes.weight.shape[0]} of {classes.weight.shape[1]} features; "
            f"model.labels and model.feature_dim ask for {wanted or 'none'}; they must be the "
            "same. Set model.labels, or name another file."
        )
    weight = torch.from_numpy(classes.weight)
    labels.weight.copy_(weight * regions.deviation)
    labels.bias.copy_(torch.from_numpy(classes.bias) + weight @ regions.mean)
    labels.states.copy_(states_of(classes.names))


def states_of(names: Sequence[str]) -> Float[Tensor, "label state"]:
    """Mean state of each name's words, read as "a photo of a NAME"."""
    before, parts = len(tokenize(_PHRASE)), []
    for start in range(0, len(names), _AT_ONCE):
        words = [tokenize(f"{_PHRASE} {name}") for name in names[start : start + _AT_ONCE]]
        for row, states in zip(words, padded_states(words), strict=True):
            parts.append(states[1 + before : 1 + len(row)].mean(0))
    return torch.from_numpy(np.stack(parts))

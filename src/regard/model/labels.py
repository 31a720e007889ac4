"""A classifier of regions and the names of its classes: what a model may call its regions by.

It belongs to the extractor whose features it reads; models on these features share it. How the one
for the shipped backbone is made: `making/label_classes.py`.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from regard.core.model_config import LIKELIEST
from regard.store import tensor_files
from regard.store.int8 import from_int8, to_int8

FILE = "labels.safetensors"


class LabelClasses(NamedTuple):
    """A linear classifier of region features, and what its classes are called."""

    names: tuple[str, ...]
    weight: Float[np.ndarray, "label feature"]
    """Of raw features, as the extractor gives them."""
    bias: Float[np.ndarray, " label"]
    states: Float[np.ndarray, "label state"]
    """What the sentence encoder knows of each name."""

    def likeliest(
        self, features: Float[np.ndarray, "row feature"]
    ) -> tuple[Int[np.ndarray, "row few"], Float[np.ndarray, "row few"]]:
        """The ten classes that regions are likeliest of, and how likely, best first."""
        logits = np.asarray(features, np.float32) @ self.weight.T
        logits += self.bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        few = min(LIKELIEST, powers.shape[1])
        which = np.argpartition(-powers, few - 1, 1)[:, :few]
        likely = np.take_along_axis(powers, which, 1) / powers.sum(1, keepdims=True)
        order = np.argsort(-likely, 1, kind="stable")
        return np.take_along_axis(which, order, 1), np.take_along_axis(likely, order, 1)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change when a name or a number does."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for part in (self.weight, self.bias, self.states):
            digest.update(np.ascontiguousarray(part, np.float32).data)
        return digest.hexdigest()[:16]

    def save(self, folder: Path) -> None:
        """Write the file: the classifier in int8 with a scale a class, states in float16."""
        coded = to_int8(self.weight)
        text = np.frombuffer("\n".join(self.names).encode(), np.uint8)
        held = {"codes": coded.codes, "scales": coded.scales, "bias": self.bias, "names": text}
        tensor_files.write(folder / FILE, {**held, "states": self.states.astype(np.float16)})

    @classmethod
    def load(cls, folder: Path) -> "LabelClasses | None":
        """Read the file; None where there is none.

        Raises:
            CheckpointError: it is damaged.
        """

        def make(held: tensor_files.Arrays) -> "LabelClasses":
            names = tuple(held["names"].tobytes().decode().split("\n"))
            weight = from_int8(held["codes"], held["scales"])
            return cls(names, weight, held["bias"], held["states"].astype(np.float32))

        remedy = "Restore it, or make it anew with making/label_classes.py."
        return tensor_files.read(folder / FILE, make, "classes of regions", remedy)

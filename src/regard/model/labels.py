"""A classifier of regions and the names of its classes: what a model may call its regions by.

It belongs to the extractor whose features it reads; models on these features share it. How the one
for the shipped backbone is made: `making/label_classes.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from regard.core.model_config import LIKELIEST
from regard.shapes import Float, Int
from regard.store import tensor_files
from regard.store.int8 import Coded, from_int8, to_int8

FILE = "labels.safetensors"


@dataclass(frozen=True, eq=False)
class LabelClasses:
    """A linear classifier of region features, and what its classes are called."""

    names: tuple[str, ...]
    coded: Coded
    """The classifier in int8, a row for each class; it reads raw features."""
    bias: Float[np.ndarray, " label"]
    states: Float[np.ndarray, "label state"]
    """What the sentence encoder knows of each name, float16."""

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        weight: Float[np.ndarray, "label feature"],
        bias: Float[np.ndarray, " label"],
        states: Float[np.ndarray, "label state"],
    ) -> "LabelClasses":
        """From numbers of any precision, as they are kept on disk."""
        kept = bias.astype(np.float32), states.astype(np.float16)
        return cls(tuple(names), to_int8(weight), *kept)

    @cached_property
    def weight(self) -> Float[np.ndarray, "label feature"]:
        """The classifier in float32."""
        return from_int8(*self.coded)

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
        for part in (*self.coded, self.bias, self.states):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:16]

    def save(self, folder: Path) -> None:
        """Write the file."""
        text = np.frombuffer("\n".join(self.names).encode(), np.uint8)
        held = {**self.coded._asdict(), "bias": self.bias, "states": self.states, "names": text}
        tensor_files.write(folder / FILE, held)

    @classmethod
    def load(cls, folder: Path) -> "LabelClasses | None":
        """Read the file; None where there is none.

        Raises:
            CheckpointError: it is damaged.
        """

        def make(held: tensor_files.Arrays) -> "LabelClasses":
            names = tuple(held["names"].tobytes().decode().split("\n"))
            return cls(names, Coded(held["codes"], held["scales"]), held["bias"], held["states"])

        remedy = "Restore it, or make it anew with making/label_classes.py."
        return tensor_files.read(folder / FILE, make, "classes of regions", remedy)

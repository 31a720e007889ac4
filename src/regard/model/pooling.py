"""Learned pooling without a framework: the same numbers as `core.pooling`, in numpy."""

import numpy as np

from regard.core.padding import PLACE_CODE, place_codes
from regard.core.scoring import EPS, GPO_TEMPERATURE
from regard.model import recurrence
from regard.model.recurrence import ENDS, Reader, Weights, floats
from regard.shapes import Float, Int


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a pooler."""
    gru = recurrence.shapes(f"{name}.rnn", PLACE_CODE, PLACE_CODE, both=True)
    return {**gru, f"{name}.linear.weight": (1, PLACE_CODE)}


def pooler_of(weights: Weights, name: str) -> "Pooler | None":
    """The pooler of that name, if a model has it."""
    return Pooler(weights, name) if f"{name}.linear.weight" in weights else None


class Pooler:
    """Vectors of photos or captions to their parts in one vector of length 1."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._readers = [Reader(weights, f"{name}.rnn", end) for end in ENDS]
        self._linear = floats(weights[f"{name}.linear.weight"][0])
        self._known: dict[int, Float[np.ndarray, " place"]] = {}

    def __call__(
        self, vectors: Float[np.ndarray, "item place dim"], counts: Int[np.ndarray, " item"]
    ) -> Float[np.ndarray, "item place dim"]:
        """Make vectors their parts, in place; zeros past each item's count."""
        for item, count in zip(vectors, np.asarray(counts).tolist(), strict=True):
            item[count:] = 0
            real = item[:count]
            order = np.argsort(-real, axis=0, kind="stable")
            weights = np.empty_like(real)
            np.put_along_axis(weights, order, self._weights(count)[:, None], axis=0)
            real *= weights
            real /= max(float(np.linalg.norm(real.sum(0))), EPS)
        return vectors

    def _weights(self, count: int) -> Float[np.ndarray, " place"]:
        """Theta of so many vectors, kept once it is worked out."""
        if count not in self._known:
            codes, places = place_codes(count), np.arange(count)[:, None]
            alive, read = np.ones(count, np.int64), np.zeros((count, PLACE_CODE), np.float32)
            for reader, order in zip(self._readers, (places, places[::-1]), strict=True):
                for place, state in zip(order[:, 0], reader.read(codes, order, alive), strict=True):
                    read[place] += state[0] / 2
            logits = read @ self._linear / np.float32(GPO_TEMPERATURE)
            powers = np.exp(logits - logits.max(initial=-np.inf))
            self._known[count] = powers / powers.sum()
        return self._known[count]

"""A GRU in numpy, without a framework: what reads captions, and places in learned pooling."""

from collections.abc import Iterator, Mapping

import numpy as np

from regard.core.padding import some_of
from regard.shapes import Float, Int

Weights = Mapping[str, np.ndarray]
ENDS = ("", "_reverse")
"""What names of weights end in, by the way a GRU reads."""
ROWS = 512  # vectors worked on at a time: their temporaries stay in the caches
_GATE_ROWS = 32  # captions whose gates are worked out at a time, likewise
GRU = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def shapes(name: str, inputs: int, dim: int, *, both: bool) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a GRU."""
    found: dict[str, tuple[int, ...]] = {}
    for suffix in ENDS[: 1 + both]:
        sizes = ((3 * dim, inputs), (3 * dim, dim), (3 * dim,), (3 * dim,))
        found |= {f"{name}.{part}{suffix}": size for part, size in zip(GRU, sizes, strict=True)}
    return found


class Reader:
    """A GRU that reads captions one way.

    Args:
        name: of the GRU among the weights.
        suffix: what the names of this way's weights end in, one of `ENDS`.
    """

    def __init__(self, weights: Weights, name: str, suffix: str) -> None:
        inputs, hidden, bias, hidden_bias = (floats(weights[f"{name}.{n}{suffix}"]) for n in GRU)
        self.dim = hidden.shape[1]
        self._inputs, self._hidden = inputs.T, hidden.T
        self._bias, self._new_bias = bias, hidden_bias[2 * self.dim :]
        self._bias[: 2 * self.dim] += hidden_bias[: 2 * self.dim]

    def read(
        self,
        inputs: Float[np.ndarray, "different word_dim"],
        words: Int[np.ndarray, "step cap"],
        alive: Int[np.ndarray, " step"],
    ) -> Iterator[Float[np.ndarray, "going dim"]]:
        """States of the captions that go on, after each step; overwritten by the next.

        Args:
            inputs: vectors of the different words.
            words: rows of `inputs` that the captions meet, longest caption first.
            alive: how many captions go on at each step.
        """
        met = inputs @ self._inputs
        met += self._bias
        hidden = np.zeros((words.shape[1], self.dim), np.float32)
        gates = np.zeros((words.shape[1], 3 * self.dim), np.float32)
        for step, count in enumerate(alive.tolist()):
            if step:  # before it there is nothing to remember
                np.matmul(hidden[:count], self._hidden, out=gates[:count])
            for part in some_of(count, _GATE_ROWS):
                self._remember(met[words[step, part]], gates[part], hidden[part])
            yield hidden[:count]

    def _remember(
        self,
        met: Float[np.ndarray, "cap gates"],
        gates: Float[np.ndarray, "cap gates"],
        hidden: Float[np.ndarray, "cap dim"],
    ) -> None:
        """Change the states by what was met and, in `gates`, by what they were."""
        reset, update, new = (gates[:, n * self.dim : (n + 1) * self.dim] for n in range(3))
        both = gates[:, : 2 * self.dim]
        both += met[:, : 2 * self.dim]
        both *= np.float32(0.5)  # 1 / (1 + exp(-x)) = (tanh(x / 2) + 1) / 2
        np.tanh(both, out=both)
        both += 1
        both *= np.float32(0.5)
        new += self._new_bias
        new *= reset
        new += met[:, 2 * self.dim :]
        np.tanh(new, out=new)
        hidden -= new
        hidden *= update
        hidden += new


def floats(values: np.ndarray) -> Float[np.ndarray, "..."]:
    """A copy in float32."""
    return np.array(values, np.float32)

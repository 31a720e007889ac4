"""A tuned transformer of captions without a framework: the numbers of `core.transformer`."""

from dataclasses import asdict

import numpy as np

from regard.core.attention import l2norm
from regard.core.model_config import TextConfig
from regard.model.pooling import pooler_of
from regard.model.recurrence import Weights, floats
from regard.shapes import Bool, Float, Int
from regard.words import bert
from regard.words.encoder import SentenceEncoder

_PREFIX = "words.bert."


def shapes(text: TextConfig, dim: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of the encoder of words."""
    sizes = {name: size for name, size in asdict(text).items() if name in _SIZES}
    found = {f"{_PREFIX}{name}": shape for name, shape in bert.shapes(**sizes).items()}
    return found | {"words.linear.weight": (dim, text.dim), "words.linear.bias": (dim,)}


_SIZES = ("dim", "layers", "inner", "pieces", "places", "kinds")


class TransformerEncoder:
    """Pieces of captions to unit vectors, one a word."""

    def __init__(self, weights: Weights, heads: int) -> None:
        own = {
            name.removeprefix(_PREFIX): floats(value)
            for name, value in weights.items()
            if name.startswith(_PREFIX)
        }
        self._bert = SentenceEncoder(bert.light(own), heads)
        self._linear, self._bias = (
            floats(weights[f"words.linear.{n}"]) for n in ("weight", "bias")
        )
        self._pooler = pooler_of(weights, "words.pooler")

    def __call__(
        self,
        word_ids: Int[np.ndarray, "cap word"],
        lengths: Int[np.ndarray, " cap"],
        states: Int[np.ndarray, "cap piece 2"],
        naming: Bool[np.ndarray, "cap word"] | None = None,  # noqa: ARG002 - as other encoders
    ) -> Float[np.ndarray, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros."""
        ids, of_word = states[..., 0], states[..., 1]
        real = of_word >= 0
        read = self._bert(ids[real], real.sum(1))
        place = (np.arange(len(ids))[:, None] * word_ids.shape[1] + of_word)[real]
        first = np.flatnonzero(np.diff(place, prepend=-1))  # a word's pieces are neighbours
        counts = np.diff(first, append=len(place)).astype(np.float32)
        embedded = np.add.reduceat(read, first) / counts[:, None] @ self._linear.T + self._bias
        out = np.zeros((word_ids.size, len(self._bias)), np.float32)
        out[place[first]] = embedded
        vectors = out.reshape(*word_ids.shape, -1)
        if self._pooler is not None:
            return self._pooler(vectors, lengths)
        unit: np.ndarray = l2norm(vectors, dim=-1)
        return unit

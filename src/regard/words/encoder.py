"""The sentence encoder in numpy: BERT's layers (Devlin et al. 2019), six of them in MiniLM's.

That one, all-MiniLM-L6-v2 (Wang et al. 2020), ships; `making/sentence_encoder.py` holds the same
network in torch and makes the file. Sentences lie one after the other in one array, so nothing is
padded, and what a sentence gets does not depend on the others. Knows numbers of pieces only.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from regard.shapes import Float, Int

DIM, LAYERS, HEADS, INNER = 384, 6, 12, 1536
GROUP = 48  # numbers of a piece that share a scale
MOST_PIECES = 512  # places the encoder has, those of [CLS] and [SEP] included
_SLICE = 256  # rows whose inner layer stays in the processor's cache
# GELU is x times the normal distribution function, here the logistic function of a polynomial
# in x, x**3, ..., x**9; never further from it than 4e-6.
_GELU = np.array([-1.5956563, -0.072937581, 2.497226e-4, 6.116215e-5, -2.2381726e-6], np.float32)


class _Linear(NamedTuple):
    weight: Float[np.ndarray, "into out"]
    bias: Float[np.ndarray, " out"]

    def __call__(self, x: Float[np.ndarray, "row into"]) -> Float[np.ndarray, "row out"]:
        y: Float[np.ndarray, "row out"] = x @ self.weight
        y += self.bias
        return y


class _Norm(NamedTuple):
    weight: Float[np.ndarray, " dim"]
    bias: Float[np.ndarray, " dim"]

    def __call__(self, x: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
        """Layer normalisation, in place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("rd,rd->r", x, x) / np.float32(x.shape[1])
        x *= (1 / np.sqrt(variance + np.float32(1e-12)))[:, None]
        x *= self.weight
        x += self.bias
        return x


class _Layer(NamedTuple):
    attend: _Linear
    """Queries, keys and values side by side."""
    mix: _Linear
    attended: _Norm
    widen: _Linear
    narrow: _Linear
    widened: _Norm


class SentenceEncoder:
    """BERT's encoder: embeddings, then layers normalised after each residual.

    Args:
        file: weights by the names of `words.bert.light`; matrices of layers as they are or, as
            `making/sentence_encoder.py` codes them, codes with a scale, and so the table of pieces.

    Raises:
        KeyError: a weight is missing.
    """

    def __init__(self, file: Mapping[str, np.ndarray], heads: int = HEADS) -> None:
        coded = "pieces.codes" in file
        self._pieces = file["pieces.codes" if coded else "pieces"]
        self._scales = file["pieces.scale"].astype(np.float32) if coded else None
        self._places, self._heads = file["places"], heads
        self._norm = _Norm(file["norm.weight"], file["norm.bias"])
        layers = {name.split(".")[1] for name in file if name.startswith("layers.")}
        self._layers = [_layer(file, f"layers.{number}") for number in range(len(layers))]

    def __call__(
        self, ids: Int[np.ndarray, " piece"], lengths: Int[np.ndarray, " cap"]
    ) -> Float[np.ndarray, "piece dim"]:
        """States of the pieces of some sentences, float32.

        Args:
            ids: numbers of pieces, sentence after sentence, [CLS] and [SEP] included.
            lengths: pieces of each, at most as many as there are places; sentences of one length
                side by side are quickest.
        """
        starts = np.repeat(lengths.cumsum() - lengths, lengths)
        x: Float[np.ndarray, "piece dim"] = self._pieces[ids]
        if self._scales is not None:
            x = x * self._scales[ids].repeat(GROUP, axis=1)
        x += self._places[np.arange(len(ids)) - starts]
        self._norm(x)
        for layer in self._layers:
            y = layer.mix(_attention(layer.attend(x), lengths, self._heads))
            y += x
            layer.attended(y)
            for start in range(0, len(y), _SLICE):
                rows = slice(start, start + _SLICE)
                x[rows] = layer.narrow(_gelu(layer.widen(y[rows])))
            x += y
            layer.widened(x)
        return x


def _attention(
    joined: Float[np.ndarray, "piece 3*dim"], lengths: Int[np.ndarray, " cap"], heads: int
) -> Float[np.ndarray, "piece dim"]:
    """What the heads gather within each sentence; neighbours of one length go together."""
    each = joined.shape[1] // 3 // heads
    out = np.empty((len(joined), heads * each), np.float32)
    start, first = 0, 0
    for past in [*(np.flatnonzero(np.diff(lengths)) + 1), len(lengths)]:
        count, length = past - first, lengths[first]
        rows = slice(start, start + count * length)
        sides = joined[rows].reshape(count, length, 3, heads, each)
        query, key, value = sides.transpose(2, 0, 3, 1, 4)  # (C, H, P, D/H)
        weights = query @ key.swapaxes(2, 3)  # (C, H, P, P)
        weights *= np.float32(each**-0.5)
        weights -= weights.max(axis=3, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=3, keepdims=True)
        gathered = out[rows].reshape(count, length, heads, each)
        gathered[:] = (weights @ value).swapaxes(1, 2)
        start, first = rows.stop, past
    return out


def _gelu(x: Float[np.ndarray, "row inner"]) -> Float[np.ndarray, "row inner"]:
    """Multiply x by the normal distribution function of x, in place."""
    square = x * x
    exponent = square * _GELU[4]
    for factor in _GELU[3:0:-1]:
        exponent += factor
        exponent *= square
    exponent += _GELU[0]
    exponent *= x
    with np.errstate(over="ignore"):  # far below zero: x / infinity is the right zero
        np.exp(exponent, out=exponent)
    exponent += 1
    x /= exponent
    return x


def _layer(file: Mapping[str, np.ndarray], name: str) -> _Layer:
    def linear(part: str) -> _Linear:
        if f"{name}.{part}.weight" in file:
            return _Linear(file[f"{name}.{part}.weight"], file[f"{name}.{part}.bias"])
        codes, scale = file[f"{name}.{part}.codes"], file[f"{name}.{part}.scale"]
        return _Linear(codes * scale, file[f"{name}.{part}.bias"])

    def norm(part: str) -> _Norm:
        return _Norm(file[f"{name}.{part}.weight"], file[f"{name}.{part}.bias"])

    return _Layer(
        linear("attend"),
        linear("mix"),
        norm("attended"),
        linear("widen"),
        linear("narrow"),
        norm("widened"),
    )

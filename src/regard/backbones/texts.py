"""Texts to numbers for a network, and vectors of texts that are read by themselves.

Knows tokenizers of transformers; knows nothing of photos.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_AT_ONCE = 64  # texts read together
_KEPT = 50_000  # words whose vectors are remembered

Reader = Callable[[Tensor], Tensor]
"""From padded pieces (text, piece) to vectors (text, dim)."""


def pieces_of(
    tokenizer: Any, texts: Sequence[str], length: int, *, fill: bool
) -> Int[np.ndarray, "text piece"]:
    """Numbers of the pieces of texts, padded on the right.

    Args:
        length: most pieces of a text; what is beyond is cut off, the text's end mark kept.
        fill: pad every text to that many, not only to the longest.
    """
    encoded = tokenizer(
        list(texts),
        padding="max_length" if fill else "longest",
        max_length=length,
        truncation=True,
        padding_side="right",
    )
    return np.array(encoded["input_ids"], np.int64)


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length one."""
    return torch.nn.functional.normalize(vectors, dim=-1)


class WordReader:
    """Vectors of texts, each read by itself; those of words are remembered.

    Args:
        read: gives vectors of a few texts.
        dim: their numbers.
    """

    def __init__(self, read: Callable[[Sequence[str]], Tensor], dim: int) -> None:
        self._read, self._dim = read, dim
        self._kept: dict[str, Float[np.ndarray, " dim"]] = {}

    def texts(self, texts: Sequence[str]) -> Float[np.ndarray, "text dim"]:
        """Unit vectors of texts."""
        parts = [
            unit(self._read(texts[start : start + _AT_ONCE])).cpu().numpy()
            for start in range(0, len(texts), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self._dim), np.float32)

    def words(self, words: Sequence[str]) -> Float[np.ndarray, "word dim"]:
        """Unit vectors of words, each of which is read once."""
        unread = list(dict.fromkeys(word for word in words if word not in self._kept))
        if len(self._kept) + len(unread) > _KEPT:
            self._kept.clear()
            unread = list(dict.fromkeys(words))
        self._kept.update(zip(unread, self.texts(unread), strict=True))
        return np.stack([self._kept[word] for word in words])

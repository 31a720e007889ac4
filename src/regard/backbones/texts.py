"""Texts to numbers for a network, and vectors of texts that are read by themselves.

Knows tokenizers of transformers; knows nothing of photos.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.backbones.protocol import Heard
from regard.shapes import Float, Int

_AT_ONCE = 64  # texts read together
_KEPT = 50_000  # words whose vectors are remembered


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
    """Vectors of length one, in float32 whatever they were."""
    return torch.nn.functional.normalize(vectors.float(), dim=-1)


class WordReader:
    """Vectors of texts, each read by itself by a network; those of words are remembered.

    Args:
        network: with `get_text_features`, in evaluation mode.
        tokenizer: its own.
        dim: numbers of a vector.
        fill: whether the network was trained on texts padded to its full length, and no mask.
    """

    def __init__(self, network: Any, tokenizer: Any, dim: int, *, fill: bool) -> None:
        self._network, self._tokenizer, self._dim, self._fill = network, tokenizer, dim, fill
        self._kept: dict[str, Float[np.ndarray, " dim"]] = {}

    def hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        """Read sentences whole, and their words one by one; words have no weights."""
        whole = self.texts([text.lower() for text in texts])
        return [
            Heard(vector, self.words(words), np.zeros(len(words), np.float32))
            for vector, words in zip(whole, sentences, strict=True)
        ]

    @torch.inference_mode()
    def _read(self, texts: Sequence[str]) -> Tensor:
        most = self._network.config.text_config.max_position_embeddings
        pieces = torch.from_numpy(pieces_of(self._tokenizer, texts, most, fill=self._fill))
        features: Tensor = self._network.get_text_features(
            input_ids=pieces.to(self._network.device)
        ).pooler_output
        return features

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

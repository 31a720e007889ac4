"""TIPSv2: patches that speak the language of its sentences.

A patch's vector comes by the value path: in the last block attention is replaced by its values,
so that a patch says what is in its own place. A window's is the mean over its patches. The
sentence's vector is the mean of its pieces' states, so a sentence is made of its words exactly.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from regard.backbones.pixels import Processing, read_processing
from regard.backbones.protocol import Heard, Seen
from regard.backbones.texts import unit
from regard.backbones.words import word_of_piece, word_spans
from regard.core.padding import some_of
from regard.shapes import Bool, Float

ClassToken = Literal["alt", "synthetic"]
"""Of the two: taught by alternative texts of the web, or by captions that were written for it."""
_DEFAULT = Processing(side=448)
_AT_ONCE = 64  # sentences read together


class Tips:
    """A `Tipsv2Model` with its tokenizer.

    Args:
        network: the model, in evaluation mode.
        tokenizer: its own.
        processing: content of preprocessor_config.json, of which only sizes are looked at.
        token: which class token stands for a photo.
        by_values: take patches by the value path, rather than as the last block leaves them.
    """

    family = "tipsv2"
    is_made_of_words = True

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        processing: dict[str, Any],
        token: ClassToken = "alt",
        *,
        by_values: bool = True,
    ) -> None:
        vision = network.config.vision_config
        self._network, self._tokenizer = network, tokenizer
        self._token, self._by_values = int(token == "synthetic"), by_values
        self._before = 1 + int(vision.num_register_tokens)  # tokens that stand before patches
        self.dim = int(vision.hidden_size)
        self.side = int(vision.image_size)
        self.device = str(network.device)
        self.cells = self.side // int(vision.patch_size)
        self.sharpness = 1 / network.temperature.item()
        self.look = read_processing({**processing, "do_normalize": False}, self.side, _DEFAULT)

    @torch.inference_mode()
    def see(
        self,
        pixels: Float[np.ndarray, "photo 3 side side"],
        inside: Bool[np.ndarray, "region patch"],
    ) -> Seen:
        """See photos whole, and through windows."""
        tower = self._network.vision_model
        hidden = tower.embeddings(torch.from_numpy(pixels).to(self._network.device))
        for layer in tower.encoder.layer[:-1]:
            hidden = layer(hidden, None)
        last = tower.encoder.layer[-1]
        states = last(hidden, None)
        whole = tower.layernorm(states[:, self._token])
        if self._by_values:
            states = value_path(last, hidden)
        patches = unit(tower.layernorm(states[:, self._before :]))
        weights = torch.from_numpy(inside).to(patches)
        means = (weights / weights.sum(1, keepdim=True)) @ patches  # (photo, region, dim)
        return Seen(unit(whole).cpu().numpy(), unit(means).cpu().numpy())

    def hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        """Read sentences, and say how long each word is in them."""
        heard: list[Heard] = []
        for part in some_of(len(texts), _AT_ONCE):
            heard += self._hear(sentences[part], [text.lower() for text in texts[part]])
        return heard

    @torch.inference_mode()
    def _hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        encoded = self._tokenizer(
            list(texts),
            padding="longest",
            max_length=self._network.config.text_config.max_position_embeddings,
            truncation=True,
            padding_side="right",
            return_offsets_mapping=True,
            return_attention_mask=True,
        )
        pieces, mask = (
            torch.tensor(encoded[name], device=self._network.device)
            for name in ("input_ids", "attention_mask")
        )
        read = self._network.get_text_features(input_ids=pieces, attention_mask=mask)
        wholes, states = read.pooler_output.cpu().numpy(), read.last_hidden_state.cpu().numpy()
        heard = []
        for row, (words, text) in enumerate(zip(sentences, texts, strict=True)):
            count = sum(encoded["attention_mask"][row])
            spans = word_spans(words, text), encoded["offset_mapping"][row][:count]
            heard.append(_in_words(wholes[row], states[row, :count], word_of_piece(*spans), words))
        return heard


def value_path(layer: Any, hidden: Tensor) -> Tensor:
    """A block with each token's attention replaced by its own value."""
    values = layer.attention.o_proj(layer.attention.v_proj(layer.norm1(hidden)))
    hidden = hidden + layer.layer_scale1(values)
    result: Tensor = hidden + layer.layer_scale2(layer.mlp(layer.norm2(hidden)))
    return result


def _in_words(
    whole: Float[np.ndarray, " dim"],
    states: Float[np.ndarray, "piece dim"],
    owners: Any,
    words: Sequence[str],
) -> Heard:
    """A sentence's unit vector as the sum of its words."""
    length = np.float32(np.linalg.norm(whole))
    sums = np.zeros((len(words), len(whole)), np.float32)
    np.add.at(sums, owners, states / (len(states) * length))
    parts = np.linalg.norm(sums, axis=1)
    units = sums / np.maximum(parts, 1e-12)[:, None]
    return Heard(whole / length, units, parts)

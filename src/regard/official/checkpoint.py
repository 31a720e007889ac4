"""Models of the official SCAN and VSE++ code, made usable here.

The official file holds {"epoch", "model": [image encoder, text encoder], "best_rsum", "opt",
"Eiters"}. Sizes come from the tensors, hyper-parameters from `opt`.

VSE++ has the same two encoders but keeps one vector a caption, its GRU's last state, and takes
the cosine; its `opt` has a `measure` where SCAN's has `cross_attn`.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regard.config import build
from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.errors import CheckpointError
from regard.model.checkpoint import Checkpoint
from regard.model.recurrence import ENDS, GRU
from regard.official.pickles import Settings, read_checkpoint, read_vocabulary
from regard.words.vocabulary import Vocabulary

POOLING = {"LogSumExp": "lse", "Mean": "mean", "Max": "max", "Sum": "sum"}
_KNOWN = re.compile(
    r"fc\.(bias|weight(_[gv])?|parametrizations\.weight\.original[01])|embed\.weight"
    r"|rnn\.(weight|bias)_[ih]h_l0(_reverse)?"
)
_SETTINGS = {  # of `opt`, and of `Scoring`
    "cross_attn": "direction",
    "agg_func": "pooling",
    "raw_feature_norm": "normalization",
    "lambda_softmax": "lambda_softmax",
    "lambda_lse": "lambda_lse",
}

OURS = {"fc.weight": "regions.linear.weight", "fc.bias": "regions.linear.bias"}

Tensors = dict[str, np.ndarray]


def import_checkpoint(
    path: Path, vocabulary: Vocabulary, settings: Mapping[str, Any] | None = None
) -> Checkpoint:
    """Read a checkpoint of the official code; nothing in the file is executed.

    How it scores is taken from `settings`, then from the file, then from the official programs'
    defaults; what those give is recorded as `info["assumed"]`.

    Args:
        vocabulary: the one it was trained with; order matters, so it must be the same file.
        settings: values of `Scoring` by name.

    Raises:
        CheckpointError: damaged, no such checkpoint, of a kind this program has no model for, with
            weights that are no numbers, or made with another vocabulary.
        ConfigError: a setting is unknown or out of range.
    """
    build(Scoring, settings or {})  # whatever is wrong with these is not the file's fault
    contents = read_checkpoint(path)
    try:
        return _convert(contents, vocabulary, settings or {}, path.name)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise CheckpointError(
            f"{path} does not hold a SCAN model ({error}); it must have fc, embed and rnn weights "
            "that fit together. Check that it was copied whole."
        ) from None


def _convert(
    contents: dict[str, Any], vocabulary: Vocabulary, settings: Mapping[str, Any], name: str
) -> Checkpoint:
    image, text = _encoders(contents)
    opt = contents.get("opt")
    options = opt.values if isinstance(opt, Settings) else dict(opt or {})
    given = {**_given(options), **settings}
    scoring = build(Scoring, given, "opt")
    _refuse_unknown(image, text, options, scoring)
    weights = _weights(image, text)
    words = len(weights["words.embed.weight"])
    if words != len(vocabulary):
        raise CheckpointError(
            f"vocabulary has {len(vocabulary)} words; the checkpoint was trained with {words}. "
            "Name the vocabulary file it was trained with."
        )
    official = {key: contents[key] for key in ("epoch", "best_rsum", "Eiters") if key in contents}
    info = {"imported_from": name, "official": _plain({**official, "opt": options})}
    if assumed := _assumed(scoring, given):
        info["assumed"] = assumed
    return Checkpoint(_config(weights, scoring), weights, vocabulary, "", info)


def load_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary in SCAN's JSON, or in the .pkl of VSE++, in which nothing is executed.

    Raises:
        DataError: the JSON is missing or malformed, or ids have gaps.
        CheckpointError: the .pkl is missing, damaged, or more than a vocabulary.
    """
    if path.suffix != ".pkl":
        return Vocabulary.load(path)
    return Vocabulary.of_ids(read_vocabulary(path), str(path))


def _encoders(contents: dict[str, Any]) -> tuple[Tensors, Tensors]:
    """State of the image and of the text encoder, `module.` prefixes removed."""
    states = contents.get("model")
    if not isinstance(states, list) or not all(isinstance(s, dict) for s in states):
        raise CheckpointError(
            "checkpoint has no list of encoders under 'model'; it must be one of SCAN or of "
            f"code built on it (it holds {', '.join(map(str, contents)) or 'nothing'}). "
            "Look for model_best.pth.tar."
        )
    if len(states) != 2:
        raise CheckpointError(
            f"checkpoint holds {len(states)} networks; it must hold an image and a text encoder. "
            "Models with further networks (SGRAF, DIME, GSMN, CHAN, ...) have no counterpart here."
        )
    image, text = states
    return _bare(image), _bare(text)


def _is_vsepp(options: dict[str, Any]) -> bool:
    """Whether `opt` is that of VSE++ rather than SCAN."""
    return "measure" in options and "cross_attn" not in options


def _bare(state: dict[str, Any]) -> Tensors:
    """Tensors of a state by name, without any number of `module.` in front."""
    return {
        ".".join(part for part in str(name).split(".") if part != "module"): value
        for name, value in state.items()
        if isinstance(value, np.ndarray)
    }


def _weights(image: Tensors, text: Tensors) -> Tensors:
    """Weights by this program's names, in float32."""
    reverse = "rnn.weight_ih_l0_reverse" in text
    tensors = {"fc.weight": _linear(image), "fc.bias": image["fc.bias"]}
    tensors |= {name: text[name] for name in ("embed.weight", *gru_names(bidirectional=reverse))}
    weights = {}
    for name, value in tensors.items():
        with np.errstate(over="ignore"):
            narrow = value.astype(np.float32)
        if not np.isfinite(narrow).all():
            wrong = int((~np.isfinite(narrow)).sum())
            raise CheckpointError(
                f"{name} holds {wrong} of {narrow.size} values that are not finite; every weight "
                "must be a number. Its training went astray: take an earlier checkpoint."
            )
        weights[OURS.get(name, f"words.{name}")] = narrow
    features = weights["regions.linear.weight"].shape[1]
    weights["regions.mean"] = np.zeros(features, np.float32)
    weights["regions.deviation"] = np.ones(features, np.float32)
    return weights


def _config(weights: Tensors, scoring: Scoring) -> ModelConfig:
    dim, features = weights["regions.linear.weight"].shape
    return ModelConfig(
        feature_dim=features,
        embed_dim=dim,
        word_dim=weights["words.embed.weight"].shape[1],
        bidirectional="words.rnn.weight_ih_l0_reverse" in weights,
        word_encoding="last" if scoring.scorer == "pooled" else "gru",
        scoring=scoring,
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Values of `Scoring` that `opt` names."""
    if _is_vsepp(options):
        return {"scorer": "pooled"}
    values = {ours: options[theirs] for theirs, ours in _SETTINGS.items() if theirs in options}
    for name in values.keys() & {"lambda_softmax", "lambda_lse"}:
        values[name] = float(values[name])
    if "pooling" in values:
        values["pooling"] = POOLING.get(values["pooling"], values["pooling"])
    return values


def _assumed(scoring: Scoring, given: dict[str, Any]) -> dict[str, Any]:
    """What matters to how it scores, and nobody said."""
    if scoring.scorer == "pooled":
        return {}
    names = {
        "attention": _SETTINGS.values(),
        "sum_max": ("direction",),
        "hard": ("direction", "pooling", "lambda_lse"),
    }.get(scoring.scorer, ())
    return {
        name: getattr(scoring, name)
        for name in names
        if name not in given and (name != "lambda_lse" or scoring.pooling == "lse")
    }


def _refuse_unknown(
    image: Tensors, text: Tensors, options: dict[str, Any], scoring: Scoring
) -> None:
    """Refuse networks that would be computed otherwise than they were trained."""
    reason = ""
    if any(name.startswith("cnn.") for name in image):
        reason = "its image encoder is a whole CNN"
    elif any("_l1" in name for name in text):
        reason = "its GRU has several layers"
    elif options.get("no_imgnorm") or options.get("no_txtnorm"):
        reason = "it was trained with --no_imgnorm or --no_txtnorm"
    elif scoring.scorer == "pooled" and "rnn.weight_ih_l0_reverse" in text:
        reason = "it is a VSE++ model that reads captions both ways"
    elif options.get("use_abs") or options.get("measure", "cosine") != "cosine":
        reason = "it was trained with --use_abs or --measure order"
    elif unknown := sorted(name for name in (*image, *text) if not _KNOWN.fullmatch(name)):
        reason = f"it has parts that SCAN and VSE++ have not ({', '.join(unknown[:3])})"
    if reason:
        raise CheckpointError(
            f"checkpoint cannot be used because {reason}; it must be a SCAN or VSE++ model over "
            "ready-made features with one GRU layer and unit embeddings. Train that model anew "
            "here."
        )


def _linear(image: Tensors) -> np.ndarray:
    """Weight of the image encoder; weight normalisation is multiplied out."""
    if "fc.weight" in image:
        return image["fc.weight"]
    old, new = ("fc.weight_g", "fc.weight_v"), "fc.parametrizations.weight.original"
    length, direction = (old[0], old[1]) if old[0] in image else (f"{new}0", f"{new}1")
    scale, vector = image[length].astype(np.float64), image[direction].astype(np.float64)
    norm = np.linalg.norm(vector, axis=None if scale.size == 1 else 1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight: np.ndarray = scale.reshape(-1, 1) * vector / norm
    return weight


def gru_names(*, bidirectional: bool) -> list[str]:
    """Names of the official GRU's weights."""
    return [f"rnn.{name}{end}" for end in ENDS[: 1 + bidirectional] for name in GRU]


def _plain(value: Any) -> Any:
    """What JSON can hold; the rest as text."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)

"""Trained models on disk: safetensors, JSON and a vocabulary, in one folder.

    config.json          sizes, scoring, the extractor the features came from, figures
    model.safetensors    weights, float32 or float16
    vocab.json           words, in SCAN's form
    background.safetensors   perhaps: what is compared with (regard.model.background)
    pointer.safetensors      perhaps: where words point (regard.model.pointer)
    labels.safetensors       perhaps: what regions look like (regard.model.labels)
    tokenizer.json           perhaps: pieces of words, where a transformer reads captions

Nothing in these files is code and nothing in them is executed.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from regard.config import build, to_tree
from regard.core.model_config import ModelConfig
from regard.errors import CheckpointError
from regard.model.background import FILE as BACKGROUND
from regard.model.background import Background
from regard.model.encoders import shapes
from regard.model.labels import FILE as LABELS
from regard.model.labels import LabelClasses
from regard.model.pointer import FILE as POINTER
from regard.model.pointer import Pointer
from regard.model.recurrence import Weights
from regard.store import json_files, tensor_files
from regard.store.atomic import replacing
from regard.words.vocabulary import Vocabulary

FORMAT = 1
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
DEFAULT_MODEL = "flickr8k"
_SHIPPED = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model with all it needs to be used."""

    config: ModelConfig
    """Its sizes, and how it scores."""
    weights: Weights
    """By the names of `core.network`, float32 or float16."""
    vocabulary: Vocabulary
    extractor: str
    """Identity of the extractor whose features it was trained on; empty where unknown."""
    info: dict[str, Any]
    """Recipe, seed, figures and anything else its maker recorded."""
    background: Background | None = None
    """What photos and sentences are compared with; None where none was made."""
    pointer: Pointer | None = None
    """Says where words point; None where none was taught."""
    labels: LabelClasses | None = None
    """What regions may be taken for; None where a model has no labels."""
    tokenizer: str = ""
    """Text of a tokenizer.json for words, where a transformer reads captions."""

    def __post_init__(self) -> None:
        """Refuse weights that do not fit the sizes and the vocabulary, and labels likewise."""
        if self.config.labels != (self.labels is not None):
            raise CheckpointError(
                f"{LABELS} is {'missing' if self.config.labels else 'not asked for'}; it must be "
                "there exactly where model.labels is true. Restore the files."
            )
        expected = shapes(self.config, len(self.vocabulary))
        for name in sorted(expected.keys() ^ self.weights.keys()):
            raise CheckpointError(
                f"weight {name} is {'missing' if name in expected else 'not one of this model'}; "
                "there must be every weight that the configuration asks for, and no other. "
                "Restore the files."
            )
        for name, shape in expected.items():
            if self.weights[name].shape != shape:
                raise CheckpointError(
                    f"weight {name} has shape {self.weights[name].shape}; it must be {shape} by "
                    "the configuration and the vocabulary. Restore the files."
                )

    def __repr__(self) -> str:
        """Sizes and scoring; weights are too many to print."""
        return f"Checkpoint({describe(self.config, self.vocabulary)})"


def describe(config: ModelConfig, vocabulary: Vocabulary) -> str:
    """A model's scoring and sizes in a few words."""
    scoring = config.scoring
    kind = {
        "attention": f"{scoring.direction} attention, {scoring.pooling} pooling",
        "sum_max": f"{scoring.direction} Sum-Max",
        "hard": f"{scoring.direction} hard attention (CHAN), {scoring.pooling} pooling",
        "pooled": "a vector a caption (VSE++)",
        "sgr": "similarities reasoned by a graph (SGR)",
        "saf": "similarities filtered by gates (SAF)",
    }[scoring.scorer]
    sizes = f"{config.feature_dim} to {config.embed_dim} numbers, {len(vocabulary)} words"
    on = config.backbone or (config.word_encoding == "transformer" and config.text.name)
    return f"{kind}, {sizes}{f', on {on}' if on else ''}"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(p.name for p in _SHIPPED.iterdir() if (p / "config.json").exists())


def resolve_model(name_or_path: str | Path = DEFAULT_MODEL) -> Path:
    """Folder of a shipped model's name, or of a path.

    Raises:
        CheckpointError: there is neither.
    """
    path = Path(name_or_path)
    if (path / "config.json").is_file():
        return path
    named = _SHIPPED / str(name_or_path)
    if path.name == str(name_or_path) and (named / "config.json").is_file():
        return named
    raise CheckpointError(
        f"model is {str(name_or_path)!r}; it must be a folder with a config.json or one of "
        f"{', '.join(shipped_models()) or '(no shipped models)'}. "
        "Train one with `regard train`, or name another."
    )


def save_checkpoint(folder: str | Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a model; each file is replaced whole.

    Args:
        half: store weights as float16.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dtype = np.float16 if half else np.float32
    weights = {name: np.ascontiguousarray(w, dtype) for name, w in checkpoint.weights.items()}
    config = {
        "format": FORMAT,
        "model": to_tree(checkpoint.config),
        "extractor": checkpoint.extractor,
        "info": checkpoint.info,
    }
    tensor_files.write(folder / WEIGHTS, weights)
    with replacing(folder / "vocab.json") as partial:
        checkpoint.vocabulary.save(partial)
    if checkpoint.tokenizer:
        with replacing(folder / TOKENIZER) as partial:
            partial.write_text(checkpoint.tokenizer, encoding="utf-8")
    else:
        (folder / TOKENIZER).unlink(missing_ok=True)  # another model's
    parts = (checkpoint.background, checkpoint.pointer, checkpoint.labels)
    for part, name in zip(parts, (BACKGROUND, POINTER, LABELS), strict=True):
        if part is None:
            (folder / name).unlink(missing_ok=True)  # another model's
        else:
            part.save(folder)
    json_files.write(folder / CONFIG, config)


def record(folder: Path, info: dict[str, Any], background: Background | None = None) -> None:
    """Add to what is recorded of a saved model, whose weights stay as they are.

    Args:
        info: replaces what is recorded under the same names.
        background: takes the place of the one it has.
    """
    tree = _read_config(folder)
    if background is not None:
        background.save(folder)
    json_files.write(folder / CONFIG, {**tree, "info": {**tree.get("info", {}), **info}})


def load_checkpoint(
    name_or_path: str | Path = DEFAULT_MODEL, *, background: bool = True
) -> Checkpoint:
    """Read a model by shipped name or folder.

    Args:
        background: whether to read that, too; a damaged one can only be made anew without.

    Raises:
        CheckpointError: files are missing, damaged, newer, or do not fit each other.
    """
    folder = resolve_model(name_or_path)
    tree = _read_config(folder)
    try:
        found = Checkpoint(
            build(ModelConfig, tree["model"], "model"),
            load_file(folder / WEIGHTS),
            Vocabulary.load(folder / "vocab.json"),
            str(tree.get("extractor", "")),
            dict(tree.get("info", {})),
            labels=_labels(folder) if tree["model"].get("labels") else None,
            tokenizer=_tokenizer(folder, tree["model"]),
        )
    except CheckpointError as error:
        raise CheckpointError(f"{folder}: {error}") from None
    except (AttributeError, KeyError, OSError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(
            f"model in {folder} cannot be read ({error}); config.json, {WEIGHTS} and "
            "vocab.json must belong together. Restore the folder or train again."
        ) from None
    compared = Background.load(folder) if background else None
    return replace(found, background=compared, pointer=Pointer.load(folder))


def _labels(folder: Path) -> LabelClasses | None:
    """Those in a model's folder; shipped models share those of the shipped backbone."""
    return LabelClasses.load(folder) or LabelClasses.load(_SHIPPED)


def _tokenizer(folder: Path, model: dict[str, Any]) -> str:
    if model.get("word_encoding") != "transformer":
        return ""
    return (folder / TOKENIZER).read_text(encoding="utf-8")


def _read_config(folder: Path) -> dict[str, Any]:
    remedy = "Restore the folder or train again."
    tree = json_files.read(folder / CONFIG, "a model's configuration", remedy)
    version = tree.get("format")
    if not isinstance(version, int):
        raise CheckpointError(
            f"format in {folder / CONFIG} is {version!r}; it must be a number. {remedy}"
        )
    if version > FORMAT:
        raise CheckpointError(
            f"model in {folder} has format {version}; this program knows up to {FORMAT}. "
            "Update it: pip install --upgrade regard"
        )
    return tree


def fingerprint(weights: Weights) -> str:
    """Sixteen hex digits that change when any weight does; indexes are tied to it.

    The same whether weights are kept in float16 or as the float32 they stand for.
    """
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value, np.float32).data)
    return digest.hexdigest()[:16]

"""Trained models on disk: safetensors, JSON and a vocabulary, in one folder.

    config.json          sizes, scoring, the extractor the features came from, figures
    model.safetensors    weights, float32 or float16
    vocab.json           words, in SCAN's form
    background.safetensors   perhaps: what is compared with (regard.model.background)
    pointer.safetensors      perhaps: where words point (regard.model.pointer)

Nothing in these files is code and nothing in them is executed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from regard.config import build, to_tree
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.errors import CheckpointError, ConfigError, DataError
from regard.model.background import FILE as BACKGROUND
from regard.model.background import Background
from regard.model.pointer import FILE as POINTER
from regard.model.pointer import Pointer
from regard.words.vocabulary import Vocabulary

FORMAT = 1
DEFAULT_MODEL = "flickr8k"
_SHIPPED = Path(__file__).parents[1] / "weights"


class Checkpoint(NamedTuple):
    """A model with all it needs to be used."""

    network: MatchingModel
    vocabulary: Vocabulary
    extractor: str
    """Identity of the extractor whose features it was trained on; empty where unknown."""
    info: dict[str, Any]
    """Recipe, seed, figures and anything else its maker recorded."""
    background: Background | None = None
    """What photos and sentences are compared with; None where none was made."""
    pointer: Pointer | None = None
    """Says where words point; None where none was taught."""


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
    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in checkpoint.network.state_dict().items()
    }
    config = {
        "format": FORMAT,
        "model": to_tree(checkpoint.network.config),
        "extractor": checkpoint.extractor,
        "info": checkpoint.info,
    }
    partial = folder / "model.partial"
    save_file(state, partial)
    partial.chmod(0o644)  # the library keeps its files to their owner
    partial.replace(folder / "model.safetensors")
    checkpoint.vocabulary.save(folder / "vocab.json")
    for part, name in ((checkpoint.background, BACKGROUND), (checkpoint.pointer, POINTER)):
        if part is None:
            (folder / name).unlink(missing_ok=True)  # another model's
        else:
            part.save(folder)
    _write_config(folder, config)


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    partial = folder / "config.partial"
    partial.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / "config.json")


def record(folder: Path, info: dict[str, Any], background: Background | None = None) -> None:
    """Add to what is recorded of a saved model, whose weights stay as they are.

    Args:
        info: replaces what is recorded under the same names.
        background: takes the place of the one it has.
    """
    tree = _read_config(folder)
    if background is not None:
        background.save(folder)
    _write_config(folder, {**tree, "info": {**tree.get("info", {}), **info}})


def load_checkpoint(
    name_or_path: str | Path = DEFAULT_MODEL, *, background: bool = True
) -> Checkpoint:
    """Read a model by shipped name or folder, in float32, ready for inference.

    Args:
        background: whether to read that, too; a damaged one can only be made anew without.

    Raises:
        CheckpointError: files are missing, damaged, newer, or do not fit each other.
    """
    folder = resolve_model(name_or_path)
    tree = _read_config(folder)
    try:
        config = build(ModelConfig, tree["model"], "model")
        vocabulary = Vocabulary.load(folder / "vocab.json")
        state = load_file(folder / "model.safetensors")
        model = MatchingModel(config, len(vocabulary))
        model.load_state_dict({name: value.float() for name, value in state.items()})
    except (KeyError, OSError, RuntimeError, SafetensorError, ConfigError, DataError) as error:
        raise CheckpointError(
            f"model in {folder} cannot be read ({error}); config.json, model.safetensors and "
            "vocab.json must belong together. Restore the folder or train again."
        ) from None
    return Checkpoint(
        model.eval(),
        vocabulary,
        str(tree.get("extractor", "")),
        dict(tree.get("info", {})),
        Background.load(folder) if background else None,
        Pointer.load(folder),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        version = int(tree["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} cannot be read ({error}); it must be a model's "
            "configuration. Restore the folder or train again."
        ) from None
    if version > FORMAT:
        raise CheckpointError(
            f"model in {folder} has format {version}; this program knows up to {FORMAT}. "
            "Update it: pip install --upgrade regard"
        )
    return tree


def fingerprint(model: torch.nn.Module) -> str:
    """Sixteen hex digits that change when any weight does; indexes are tied to it."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]

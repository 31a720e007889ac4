"""From a name to a backbone: which family, which files, whether they are whole.

Nothing is downloaded here; what is not on this machine is named with the command that gets it.
"""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from regard.backbones.protocol import Backbone
from regard.backbones.settings import Choice, known, missing, refuse_choice, repository_of
from regard.device import usable_device
from regard.errors import CheckpointError
from regard.extras import bring
from regard.store import json_files

FAMILIES = {
    "clip": ("CLIPModel", "regard.backbones.clip:Clip"),
    "siglip": ("SiglipModel", "regard.backbones.siglip:Siglip"),
    "tipsv2": ("Tipsv2Model", "regard.backbones.tips:Tips"),
}
"""By a configuration's model_type: transformers' model, and what makes a backbone of it."""
TEXT = "bert"
"""The model_type of what reads captions alone."""
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
VOCABULARIES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json")
_CONFIGURATIONS = Path(__file__).with_name("configurations.json")
_UNPUBLISHED = {"temperature"}  # of TIPSv2, learnable and in no checkpoint
_SAMPLES, _SAMPLE = 64, 4096  # places of a weights' file that its digest looks at, and their bytes


class Loaded(NamedTuple):
    """A backbone with where it is from."""

    backbone: Backbone
    folder: Path
    digest: str
    """Sixteen hex digits that change when its weights or its configuration do."""


def folder_of(name: str) -> Path:
    """Folder of a backbone on this machine.

    Args:
        name: folder, short name, or name on the hub.

    Raises:
        CheckpointError: it is not here.
    """
    if (Path(name) / "config.json").is_file():
        return Path(name)
    from huggingface_hub import try_to_load_from_cache

    repository = repository_of(name)
    held = try_to_load_from_cache(repository, "config.json", revision=revision_of(repository))
    if isinstance(held, str):
        folder = Path(held).parent
        if any((folder / weights).exists() for weights in WEIGHTS):
            return folder
    raise missing(name)


def revision_of(repository: str) -> str | None:
    """The commit that `regard models get` got; None where that got nothing, for the main one.

    Raises:
        CheckpointError: what it wrote down is damaged.
    """
    if not _revisions().is_file():
        return None
    remedy = "Delete it, and run `regard models get` again."
    return json_files.read(_revisions(), "commits of backbones", remedy).get(repository)


def keep_revision(repository: str, revision: str) -> None:
    """Write down which commit was got: the hub's cache names none that was asked for by itself."""
    kept: dict[str, str] = {}
    with suppress(CheckpointError):
        kept = json_files.read(_revisions(), "commits of backbones", "")
    _revisions().parent.mkdir(parents=True, exist_ok=True)
    json_files.write(_revisions(), {**kept, repository: revision})


def _revisions() -> Path:
    from platformdirs import user_data_path

    return user_data_path("regard") / "backbones" / "revisions.json"


def load_backbone(choice: Choice) -> Loaded:
    """The backbone of a name; the same one when it is asked for again.

    Raises:
        CheckpointError: it is not on this machine, is of another kind, or is damaged.
        ConfigError: the extra or the device is missing, or something is chosen that the family
            does not have.
    """
    return _loaded(choice.name, choice.synthetic, usable_device(choice.device))


@cache
def _loaded(name: str, synthetic: bool, device: str) -> Loaded:
    folder = folder_of(name)
    tree = _read(folder / "config.json")
    kind = check_kind(tree, name)
    refuse_choice(Choice(name, synthetic=synthetic), kind)
    model_class, where = FAMILIES[kind]
    transformers = transformers_here()
    network = network_in(getattr(transformers, model_class), folder).to(device)
    tokenizer = _tokenizer(transformers, folder)
    path = folder / "preprocessor_config.json"
    processing = _read(path) if path.is_file() else {}
    options = {"token": "synthetic"} if synthetic else {}
    backbone = _class(where)(network, tokenizer, processing, **options)
    return Loaded(backbone, folder, digest_of(folder))


def configurations() -> dict[str, dict[str, Any]]:
    """What decides the shapes of the published backbones, by short name."""
    return {name: about["config"] for name, about in _read(_CONFIGURATIONS).items()}


def shaped(tree: dict[str, Any]) -> Backbone:
    """A backbone of a configuration, at random, that sees but does not read.

    Raises:
        ConfigError: the extra is missing.
    """
    model_class, where = FAMILIES[tree["model_type"]]
    kind = getattr(transformers_here(), model_class)
    config = kind.config_class(**tree)
    config.text_config.num_hidden_layers = config.text_config.vocab_size = 1
    made: Backbone = _class(where)(kind(config).eval(), None, {})
    return made


def _tokenizer(transformers: Any, folder: Path) -> Any:
    """A checkpoint's tokenizer.

    Raises:
        CheckpointError: its files are missing, or damaged.
    """
    try:
        if not any((folder / name).is_file() for name in VOCABULARIES):
            raise OSError(f"there is none of {', '.join(VOCABULARIES)}")
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise CheckpointError(
            f"tokenizer in {folder} cannot be read ({error}); its files must lie beside the "
            "weights. Restore them."
        ) from None


def _class(where: str) -> Any:
    import importlib

    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def transformers_here() -> Any:
    """Transformers, told to be quiet.

    Raises:
        ConfigError: it, or torch, is missing.
    """
    bring("torch", "backbones", "backbones")  # so that a broken installation is found here, too
    transformers = bring("transformers", "backbones", "backbones")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def check_kind(tree: dict[str, Any], name: str) -> str:
    """The family of a configuration.

    Raises:
        CheckpointError: it is none that is supported.
    """
    kind = str(tree.get("model_type", ""))
    if kind in FAMILIES:
        return kind
    note = " SigLIP 2 of free resolution (NaFlex) is not supported;" if kind == "siglip2" else ""
    raise CheckpointError(
        f"model {name!r} is of kind {kind!r};{note} it must be one of {', '.join(FAMILIES)}, as "
        f"{', '.join(known())} are. Name one of these."
    )


def is_text(folder: Path) -> bool:
    """Whether what lies in a folder reads captions alone."""
    return bool(_read(folder / "config.json").get("model_type") == TEXT)


def network_in(model_class: Any, folder: Path, allowed: str = "", **options: Any) -> Any:
    """A model with all of its weights.

    Args:
        allowed: kind of keys that may be there, as unexpected_keys.
        options: of `from_pretrained`.

    Raises:
        CheckpointError: files are damaged, or weights are missing, too many or of other shapes.
    """
    import torch
    from safetensors import SafetensorError

    try:
        network, report = model_class.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
            **options,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"weights in {folder} cannot be read ({error}); they must be whole and belong to its "
            "config.json. Restore the files, or get them again."
        ) from None
    for what in {"missing_keys", "unexpected_keys", "mismatched_keys"} - {allowed}:
        for key in sorted(set(map(str, report.get(what) or ())) - _UNPUBLISHED):
            raise CheckpointError(
                f"weight {key} in {folder} is among the {what.replace('_', ' ')}; every weight of "
                "the configuration must be there once. Restore the files, or get them again."
            )
    return network.eval()


def digest_of(folder: Path) -> str:
    """Sixteen hex digits of a configuration and of places all over the weights' files."""
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".safetensors", ".bin")]
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            for number in range(_SAMPLES):
                file.seek(size * number // _SAMPLES)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    return json_files.read(path, "JSON", "Restore the file.")

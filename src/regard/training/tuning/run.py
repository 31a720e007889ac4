"""A whole tuning of the backbone's end: targets, maps, epochs, the best on val kept, resumable."""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from regard.core.attention import masked_mean
from regard.core.metrics import Retrieval, retrieval
from regard.datasets.captions import Captions
from regard.errors import CheckpointError, ConfigError
from regard.model.checkpoint import Checkpoint, save_checkpoint
from regard.model.model import Model
from regard.regions.backbone import EfficientNetLite2, load_backbone
from regard.regions.pyramid import UNTUNED, tuned_identity
from regard.regions.tuned import BACKBONE, save_tuned, tag_of
from regard.training.tuning.objective import Targets, TuneConfig, Tuned, Tuner, embed
from regard.training.tuning.photo_maps import PhotoMaps

_AT_ONCE = 512  # captions embedded together


class Told(NamedTuple):
    """What is told of a tuning as it goes."""

    label: str
    """What is being done."""
    done: int
    total: int
    loss: float = 0.0
    validation: Retrieval | None = None
    """Of mean vectors, at an epoch's end."""


class Split(NamedTuple):
    """Captions of a split and where its photos are."""

    captions: Captions
    folder: Path

    @property
    def paths(self) -> list[Path]:
        """Of all photos, in their order."""
        return [self.folder / name for name in self.captions.photos]


def tune(
    model: Model,
    train: Split,
    val: Split,
    folder: Path,
    config: TuneConfig,
    *,
    threads: int = 1,
    tell: Callable[[Told], None] = lambda _: None,
) -> tuple[Path, float]:
    """Tune the backbone's end to a model's words.

    Args:
        model: trained on features of the untuned extractor.
        folder: of the run; one found there is continued, of the same settings only.
        threads: worker threads.

    Returns:
        Folder of the best model, its backbone beside it, and its rSum by mean vectors on val.

    Raises:
        ConfigError: the model was trained on other features.
        CheckpointError: the folder holds a run with other settings.
    """
    if model.extractor_identity != UNTUNED:
        raise ConfigError(
            f"model was trained on {model.extractor_identity!r}; tuning must start from one "
            f"trained on {UNTUNED!r}. Extract with --extractor pyramid-imagenet and train on "
            "these regions first."
        )
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder, model, config)
    network = load_backbone()
    splits = {"train": train, "val": val}
    targets = {name: _targets(model, split, folder / name, tell) for name, split in splits.items()}
    maps = {
        name: _maps(network, split, folder / name, threads, tell) for name, split in splits.items()
    }
    tuner = Tuner(network, model.network.regions, maps["train"], targets["train"], config, threads)
    epoch, best = _restore(tuner, folder / "state.safetensors")
    while epoch < config.epochs:
        label = f"Epoch {epoch + 1}/{config.epochs}"
        for done, total, loss in tuner.epoch(epoch):
            tell(Told(label, done, total, loss))
        tuned = tuner.settled()
        photos = embed(tuned, maps["val"], threads)
        found = retrieval(photos @ targets["val"].vectors.T, targets["val"].photo_of_caption)
        epoch += 1
        if found.rsum > best:
            best = found.rsum
            tuned.tail.into(network)
            _keep(folder / "best", model, tuned, network)
        _save(tuner, folder / "state.safetensors", epoch, best)
        tell(Told(label, total, total, loss, found))
    return folder / "best", best


def _keep(folder: Path, model: Model, tuned: Tuned, backbone: EfficientNetLite2) -> None:
    """Write a model with its tuned encoder and backbone."""
    network = copy.deepcopy(model.network)
    network.regions.load_state_dict(tuned.encoder.state_dict())
    folder.mkdir(exist_ok=True)
    save_tuned(backbone, folder / BACKBONE)
    identity = tuned_identity(tag_of(folder / BACKBONE))
    save_checkpoint(folder, Checkpoint(network, model.vocabulary, identity, {}))


def _settle(folder: Path, model: Model, config: TuneConfig) -> None:
    """Write the settings of a new run, or see that those of an old one are the same."""
    path = folder / "tuning.json"
    wanted = {"model": model.identity, **asdict(config)}
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != wanted:
        raise CheckpointError(
            f"{folder} holds a tuning with other settings; it must be continued with its own. "
            "Name another folder, or remove this one."
        )
    path.write_text(json.dumps(wanted, indent=1), encoding="utf-8")


@torch.no_grad()
def _targets(model: Model, split: Split, folder: Path, tell: Callable[[Told], None]) -> Targets:
    """Mean word vectors of all captions, kept on disk."""
    sentences, owners = split.captions.sentences, split.captions.photo_of_caption
    folder.mkdir(exist_ok=True)
    path = folder / "targets.safetensors"
    if not path.exists():
        vectors = torch.empty(len(sentences), model.dim)
        for start in range(0, len(sentences), _AT_ONCE):
            part = model.encode_captions(sentences[start : start + _AT_ONCE])
            words, lengths = torch.from_numpy(part.vectors), torch.from_numpy(part.lengths)
            mask = torch.arange(words.shape[1])[None, :] < lengths[:, None]
            vectors[start : start + len(words)] = masked_mean(words, mask)
            tell(Told("Embedding captions", start + len(words), len(sentences)))
        save_file({"vectors": vectors}, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)
    return Targets(load_file(path)["vectors"], torch.from_numpy(np.asarray(owners)).long())


def _maps(
    network: EfficientNetLite2,
    split: Split,
    folder: Path,
    threads: int,
    tell: Callable[[Told], None],
) -> PhotoMaps:
    """Maps of a split's photos, kept on disk."""

    def progress(done: int, total: int) -> None:
        tell(Told("Looking at photos", done, total))

    return PhotoMaps(split.paths, network, folder, threads=threads, progress=progress)


def _save(tuner: Tuner, path: Path, epoch: int, best: float) -> None:
    """Write all that the next epoch begins with."""
    about = {"epoch": str(epoch), "best": repr(best)}
    save_file(tuner.state(), path.with_suffix(".partial"), about)
    path.with_suffix(".partial").replace(path)


def _restore(tuner: Tuner, path: Path) -> tuple[int, float]:
    """Go back to a saved state, if there is one; gives epochs done and the best rSum so far."""
    if not path.exists():
        return 0, 0.0
    with safe_open(path, "pt") as file:
        about = file.metadata()
        tuner.restore({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    return int(about["epoch"]), float(about["best"])

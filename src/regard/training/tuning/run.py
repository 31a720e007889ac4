"""A whole tuning of the backbone's end: targets, maps, epochs, the best on val kept, resumable."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from regard.core.attention import masked_mean
from regard.core.metrics import Retrieval, retrieval
from regard.datasets.captions import Captions
from regard.device import PROCESSOR, read
from regard.errors import ConfigError
from regard.model.checkpoint import save_checkpoint
from regard.model.model import Model
from regard.model.network import network_of, weights_of
from regard.regions.pyramid import BACKBONE, UNTUNED, identity_of, tag_of
from regard.store.artefact import digest_of, made_once
from regard.training import saved_state
from regard.training.run import claim
from regard.training.tuning.backbone import EfficientNetLite2, load_backbone
from regard.training.tuning.objective import Targets, TuneConfig, Tuned, Tuner, embed
from regard.training.tuning.onnx_file import save_backbone
from regard.training.tuning.photo_maps import PhotoMaps

_STATE, _VECTORS = "state.safetensors", "vectors.safetensors"
_AT_ONCE = 512  # captions embedded together


class TuningProgress(NamedTuple):
    """How far a tuning is."""

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

    def described(self) -> list[list[Any]]:
        """All of it but the photos' contents, as plain values."""
        owners = self.captions.photo_of_caption.tolist()
        return [list(self.captions.photos), list(self.captions.sentences), owners]


def tune(
    model: Model,
    train: Split,
    val: Split,
    folder: Path,
    config: TuneConfig,
    *,
    threads: int = 1,
    device: str = PROCESSOR,
    progress: Callable[[TuningProgress], None] = lambda _: None,
) -> tuple[Path, float]:
    """Tune the backbone's end to a model's words.

    Args:
        model: trained on features of the untuned extractor.
        folder: of the run; one found there is continued, of the same settings only.
        threads: worker threads.
        device: where the tuned end learns; with a graphics card one thread is enough.

    Returns:
        Folder of the best model, its backbone beside it, and its rSum by mean vectors on val.

    Raises:
        ConfigError: the model was trained on other features.
        CheckpointError: the folder holds a run with other settings or on other captions.
    """
    _check_untuned(model)
    splits = {"train": train, "val": val}
    settings = {f"{name} split": digest_of(split.described()) for name, split in splits.items()}
    settings |= {"model": model.identity, **asdict(config)}
    claim(folder / "tuning.json", settings, "with other settings")
    network = load_backbone()
    targets = {
        name: _targets(model, split.captions, folder / name, progress)
        for name, split in splits.items()
    }
    maps = {
        name: _maps(network, split, folder / name, threads, progress)
        for name, split in splits.items()
    }
    regions = network_of(model.checkpoint).regions
    known = maps["train"], targets["train"], config, threads
    tuner = Tuner(network, regions, *known, device=device)
    epoch, best = _restore(tuner, folder / _STATE)
    while epoch < config.epochs:
        label = f"Epoch {epoch + 1}/{config.epochs}"
        for done, total, loss in tuner.epoch(epoch):
            progress(TuningProgress(label, done, total, loss))
        tuned = tuner.settled()
        on_val = _validate(tuned, maps["val"], targets["val"], threads)
        epoch += 1
        if on_val.rsum > best:
            best = on_val.rsum
            tuned.tail.into(network)
            _keep(folder / "best", model, tuned, network)
        saved_state.save(folder / _STATE, tuner.state(), {"epoch": epoch, "best": best})
        progress(TuningProgress(label, total, total, loss, on_val))
    return folder / "best", best


def _check_untuned(model: Model) -> None:
    if model.extractor_identity != UNTUNED:
        raise ConfigError(
            f"model was trained on {model.extractor_identity!r}; tuning must start from one "
            f"trained on {UNTUNED!r}. Extract with --extractor pyramid-imagenet and train on "
            "these regions first."
        )


def _validate(tuned: Tuned, maps: PhotoMaps, targets: Targets, threads: int) -> Retrieval:
    photos = embed(tuned, maps, threads)
    return retrieval(torch.from_numpy(read(photos)) @ targets.vectors.T, targets.photo_of_caption)


def _keep(folder: Path, model: Model, tuned: Tuned, backbone: EfficientNetLite2) -> None:
    """Write a model with its tuned encoder and backbone."""
    weights = {**model.weights, **weights_of(tuned.encoder, "regions.")}
    folder.mkdir(exist_ok=True)
    save_backbone(backbone, folder / BACKBONE)
    identity = identity_of(tag_of(folder / BACKBONE))
    tuned_model = replace(model.checkpoint, weights=weights, extractor=identity, info={})
    save_checkpoint(folder, replace(tuned_model, background=None, pointer=None))


@torch.no_grad()
def _targets(
    model: Model, captions: Captions, folder: Path, progress: Callable[[TuningProgress], None]
) -> Targets:
    """Mean word vectors of all captions, kept on disk."""
    sentences = captions.sentences

    def make(place: Path) -> None:
        vectors = torch.empty(len(sentences), model.dim)
        for start in range(0, len(sentences), _AT_ONCE):
            part = model.encode_captions(sentences[start : start + _AT_ONCE])
            words, lengths = torch.from_numpy(part.vectors), torch.from_numpy(part.lengths)
            mask = torch.arange(words.shape[1])[None, :] < lengths[:, None]
            vectors[start : start + len(words)] = masked_mean(words, mask)
            progress(TuningProgress("Embedding captions", start + len(words), len(sentences)))
        save_file({"vectors": vectors}, place / _VECTORS)

    place = made_once(folder, "targets", [model.identity, list(sentences)], make)
    owners = torch.from_numpy(np.asarray(captions.photo_of_caption)).long()
    return Targets(load_file(place / _VECTORS)["vectors"], owners)


def _maps(
    network: EfficientNetLite2,
    split: Split,
    folder: Path,
    threads: int,
    progress: Callable[[TuningProgress], None],
) -> PhotoMaps:
    """Maps of a split's photos, kept on disk."""

    def looked(done: int, total: int) -> None:
        progress(TuningProgress("Looking at photos", done, total))

    return PhotoMaps(split.paths, network, folder, threads=threads, progress=looked)


def _restore(tuner: Tuner, path: Path) -> tuple[int, float]:
    """Go back to a saved state, if there is one; gives epochs done and the best rSum so far."""
    position = saved_state.position(path)
    if not position:
        return 0, 0.0
    tuner.restore(saved_state.load(path))
    return position["epoch"], position["best"]

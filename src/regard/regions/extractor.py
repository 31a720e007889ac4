"""What an extractor is, and which ones there are.

To add one: write a file beside this one whose class fulfils `Extractor`, and name it below.
"""

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from regard.device import PROCESSOR
from regard.errors import ConfigError
from regard.extras import bring
from regard.photos.decode import Photo
from regard.store.shards import Regions

DEFAULT_EXTRACTOR = "pyramid"
EXTRACTORS = {
    "pyramid": "regard.regions.pyramid:file_extractor",
    "pyramid-imagenet": "regard.regions.pyramid:imagenet_extractor",
    "statistics": "regard.regions.statistics:StatisticsExtractor",
}
_TUNED = "pyramid:"
TEXT = "text"
"""The extractor whose regions are lines of text (`regard.regions.text`); no model is made of it."""
BACKBONE = "backbone:"
"""How names of extractors begin that are backbones (`regard.backbones`)."""
DETECTOR = "vg-frcnn"
"""The Visual Genome Faster R-CNN (`regard.regions.frcnn`); its weights' path follows, after a
colon, and perhaps @ and a device."""
_TAKE_SEVERAL = (BACKBONE, f"{DETECTOR}:")


class Extractor(Protocol):
    """Turns one photo into region features."""

    identity: str
    """Name, version and weights: stores made under another identity are refused."""
    feature_dim: int
    """F, numbers per region."""
    short_side: int
    """Pixels the short side must have at least when decoding; larger photos may come smaller."""

    def __call__(self, photo: Photo) -> Regions:
        """Extract the regions of a decoded photo."""
        ...


class BatchExtractor(Extractor, Protocol):
    """An extractor that takes several photos at once, and as many cores as it likes."""

    at_once: int
    """Photos that are worth giving together."""

    def several(self, photos: Sequence[Photo]) -> list[Regions]:
        """Extract the regions of decoded photos."""
        ...


def load_extractor(name: str = DEFAULT_EXTRACTOR) -> Extractor:
    """Make the extractor of a name.

    Args:
        name: one of `EXTRACTORS`, pyramid:FILE for a backbone of your own (`regard tune`),
            backbone:NAME for a pretrained one (`regard models`), or vg-frcnn:WEIGHTS.

    Raises:
        ConfigError: there is none of that name, or torch is missing that it needs.
        CheckpointError: its weights are missing or damaged.
    """
    if name.startswith(_TUNED):
        from regard.regions.pyramid import file_extractor

        return file_extractor(Path(name.removeprefix(_TUNED)))
    if takes_several(name):
        return load_batch_extractor(name)
    if name == TEXT:
        from regard.regions.text import TextExtractor

        return TextExtractor()
    if name not in EXTRACTORS:
        raise ConfigError(
            f"extractor is {name!r}; it must be one of {', '.join(EXTRACTORS)}, "
            "pyramid:FILE, backbone:NAME or vg-frcnn:WEIGHTS. Choose one."
        )
    module, _, kind = EXTRACTORS[name].partition(":")
    extractor: Extractor = getattr(importlib.import_module(module), kind)()
    return extractor


def takes_several(name: str) -> bool:
    """Whether the extractor of a name is a `BatchExtractor`."""
    return name.startswith(_TAKE_SEVERAL)


def load_batch_extractor(name: str) -> BatchExtractor:
    """The extractor that a pretrained backbone or a detector is; as for `load_extractor`.

    Args:
        name: backbone:NAME or vg-frcnn:WEIGHTS.
    """
    if not name.startswith(BACKBONE):
        return _detector(name.partition(":")[2])
    backbones = importlib.import_module("regard.backbones.extractor")  # a room above this one
    backbone: BatchExtractor = backbones.extractor_of(name.removeprefix(BACKBONE))
    return backbone


@cache
def _detector(text: str) -> BatchExtractor:
    weights, _, device = text.rpartition("@") if "@" in text else (text, "", PROCESSOR)
    frcnn = bring("regard.regions.frcnn.extractor", "train", DETECTOR)
    detector: BatchExtractor = frcnn.FrcnnExtractor(Path(weights), device)
    return detector


def at_device(backbone: str, device: str) -> str:
    """A pretrained backbone's name with where it is to compute, if that is not the processor."""
    return backbone if not backbone or device == PROCESSOR else f"{backbone}@{device}"

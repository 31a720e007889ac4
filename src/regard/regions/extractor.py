"""What an extractor is, and which ones there are.

To add one: write a file beside this one whose class fulfils `Extractor`, and name it below.
"""

import importlib
from pathlib import Path
from typing import Protocol

from regard.errors import ConfigError
from regard.photos.decode import Photo
from regard.store.shards import Regions

DEFAULT_EXTRACTOR = "pyramid"
EXTRACTORS = {
    "pyramid": "regard.regions.pyramid:file_extractor",
    "pyramid-imagenet": "regard.regions.pyramid:imagenet_extractor",
    "statistics": "regard.regions.statistics:StatisticsExtractor",
}
_TUNED = "pyramid:"


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


def load_extractor(name: str = DEFAULT_EXTRACTOR) -> Extractor:
    """Make the extractor of a name.

    Args:
        name: one of `EXTRACTORS`, or pyramid:FILE for a backbone of your own (`regard tune`).

    Raises:
        ConfigError: there is none of that name.
        CheckpointError: its weights are missing or damaged.
    """
    if name.startswith(_TUNED):
        from regard.regions.pyramid import file_extractor

        return file_extractor(Path(name.removeprefix(_TUNED)))
    if name not in EXTRACTORS:
        raise ConfigError(
            f"extractor is {name!r}; it must be one of {', '.join(EXTRACTORS)} or pyramid:FILE. "
            "Choose one."
        )
    module, _, kind = EXTRACTORS[name].partition(":")
    extractor: Extractor = getattr(importlib.import_module(module), kind)()
    return extractor

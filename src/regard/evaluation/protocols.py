"""Published ways to evaluate, by name. Each refuses a split it is not meant for.

all             every photo against every caption
1k              one gallery of 1,000 photos: Flickr30K test, Flickr8k
coco-5k         MS-COCO's whole test split, 5,000 photos
coco-1k-5fold   the same 5,000 as five galleries of 1,000; figures are the mean of five
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from regard.datasets.captions import Captions
from regard.datasets.dataset import Dataset
from regard.errors import ConfigError, DataError
from regard.shapes import Float, Int

Protocol = Literal["all", "1k", "coco-5k", "coco-1k-5fold"]
PROTOCOLS: tuple[str, ...] = get_args(Protocol)
_IMAGES = {"1k": 1000, "coco-5k": 5000, "coco-1k-5fold": 5000}
_FOLD = 1000


@dataclass(frozen=True)
class Part:
    """Consecutive photos of a data set, with their captions."""

    whole: Dataset
    first: int
    """Row of the part's first photo in the whole."""
    captions: Captions

    @property
    def feature_dim(self) -> int:
        """F, numbers a region has."""
        return self.whole.feature_dim

    @property
    def producer(self) -> str:
        """Identity of the extractor."""
        return self.whole.producer

    @property
    def skipped(self) -> dict[str, str]:
        """What the whole left out."""
        return self.whole.skipped

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo region feature"], Int[np.ndarray, " photo"]]:
        """Features of several photos of the part."""
        return self.whole.gather(np.asarray(photo_rows, np.int64) + self.first)


def part(dataset: Dataset, first: int, last: int) -> Part:
    """Photos `first` to `last` (excluded) of a data set."""
    whole = dataset.captions
    inside = np.flatnonzero((whole.photo_of_caption >= first) & (whole.photo_of_caption < last))
    captions = Captions(
        whole.photos[first:last],
        tuple(whole.sentences[row] for row in inside),
        whole.photo_of_caption[inside] - first,
    )
    return Part(dataset, first, captions)


def galleries(protocol: str, dataset: Dataset, data: Path, split: str) -> list[Dataset]:
    """The galleries a protocol searches, each on its own.

    Args:
        data: what the data set was opened from.
        split: which split it is.

    Raises:
        ConfigError: there is no such protocol.
        DataError: the split is not one this protocol is meant for.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(
            f"protocol is {protocol!r}; it must be one of {', '.join(PROTOCOLS)}. Choose one."
        )
    if protocol == "all":
        return [dataset]
    _refuse(protocol, len(dataset.captions.photos), data, split)
    if protocol != "coco-1k-5fold":
        return [dataset]
    return [part(dataset, first, first + _FOLD) for first in range(0, 5 * _FOLD, _FOLD)]


def _refuse(protocol: str, images: int, data: Path, split: str) -> None:
    """Refuse splits whose figures could not be compared with published ones."""
    if split == "train":
        raise DataError(
            f"split is 'train'; protocol {protocol} must be given photos that were not trained on. "
            "Name --split val or test, or use --protocol all."
        )
    if images != _IMAGES[protocol]:
        hint = " MS-COCO's 5,000 test photos are the split testall." * protocol.startswith("coco")
        raise DataError(
            f"split {split!r} of {data} has {images} photos; protocol {protocol} needs "
            f"{_IMAGES[protocol]}.{hint} Name another split, or use --protocol all."
        )
    if protocol.startswith("coco") and split not in ("test", "testall"):
        raise DataError(
            f"split is {split!r}; protocol {protocol} must be given MS-COCO's 5,000 test photos. "
            "Name --split testall (test in Karpathy's JSON), or use --protocol all."
        )
    if protocol == "1k" and (data / "testall_caps.txt").exists():
        raise DataError(
            f"split {split!r} of {data} is 1,000 photos of MS-COCO, which no published protocol "
            "uses alone. Use --split testall with --protocol coco-1k-5fold, or --protocol all for "
            "these photos."
        )

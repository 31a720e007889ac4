"""Which files SCAN's published data sets are made of, how large they are, and checking them.

The features come from Anderson et al.'s bottom-up attention: 36 regions of 2,048 float32 numbers
a photo. Knows nothing of models.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.store.plain_arrays import map_array

SOURCE = "https://www.kaggle.com/datasets/kuanghueilee/scan-features"
REGIONS = 36
FEATURES = 2048
_HEADER = 128  # bytes before the numbers of a .npy file


class Split(NamedTuple):
    """Size of one split."""

    name: str
    rows: int
    """Rows of the features file."""
    captions: int


class OfficialSet(NamedTuple):
    """One of the published data sets."""

    folder: str
    title: str
    train: Split
    dev: Split
    test: Split
    protocol: str
    """How published figures on its test split are made."""


F30K = OfficialSet(
    "f30k_precomp",
    "Flickr30K",
    Split("train", 29_000, 145_000),
    Split("dev", 5_070, 5_070),
    Split("test", 5_000, 5_000),
    "1k",
)
COCO = OfficialSet(
    "coco_precomp",
    "MS-COCO",
    Split("train", 113_287, 566_435),
    Split("dev", 5_000, 5_000),
    Split("testall", 25_000, 25_000),
    "coco-1k-5fold",
)


def find_official(data: Path, wanted: OfficialSet) -> Path:
    """The data set's folder, checked: DATA itself or the folder of its name in DATA.

    Raises:
        DataError: a file is missing or not what it must be; the message names every such file,
            its size and where it is found.
    """
    folder = data / wanted.folder if (data / wanted.folder).is_dir() else data
    problems = list(_problems(folder, wanted))
    if problems:
        listed = "\n".join(f"  {line}" for line in problems)
        raise DataError(
            f"{wanted.title} in {folder} is not complete; it must hold SCAN's files:\n{listed}\n"
            f"Get them from {SOURCE} (folder {wanted.folder}) and run this again."
        )
    return folder


def _problems(folder: Path, wanted: OfficialSet) -> Iterator[str]:
    """One line for every file that is missing or wrong."""
    for split in (wanted.train, wanted.dev, wanted.test):
        yield from _check_features(folder / f"{split.name}_ims.npy", split)
        yield from _check_captions(folder / f"{split.name}_caps.txt", split)


def features_bytes(split: Split) -> int:
    """Size of a split's features file."""
    return _HEADER + split.rows * REGIONS * FEATURES * 4


def _check_features(path: Path, split: Split) -> Iterator[str]:
    shape = (split.rows, REGIONS, FEATURES)
    size = f"{features_bytes(split) / 1e9:.2f} GB"
    if not path.exists():
        yield f"{path.name}: missing; {size}, float32 {shape}"
        return
    try:
        array = map_array(path)
    except (OSError, ValueError) as error:
        yield (
            f"{path.name}: cannot be read ({error}); it has {path.stat().st_size} bytes and must "
            f"have {features_bytes(split)}"
        )
        return
    if array.shape != shape or array.dtype != np.float32:
        yield f"{path.name}: is {array.dtype} {array.shape}; it must be float32 {shape}, {size}"


def _check_captions(path: Path, split: Split) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name}: missing; {split.captions} lines, one caption each"
        return
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    while len(lines) > split.captions and not lines[-1].strip():
        lines.pop()  # an empty line at the end is no caption
    if len(lines) != split.captions:
        yield f"{path.name}: has {len(lines)} lines; it must have {split.captions}"

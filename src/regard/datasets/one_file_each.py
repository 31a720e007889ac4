"""Features that lie in a folder, one .npz or .npy file a photo, as many extractors leave them.

A .npy file is (regions, numbers). A .npz file has them as `features`, `x` or `feat`, perhaps the
other way round, and beside them what else is known: boxes in pixels as `bbox` or `boxes`, and the
photo's size as `image_w` and `image_h` (or `width` and `height`). Without boxes every region lies
over the whole photo. Rows of zeros at the end are padding. Nothing in the files is executed.
"""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from regard.datasets.importing import Row, regions_from
from regard.errors import DataError
from regard.store.plain_arrays import map_array
from regard.store.region_store import Regions

_SUFFIXES = (".npz", ".npy")
_FEATURES, _BOXES = ("features", "x", "feat"), ("bbox", "boxes")
_SIDES = (("image_w", "width"), ("image_h", "height"))


def files_in(folder: Path) -> list[Path]:
    """The files, those of subfolders too.

    Raises:
        DataError: there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise DataError(
            f"{folder} has no features; it must hold .npz or .npy files, one a photo. Check the "
            "path."
        )
    return files


def read_files(files: list[Path]) -> Iterator[tuple[Row, int]]:
    """The photo of every file, each with how many files have been read; its id is their name."""
    for number, path in enumerate(files, 1):
        try:
            row = Row(path.stem, _regions(path), "")
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            row = Row(path.stem, None, f"{path.name} cannot be read: {error}")
        yield row, number


def _regions(path: Path) -> Regions:
    if path.suffix.lower() == ".npy":
        return regions_from(_without_padding(map_array(path)), None, None)
    with np.load(path, allow_pickle=False) as archive:
        features, boxes = _found(archive, _FEATURES), _found(archive, _BOXES)
        width, height = (_found(archive, names) for names in _SIDES)
    if features is None:
        raise ValueError(f"it has none of {', '.join(_FEATURES)}")
    if boxes is not None and features.ndim == 2 and len(features) != len(boxes):
        features = features.T if features.shape[1] == len(boxes) else features
    features = _without_padding(features)
    boxes = None if boxes is None else boxes[: len(features)]
    size = None if width is None or height is None else (int(width), int(height))
    return regions_from(features, boxes, size)


def _found(archive: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    """The first array there is of several names."""
    return next((archive[name] for name in names if name in archive), None)


def _without_padding(features: np.ndarray) -> np.ndarray:
    """Rows of zeros at the end are left out, but for the first row."""
    if features.ndim != 2:  # which is told as what is wrong with it
        return features
    real = np.flatnonzero(features.any(1))
    return features[: real[-1] + 1 if len(real) else 1]

"""Features that lie in a folder, one .npz or .npy file a photo, as many extractors leave them.

A .npy file is (regions, numbers), a .npz file has them by name (`datasets.fields`). Nothing in the
files is executed.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from regard.datasets.fields import regions_of_fields, without_padding
from regard.datasets.importing import Row, regions_from
from regard.errors import DataError
from regard.store.plain_arrays import map_array
from regard.store.region_store import Regions

_SUFFIXES = (".npz", ".npy")


def files_in(folder: Path) -> list[Path]:
    """The files, those of subfolders too.

    Raises:
        DataError: there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise DataError(
            f"{folder} has no features; it must hold .npz or .npy files, one per photo, or an LMDB "
            "(data.mdb). Check the path."
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
        return regions_from(without_padding(map_array(path)), None, None)
    with np.load(path, allow_pickle=False) as archive:
        return regions_of_fields(archive)

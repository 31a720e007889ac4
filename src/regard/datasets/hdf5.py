"""Features of many photos in one HDF5 file, in the three forms they are kept in.

By row, as code for visual question answering keeps bottom-up features: `image_features` (photos,
regions, numbers), perhaps `image_bb` in pixels and `spatial_features` in parts of the photo, and
beside the file a pickle of the row of every id. Where photos have different numbers of regions,
`pos_boxes` has the first and the last row, exclusive, of each photo in arrays without a photo axis.

By group: one an id, with what `datasets.fields` names. By name: arrays ID, or ID_features beside
ID_boxes.

Needs h5py, of the extra `features`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regard.datasets.fields import BOXES, FEATURES, regions_of_fields
from regard.datasets.importing import Row
from regard.errors import CheckpointError, DataError
from regard.extras import bring
from regard.store.pickles import read_values
from regard.store.region_store import Regions

SUFFIXES = (".hdf5", ".h5")
_ROWS, _BOXES, _PARTS, _SPANS = "image_features", "image_bb", "spatial_features", "pos_boxes"
_PAIRED = f"_{FEATURES[0]}"
_IDS = ("ids", "image_ids", "image_id", "img_ids")
_ID_FILES = ("{}_imgid2idx.pkl", "{}_imgid2idx.json", "{}_ids.pkl", "{}_ids.json", "{}_ids.txt")
_LEAST = 1e-3  # part of a photo
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError)


def open_hdf5(path: Path, ids: Path | None = None) -> "Hdf5":
    """Open a file.

    Args:
        ids: of the rows: a pickle or JSON of an object from id to row, or of a list, or a text file
            of one id a line. None looks in the file, then beside it.

    Raises:
        ConfigError: h5py is missing.
        DataError: the file cannot be read, is of another form, or its ids are missing.
    """
    h5py = bring("h5py", "features", "HDF5 features")
    try:
        file = h5py.File(path, "r")
        return Hdf5(file, _row_of_id(file, path, ids) if _ROWS in file else _places(file))
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(
            f"{path} cannot be read ({error}); it must be an HDF5 file of {_ROWS}, of groups, or "
            "of arrays by id. Check the path."
        ) from None


class Hdf5:
    """The photos of an open file.

    Args:
        places: row, group or name of what is kept, by id.
    """

    def __init__(self, file: Any, places: Mapping[str, int] | Mapping[str, str]) -> None:
        self._file, self._places = file, places

    def __len__(self) -> int:
        """Photos."""
        return len(self._places)

    def rows(self) -> Iterator[tuple[Row, int]]:
        """The photos, each with how many have been read."""
        places: dict[str, Any] = dict(self._places)
        for number, (image_id, place) in enumerate(places.items(), 1):
            try:
                fields = self._at_row(place) if isinstance(place, int) else self._named(place)
                row = Row(image_id, _regions(fields), "")
            except _DAMAGE as error:
                row = Row(image_id, None, f"{image_id} cannot be read: {error}")
            yield row, number

    def _at_row(self, row: int) -> dict[str, Any]:
        part: Any = row
        if _SPANS in self._file:
            part = slice(*self._file[_SPANS][row].astype(int).tolist())
        names = {FEATURES[0]: _ROWS, BOXES[0]: _BOXES, _PARTS: _PARTS}
        return {name: self._file[key][part] for name, key in names.items() if key in self._file}

    def _named(self, place: str) -> dict[str, Any]:
        held = self._file.get(place)
        if held is None:
            keys = {name: f"{place}_{name}" for name in (FEATURES[0], *BOXES)}
            return {name: self._file[key][()] for name, key in keys.items() if key in self._file}
        if hasattr(held, "keys"):
            arrays = {name: array[()] for name, array in held.items() if hasattr(array, "shape")}
            return {**held.attrs, **arrays}
        return {FEATURES[0]: held[()]}


def _regions(fields: Mapping[str, Any]) -> Regions:
    """The regions, with the photo's size where boxes in pixels and in parts tell it together."""
    if BOXES[0] in fields and _PARTS in fields:
        ends, parts = fields[BOXES[0]][:, 2:4], fields[_PARTS][:, 2:4]
        if len(ends):
            width, height = np.rint(ends.max(0) / parts.max(0).clip(_LEAST)).astype(int)
            fields = {"width": width, "height": height, **fields}
    return regions_of_fields(fields)


def _places(file: Any) -> dict[str, str]:
    """Ids of groups and arrays, or of ID_features what stands before that."""
    named = list(_named(file))
    if not named:
        raise ValueError("it is empty")
    pairs = [name.removesuffix(_PAIRED) for name in named if name.endswith(_PAIRED)]
    return {name: name for name in pairs or named}


def _named(group: Any, above: str = "") -> Iterator[str]:
    """Names of what is kept; those that are file names may have folders."""
    for name, held in group.items():
        if hasattr(held, "keys") and not any(one in held for one in FEATURES):
            yield from _named(held, f"{above}{name}/")
        else:
            yield f"{above}{name}"


def _row_of_id(file: Any, path: Path, ids: Path | None) -> dict[str, int]:
    photos = len(file[_SPANS if _SPANS in file else _ROWS])
    inside = next((file[name][()].tolist() for name in _IDS if name in file), None)
    if ids is None and inside is not None:
        texts = [one.decode() if isinstance(one, bytes) else str(one) for one in inside]
        rows = {text: row for row, text in enumerate(texts)}
    else:
        rows = _read_ids(ids or _beside(path))
    if any(not 0 <= row < photos for row in rows.values()):
        raise ValueError(f"it has {photos} photos, and its ids are for others")
    return rows


def _beside(path: Path) -> Path:
    names = [name.format(path.stem) for name in _ID_FILES]
    found = next((name for name in names if path.with_name(name).is_file()), None)
    if found is None:
        raise DataError(
            f"{path} says not which photo is in which row; its ids must be beside it, as "
            f"{names[0]}. Name the file with --ids."
        )
    return path.with_name(found)


def _read_ids(path: Path) -> dict[str, int]:
    """The row of every id.

    Raises:
        DataError: the file cannot be read, or is of another form.
    """
    try:
        if path.suffix == ".txt":
            tree: Any = path.read_text(encoding="utf-8-sig").split()
        elif path.suffix == ".json":
            tree = json.loads(path.read_text(encoding="utf-8-sig"))
        else:
            tree = read_values(path.read_bytes())
        if isinstance(tree, list):
            tree = {one: row for row, one in enumerate(tree)}
        return {str(one): int(row) for one, row in tree.items()}
    except (OSError, ValueError, TypeError, AttributeError, CheckpointError) as error:
        raise DataError(
            f"ids in {path} cannot be read ({error}); they must be a pickle, JSON or text of one "
            "id a row. Name another file with --ids."
        ) from None

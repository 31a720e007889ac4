"""Bottom-up-attention features (.tsv) into a region store, boxes and all.

Columns, separated by tabs and without a header: image_id, image_w, image_h, num_boxes, boxes,
features; the last two are base64 of float32 numbers. Files of one box number or of many, further
columns at the end, and the doubled rows of the published files are all right.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.progress import Progress, silent
from regard.store.region_store import Regions, RegionStore

_SHARD_PHOTOS = 128
_COLUMNS = 6
_LARGEST = float(np.finfo(np.float16).max)  # the store keeps float16


class TsvRow(NamedTuple):
    """One line: a photo's regions, or why there are none."""

    image_id: str
    regions: Regions | None
    reason: str
    """Why the line could not be read; empty when it could."""


class TsvReport(NamedTuple):
    """What an import did."""

    imported: int
    already: int
    """Photos that were in the store before, or came twice in the file."""
    skipped: dict[str, str]
    """Lines that could not be read, with the reasons."""


def read_tsv(path: Path) -> Iterator[tuple[TsvRow, int]]:
    """Rows of a .tsv file, each with how many bytes of the file have been read.

    Raises:
        DataError: the file is missing.
    """
    try:
        file = path.open("rb")
    except OSError:
        raise DataError(f"features are {str(path)!r}; the file must exist. Check the path.") from (
            None
        )
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _parse(line.rstrip(b"\r\n"), f"line {number} of {path.name}"), file.tell()


def _parse(line: bytes, where: str) -> TsvRow:
    columns = line.split(b"\t")
    name = columns[0].decode("utf-8", "replace")
    try:
        if len(columns) < _COLUMNS:
            raise ValueError(f"it has {len(columns)} columns, not {_COLUMNS}")
        width, height, count = (int(float(value)) for value in columns[1:4])
        boxes = _numbers(columns[4]).reshape(count, 4)
        features = _numbers(columns[5]).reshape(count, -1)
        if not features.size or not np.abs(features).max() <= _LARGEST:
            raise ValueError("its features are empty, not finite or too large")
    except (ValueError, binascii.Error) as error:
        return TsvRow(name, None, f"{where} ({name[:40]!r}) cannot be read: {error}")
    scores = np.ones(count, np.float32)
    return TsvRow(name, Regions(features, boxes, scores, width, height), "")


def _numbers(text: bytes) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4")


def feature_dim(path: Path) -> int:
    """Numbers a region has, from the first line that can be read.

    Raises:
        DataError: there is none.
    """
    reason = "it is empty"
    for row, _ in read_tsv(path):
        if row.regions is not None:
            return int(row.regions.vectors.shape[1])
        reason = row.reason
    raise DataError(
        f"{path} has no features ({reason}); it must be a bottom-up-attention .tsv file. "
        "Check which file it is."
    )


def names_of_ids(captions: Path) -> dict[str, str]:
    """File names by the ids that .tsv files use, from a Karpathy JSON.

    MS-COCO's ids are the JSON's `cocoid`; Flickr30K's are the file name without its ending.

    Raises:
        DataError: the file is not Karpathy's JSON.
    """
    names: dict[str, str] = {}
    try:
        for image in json.loads(captions.read_text(encoding="utf-8-sig"))["images"]:
            name = "/".join(filter(None, (image.get("filepath"), image["filename"])))
            names[Path(image["filename"]).stem] = name
            if "cocoid" in image:
                names[str(image["cocoid"])] = name
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{captions} cannot be read ({error!r}); it must be Karpathy's JSON. Check the path."
        ) from None
    return names


def import_tsv(
    path: Path,
    store: RegionStore,
    names: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> TsvReport:
    """Add the photos of a .tsv file that a store lacks; run again to go on after a stop.

    Args:
        names: keys to store photos under, by image id; ids it lacks are kept as they are.
        progress: told bytes read and bytes in all.
    """
    size = path.stat().st_size
    imported = already = 0
    skipped: dict[str, str] = {}
    batch: dict[str, Regions] = {}
    for row, done in read_tsv(path):
        key = (names or {}).get(row.image_id, row.image_id)
        if row.regions is None:
            skipped[key] = row.reason
            store.skip(key, row.reason)
        elif row.regions.vectors.shape[1] != store.dim:
            skipped[key] = (
                f"{key}: its vectors have {row.regions.vectors.shape[1]} numbers, not {store.dim}"
            )
            store.skip(key, skipped[key])
        elif key in store or key in batch:
            already += 1
        else:
            batch[key] = row.regions
            imported += 1
        if len(batch) == _SHARD_PHOTOS:
            store.append(batch.items())
            batch = {}
        progress(done, size)
    store.append(batch.items())
    return TsvReport(imported, already, skipped)

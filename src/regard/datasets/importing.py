"""Features of others into a region store, photo by photo, whatever files they come in."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.progress import Progress, silent
from regard.store.region_store import Regions, RegionStore

_SHARD_PHOTOS = 128
_LARGEST = float(np.finfo(np.float16).max)  # the store keeps float16


class Row(NamedTuple):
    """One photo's regions, or why there are none."""

    image_id: str
    regions: Regions | None
    reason: str
    """Why they could not be read; empty when they could."""


class Report(NamedTuple):
    """What an import did."""

    imported: int
    already: int
    """Photos that were in the store before, or came twice."""
    skipped: dict[str, str]
    """Photos that could not be read, with the reasons."""


def regions_from(
    features: np.ndarray, boxes: np.ndarray | None, size: tuple[int, int] | None
) -> Regions:
    """Regions as a store keeps them.

    Args:
        boxes: in pixels; None puts every region over the whole photo.
        size: width and height; None takes what the boxes reach to.

    Raises:
        ValueError: says what is wrong with them.
    """
    if features.ndim != 2 or features.dtype.kind != "f":
        raise ValueError(
            f"its features are {features.dtype} of shape {features.shape}, not numbers of "
            "(regions, numbers)"
        )
    if not features.size or not np.abs(features).max() <= _LARGEST:
        raise ValueError("its features are empty, not finite or too large")
    count = len(features)
    if boxes is None:
        boxes = np.tile(np.array([0, 0, *(size or (1, 1))], np.float32), (count, 1))
    if len(boxes) != count:
        raise ValueError(f"it has {len(boxes)} boxes and {count} regions")
    if size is None:
        size = int(np.ceil(boxes[:, 2].max())), int(np.ceil(boxes[:, 3].max()))
    scores = np.ones(count, np.float32)
    vectors, boxes = np.array(features, np.float32), np.array(boxes, np.float32)
    return Regions(vectors, boxes, scores, *size)


def feature_dim(rows: Iterable[tuple[Row, int]], where: Path) -> int:
    """Numbers a region has, from the first photo that can be read.

    Raises:
        DataError: there is none.
    """
    reason = "it is empty"
    for row, _ in rows:
        if row.regions is not None:
            return int(row.regions.vectors.shape[1])
        reason = row.reason
    raise DataError(
        f"{where} has no features ({reason}); it must be a bottom-up-attention .tsv file, a "
        "folder of .npz or .npy files, one per photo, an HDF5 file or an LMDB. Check which it is."
    )


def import_rows(
    rows: Iterable[tuple[Row, int]],
    total: int,
    store: RegionStore,
    names: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Report:
    """Add the photos that a store lacks; run again to go on after a stop.

    Args:
        rows: each with how much has been read.
        total: how much there is.
        names: keys to store photos under, by image id; ids it lacks are kept as they are.
        progress: told how much has been read of how much.
    """
    imported = already = 0
    skipped: dict[str, str] = {}
    batch: dict[str, Regions] = {}
    for row, done in rows:
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
        progress(done, total)
    store.append(batch.items())
    return Report(imported, already, skipped)

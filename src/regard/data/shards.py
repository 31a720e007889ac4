"""Shard files of a region store: written whole or not at all, read by memory mapping.

One shard is a safetensors file with the vectors, the boxes and the scores of some photos, row
after row. Vectors are float16, or int8 with a scale for each, which is half of that. Knows one
file at a time; which photo has which rows is the store's matter.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int8, Shaped
from safetensors.numpy import save

from regard.errors import ShapeError, StoreError


class StoredRegions(NamedTuple):
    """The regions of one photo."""

    vectors: Float[np.ndarray, "region dim"]
    """Memory-mapped float16 when read from a store; float32 from a compressed one."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels of the original photo."""
    scores: Float[np.ndarray, " region"]
    """Confidence of each region."""
    width: int
    """Width of the photo in pixels; 0 where unknown."""
    height: int
    """Height of the photo in pixels; 0 where unknown."""


def check_regions(key: str, regions: StoredRegions, dim: int) -> None:
    """Refuse regions that cannot be stored.

    Raises:
        ShapeError: there are none, their arrays do not fit, or numbers are not finite.
    """
    count = len(regions.vectors)
    shapes = (regions.vectors.shape, regions.boxes.shape, regions.scores.shape)
    if shapes != ((count, dim), (count, 4), (count,)) or count == 0:
        raise ShapeError(
            f"regions of {key!r} have shapes {shapes}; they must be (R, {dim}), "
            "(R, 4) and (R,) with R at least 1. Look at the extractor."
        )
    if not np.isfinite(regions.vectors).all():
        raise ShapeError(
            f"regions of {key!r} hold values that are not finite; every one must be a "
            "number. Look at the extractor."
        )


class Shard(NamedTuple):
    """The arrays of one shard, row by row the same regions."""

    vectors: Shaped[np.ndarray, "row dim"]
    """As stored: float16, or int8."""
    boxes: Float[np.ndarray, "row 4"]
    scores: Float[np.ndarray, " row"]
    scales: Float[np.ndarray, " scaled"]
    """What int8 vectors are to be multiplied by, one a row; empty for float16."""

    def rows(self, start: int, stop: int) -> Float[np.ndarray, "region dim"]:
        """Some vectors: float16 in the mapped file, or float32 made from int8."""
        part = self.vectors[start:stop]
        return part * self.scales[start:stop, None] if len(self.scales) else part


def make_shard(batch: Sequence[StoredRegions], *, compressed: bool) -> Shard:
    """The arrays of a shard of some photos."""
    vectors = np.concatenate([np.asarray(regions.vectors) for regions in batch])
    scales = np.zeros(0, np.float32)
    if compressed:
        vectors, scales = to_int8(vectors)
    else:
        vectors = vectors.astype(np.float16, copy=False)
    boxes = np.concatenate([np.asarray(regions.boxes, np.float32) for regions in batch])
    scores = np.concatenate([np.asarray(regions.scores, np.float32) for regions in batch])
    return Shard(vectors, boxes, scores, scales)


def to_int8(
    vectors: Float[np.ndarray, "row dim"],
) -> tuple[Int8[np.ndarray, "row dim"], Float[np.ndarray, " row"]]:
    """Vectors as whole numbers of -127 to 127 times a scale each; compressing again is exact."""
    exact = np.asarray(vectors, np.float32)
    scales = np.abs(exact).max(1) / 127
    divisors = np.where(scales > 0, scales, 1)
    return np.rint(exact / divisors[:, None]).astype(np.int8), scales


def write_shard(folder: Path, number: int, arrays: Shard) -> tuple[str, str]:
    """Write a shard so that it exists whole or not at all, even through a power cut.

    The name carries the beginning of the checksum, so that no two contents ever share a name
    and a reader's cached mapping can never be that of another shard.

    Returns:
        The file's name and its sha256.
    """
    partial = folder / f"shard-{number:06d}.partial"
    with partial.open("wb") as file:
        present = {name: array for name, array in arrays._asdict().items() if len(array)}
        file.write(save(present))  # not save_file, whose files only their owner may read
        file.flush()
        os.fsync(file.fileno())
    checksum = digest(partial)
    path = folder / f"shard-{number:06d}-{checksum[:8]}.safetensors"
    partial.replace(path)
    _sync_folder(folder)
    return path.name, checksum


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def digest(path: Path) -> str:
    """Sha256 of a file in hex; "missing" where there is none."""
    if not path.exists():
        return "missing"
    with path.open("rb") as file:
        found = hashlib.sha256()
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def map_shard(path: Path) -> Shard:
    """Memory-map the arrays of a shard.

    Raises:
        StoreError: the file is missing or damaged.
    """
    kinds = {"F16": np.float16, "F32": np.float32, "I8": np.int8}
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        found: dict[str, np.ndarray] = {"scales": np.zeros(0, np.float32)}
        for name in set(Shard._fields) & set(header):
            entry = header[name]
            found[name] = np.memmap(
                path,
                kinds[entry["dtype"]],
                "r",
                8 + length + entry["data_offsets"][0],
                tuple(entry["shape"]),
            )
        return Shard(**found)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise StoreError(
            f"{path} is damaged or missing ({error}); it must be a whole shard. An index is "
            "mended by `regard index --check`; a region store must be deleted and made anew."
        ) from None

"""Shard files of a region store: written whole or not at all, read by memory mapping.

One shard is a safetensors file with the vectors, the boxes and the scores of some photos, row
after row, and what regions look like where that is known. Vectors are float16, or int8 with a
scale for each, which is half of that. Knows one file at a time; which photo has which rows is the
store's matter.
"""

import contextlib
import hashlib
import json
import mmap
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from regard.errors import ShapeError, StoreError
from regard.shapes import Float, Int, Shaped, UInt8, UInt16
from regard.store.atomic import sync, write_bytes
from regard.store.int8 import from_int8, to_int8

_FEW = 16  # photos here and there whose pages are in this process together
_UNLABELLED = np.iinfo(np.uint16).max  # first class of regions in a shard that have no labels


class RegionLabels(NamedTuple):
    """What a classifier takes regions for: their likeliest classes, best first."""

    classes: UInt16[np.ndarray, "region few"]
    """Numbers of the classes."""
    parts: UInt8[np.ndarray, "region few"]
    """How likely each is, in 255ths."""

    @classmethod
    def of(
        cls, classes: Int[np.ndarray, "region few"], likely: Float[np.ndarray, "region few"]
    ) -> "RegionLabels":
        """From probabilities."""
        return cls(classes.astype(np.uint16), np.rint(255 * likely).astype(np.uint8))

    @property
    def likely(self) -> Float[np.ndarray, "region few"]:
        """How likely each class is."""
        likely: np.ndarray = self.parts * np.float32(1 / 255)
        return likely

    def rows(self, part: slice | Sequence[int]) -> "RegionLabels":
        """Of some regions."""
        return RegionLabels(self.classes[part], self.parts[part])


class Text(NamedTuple):
    """A line of text that was read in a photo."""

    text: str
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels of the original photo, upright."""
    score: float
    """How sure the reader is, 0 to 1."""


class Regions(NamedTuple):
    """The regions of one photo: what an extractor finds, and the same embedded by a model."""

    vectors: Float[np.ndarray, "region dim"]
    """Features of an extractor, or embeddings. Float32; memory-mapped float16 from a store that
    is not compressed."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels of the original photo, upright (EXIF applied); no rows where
    unknown."""
    scores: Float[np.ndarray, " region"]
    """Confidence of each region, 0 to 1; 1 where the extractor has none."""
    width: int
    """Width of the original photo in pixels, upright; 0 where unknown."""
    height: int
    """Height of the original photo in pixels, upright; 0 where unknown."""
    labels: RegionLabels | None = None
    """What they look like, where a model with labels embedded them."""
    texts: tuple[Text, ...] = ()
    """Regions of another kind: what was read in the photo."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original photo in pixels."""
        return self.width, self.height


def check_regions(key: str, regions: Regions, dim: int) -> None:
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
    classes: UInt16[np.ndarray, "labelled few"] = np.zeros((0, 0), np.uint16)
    """Of the labels of the regions; empty where no photo of the shard has any."""
    parts: UInt8[np.ndarray, "labelled few"] = np.zeros((0, 0), np.uint8)

    def labels(self, rows: slice) -> RegionLabels | None:
        """Those of the regions of a photo; None where it has none."""
        if not len(self.classes) or self.classes[rows.start, 0] == _UNLABELLED:
            return None
        return RegionLabels(self.classes, self.parts).rows(rows)

    def rows(self, start: int, stop: int) -> Float[np.ndarray, "region dim"]:
        """Some vectors: float16 in the mapped file, or float32 made from int8."""
        part = self.vectors[start:stop]
        return from_int8(part, self.scales[start:stop]) if len(self.scales) else part

    def will_need(self, start: int, stop: int) -> None:
        """Have the system read some vectors and their scales while others are worked on.

        Left to itself it reads what is touched page by page, each after the other, or with each
        page megabytes around it that nobody wants.
        """
        whole = self.vectors.base
        if not isinstance(whole, mmap.mmap) or not hasattr(mmap, "MADV_WILLNEED"):
            return
        first = _address(np.frombuffer(whole, np.uint8))
        for array in (self.vectors, self.scales):
            if len(array):
                origin, row = _address(array) - first, array.nbytes // len(array)
                begin = (origin + start * row) // mmap.PAGESIZE * mmap.PAGESIZE
                whole.madvise(mmap.MADV_WILLNEED, begin, origin + stop * row - begin)

    def let_go(self) -> None:
        """Take the pages out of this process; the system may keep them, and they come back.

        Else a process that reads here and there seems to hold all of a large index in the end.
        """
        whole = self.vectors.base
        if isinstance(whole, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            whole.madvise(mmap.MADV_DONTNEED)


def make_shard(batch: Sequence[Regions], *, compressed: bool) -> Shard:
    """The arrays of a shard of some photos."""
    if compressed:  # photo by photo: what is between stays in the processor's cache
        whole, scales = zip(*(to_int8(np.asarray(r.vectors)) for r in batch), strict=True)
        packed = np.concatenate(whole), np.concatenate(scales)
    else:
        halves = [np.asarray(regions.vectors, np.float16) for regions in batch]
        packed = np.concatenate(halves), np.zeros(0, np.float32)
    boxes = np.concatenate([np.asarray(regions.boxes, np.float32) for regions in batch])
    scores = np.concatenate([np.asarray(regions.scores, np.float32) for regions in batch])
    return Shard(packed[0], boxes, scores, packed[1], *_labels_of(batch))


def _labels_of(batch: Sequence[Regions]) -> Sequence[np.ndarray]:
    """Classes and parts, of photos without labels the mark of these; nothing if none has any."""
    few = max((regions.labels.classes.shape[1] for regions in batch if regions.labels), default=0)
    if not few:
        return ()
    labels = [
        regions.labels
        or RegionLabels(
            np.full((len(regions.vectors), few), _UNLABELLED, np.uint16),
            np.zeros((len(regions.vectors), few), np.uint8),
        )
        for regions in batch
    ]
    return [np.concatenate(arrays) for arrays in zip(*labels, strict=True)]


def write_shard(folder: Path, number: int, arrays: Shard) -> tuple[str, str]:
    """Write a shard so that it exists whole or not at all, even through a power cut.

    The name carries the beginning of the checksum, so that no two contents ever share a name
    and a reader's cached mapping can never be that of another shard.

    Returns:
        The file's name and its sha256.
    """
    contents = shard_bytes(arrays)
    checksum = hashlib.sha256(contents).hexdigest()
    name = _name(number, checksum)
    write_bytes(folder / name, contents)
    return name, checksum


def shard_bytes(arrays: Shard) -> bytes:
    """Contents of a shard's file."""
    contents: bytes = save({n: array for n, array in arrays._asdict().items() if len(array)})
    return contents


def move_shard(path: Path, folder: Path, number: int) -> tuple[str, str]:
    """Move a written file into a store as a shard of that number, as one step.

    Returns:
        The file's name and its sha256.
    """
    checksum = digest(path)
    name = _name(number, checksum)
    path.replace(folder / name)
    sync(folder)
    return name, checksum


def _name(number: int, checksum: str) -> str:
    return f"shard-{number:06d}-{checksum[:8]}.safetensors"


def digest(path: Path) -> str:
    """Sha256 of a file in hex; "missing" where there is none."""
    if not path.exists():
        return "missing"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@contextlib.contextmanager
def reading(parts: Sequence[tuple[Shard, int, int]]) -> Iterator[None]:
    """Have the system read the vectors of some photos ahead, and let go of them afterwards."""
    for shard, start, count in parts:
        shard.will_need(start, start + count)
    yield
    let_go(parts)


def let_go(parts: Sequence[tuple[Shard, int, int]]) -> None:
    """Take the pages of some photos' shards out of this process."""
    for shard in {id(shard): shard for shard, _, _ in parts}.values():
        shard.let_go()


def in_turn(parts: Sequence[tuple[Shard, int, int]]) -> Iterator[tuple[Shard, int, int]]:
    """Some photos, a few of which are in this process at a time.

    With the pages of one, Linux maps those around it that it keeps in one piece: up to 2 MB.
    """
    for first in range(0, len(parts), _FEW):
        few = parts[first : first + _FEW]
        yield from few
        let_go(few)


def gather_rows(
    parts: Sequence[tuple[Shard, int, int]], dim: int, *, apart: bool = False
) -> tuple[Float[np.ndarray, "photo region dim"], Int[np.ndarray, " photo"]]:
    """Vectors of several photos, padded with zeros, and how many each has.

    Args:
        parts: the shard of each photo, where its vectors begin there and how many they are.
        apart: whether photos are here and there, so that their pages are worth letting go of.

    Returns:
        float16 as stored, or float32 made from int8.
    """
    counts = np.array([count for _, _, count in parts], np.int64)
    shape = (len(parts), int(counts.max(initial=0)))
    out = np.zeros((*shape, dim), parts[0][0].vectors.dtype if parts else np.float16)
    each = in_turn(parts) if apart else parts
    if out.dtype != np.int8:
        for row, (shard, start, count) in enumerate(each):
            out[row, :count] = shard.vectors[start : start + count]
        return out, counts
    scales = np.zeros((*shape, 1), np.float32)
    for row, (shard, start, count) in enumerate(each):
        out[row, :count] = shard.vectors[start : start + count]
        scales[row, :count, 0] = shard.scales[start : start + count]
    exact = out.astype(np.float32)
    exact *= scales
    return exact, counts


def rows_in_place(
    parts: Sequence[tuple[Shard, int, int]],
) -> Float[np.ndarray, "photo region dim"] | None:
    """The same without a copy, read-only, where float16 photos of one size follow one another."""
    shard, first, count = parts[0]
    together = all(
        part[0] is shard and part[1:] == (first + number * count, count)
        for number, part in enumerate(parts)
    )
    if not together or shard.vectors.dtype != np.float16:
        return None
    rows = shard.vectors[first : first + len(parts) * count]
    return rows.reshape(len(parts), count, -1)


def map_shard(path: Path) -> Shard:
    """Memory-map the arrays of a shard, all by one mapping.

    Raises:
        StoreError: the file is missing or damaged.
    """
    kinds: dict[str, type[np.generic]] = {"F16": np.float16, "F32": np.float32}
    kinds |= {"I8": np.int8, "U8": np.uint8, "U16": np.uint16}
    # a mapping needs no open file, and a large index has more shards than a process may have files
    untracked: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ, **untracked)
        arrays: dict[str, np.ndarray] = {"scales": np.zeros(0, np.float32)}
        for name in set(Shard._fields) & set(header):
            entry = header[name]
            at = 8 + length + entry["data_offsets"][0]
            arrays[name] = np.ndarray(tuple(entry["shape"]), kinds[entry["dtype"]], whole, at)
        return Shard(**arrays)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise StoreError(
            f"{path} is damaged or missing ({error}); it must be a whole shard. An index is "
            "mended by `regard index --check`; a region store must be deleted and made anew."
        ) from None

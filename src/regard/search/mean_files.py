"""What searches keep beside the shards of a large collection.

The means lie beside the shards, `means-N-CHECKSUM.safetensors` for `shard-N-CHECKSUM`, the groups
in `groups-N-CHECKSUM.npy`, read by memory mapping; discounts alone in
`discounts-N-CHECKSUM.safetensors`. They can always be made again from the shards, so they need no
transaction: a missing file is made, a stale one removed. Groups are written before their means,
and are not looked for without them.
"""

import io
from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from regard.model.background import Background
from regard.search import groups
from regard.shapes import Float, Int, Int8, UInt8
from regard.store.atomic import write_bytes
from regard.store.int8 import to_int8
from regard.store.region_store import RegionStore

EXHAUSTIVE = 10_000
"""Photos up to which every one is scored exactly."""


class Photos(NamedTuple):
    """The photos of one shard, in its order."""

    starts: Int[np.ndarray, " photo"]
    """Where each photo's regions begin."""
    counts: Int[np.ndarray, " photo"]


class Means(NamedTuple):
    """Mean regions of the photos of one shard, of some that are forgotten perhaps among them."""

    starts: Int[np.ndarray, " photo"]
    """Where each photo's regions begin in the shard, ascending."""
    vectors: Int8[np.ndarray, "photo dim"]
    """No numbers where every photo is scored: only discounts are needed then."""
    scales: Float[np.ndarray, " photo"]
    discounts: Float[np.ndarray, " photo"]
    background: UInt8[np.ndarray, " digit"]
    """Digest of what the discounts come from; no digits where there are none."""


def write_means(store: RegionStore, background: Background | None = None) -> None:
    """Put what searches need of all shards on disk, and remove that of shards there are no more.

    Only for a store's one writer.
    """
    wanted: set[str] = set()
    for number, photos in photos_by_shard(store).items():
        path, beside = _path(store, number), _groups_path(store, number)
        wanted |= {path.name, beside.name} if is_shortlisted(store) else {path.name}
        if load(store, number, photos, background) is None:
            means, of_groups = make(store, number, photos, background)
            if of_groups is not None:
                contents = io.BytesIO()
                np.save(contents, of_groups)
                write_bytes(beside, contents.getvalue(), durable=False)
            write_bytes(path, save(means._asdict()), durable=False)
    for path in chain.from_iterable(map(store.folder.glob, ("means-*", "groups-*", "discounts-*"))):
        if path.name not in wanted:
            path.unlink()


def is_shortlisted(store: RegionStore) -> bool:
    """Whether a search scores some of a store's photos only."""
    return len(store) > EXHAUSTIVE


def photos_by_shard(store: RegionStore) -> dict[int, Photos]:
    """Where the photos of every shard stand, by its number."""
    places = places_of(store, list(store))
    shards, starts, counts = places[np.lexsort((places[:, 1], places[:, 0]))].T.copy()
    numbers, first = np.unique(shards, return_index=True)
    borders = [*first.tolist(), len(shards)]
    return {
        number: Photos(starts[begin:end], counts[begin:end])
        for number, (begin, end) in zip(numbers.tolist(), pairwise(borders), strict=True)
    }


def places_of(store: RegionStore, keys: Sequence[str]) -> Int[np.ndarray, "photo 3"]:
    """Shard, first row and number of rows of each of many photos."""
    found = chain.from_iterable(store.place(key)[:3] for key in keys)
    return np.fromiter(found, np.int64, 3 * len(keys)).reshape(-1, 3)


def _path(store: RegionStore, number: int) -> Path:
    kind = "means-" if is_shortlisted(store) else "discounts-"
    return store.folder / store.file(number).replace("shard-", kind, 1)


def _groups_path(store: RegionStore, number: int) -> Path:
    name = store.file(number).replace("shard-", "groups-", 1)
    return (store.folder / name).with_suffix(".npy")


def group_directions(
    store: RegionStore, background: Background | None
) -> Float[np.ndarray, "dim few"]:
    """Along which groups of regions are kept."""
    return np.eye(store.dim, dtype=np.float32) if background is None else background.directions


def load(
    store: RegionStore, number: int, photos: Photos, background: Background | None
) -> tuple[Means, np.ndarray | None] | None:
    """Means of a shard, and groups where a search asks for them.

    Returns:
        None where a file is missing, damaged, stale, or lacks a photo.
    """
    groups_of = None
    try:
        found = Means(**load_file(_path(store, number)))
        if is_shortlisted(store):
            groups_of = np.load(_groups_path(store, number), mmap_mode="r")
    except (OSError, EOFError, SafetensorError, TypeError, ValueError):
        return None
    fits = holds_all(found.starts, photos) and found.background.tobytes() == _digest(background)
    if groups_of is not None:
        dtype = groups.dtype_of(group_directions(store, background).shape[1])
        fits = fits and groups_of.dtype == dtype
        fits = fits and np.array_equal(groups_of["start"], found.starts)
    return (found, groups_of) if fits else None


def holds_all(starts: Int[np.ndarray, " kept"], photos: Photos) -> bool:
    """Whether photos, by where they start, are among those of which something is kept."""
    places = np.searchsorted(starts[:-1], photos.starts)  # `np.isin` would load numpy.ma
    return len(starts) > 0 and bool((starts[places] == photos.starts).all())


def _digest(background: Background | None) -> bytes:
    return b"" if background is None else background.digest.encode()


def make(
    store: RegionStore, number: int, photos: Photos, background: Background | None
) -> tuple[Means, np.ndarray | None]:
    """Means of a shard from its regions, and groups where a search asks for them."""
    shard = store.shard(number)
    means = np.empty((len(photos.starts), store.dim), np.float32)
    for row, (start, count) in enumerate(zip(*photos, strict=True)):
        means[row] = shard.rows(start, start + count).mean(0, dtype=np.float32)
    codes = np.empty((len(means), 0), np.int8), np.zeros(len(means), np.float32)
    of_groups = None
    if is_shortlisted(store):
        of_groups = groups.make(shard.rows, *photos, group_directions(store, background))
        length = np.linalg.norm(means, axis=1, keepdims=True)
        codes = to_int8(means / np.maximum(length, 1e-12))
    discounts = np.zeros(len(means), np.float32)
    if background is not None:
        discounts = background.photo_discounts(means)
    digest = np.frombuffer(_digest(background), np.uint8)
    return Means(photos.starts, *codes, discounts, digest), of_groups

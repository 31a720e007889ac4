"""A split as training and evaluation see it: captions, and features of photos on demand.

Two forms fulfil it: a caption file beside a region store, and SCAN's own folders, which bring
their features. Knows nothing of models or batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from regard.datasets.captions import Captions, load_captions
from regard.datasets.folders import open_precomp
from regard.errors import DataError, ShapeError
from regard.shapes import Float, Int
from regard.store.region_store import Regions, RegionStore


class Dataset(Protocol):
    """Captioned photos of one split, with the raw features of their regions."""

    @property
    def captions(self) -> Captions:
        """Photos, sentences and which photo each sentence is of."""

    @property
    def feature_dim(self) -> int:
        """F, numbers a region has."""

    @property
    def producer(self) -> str:
        """Identity of the extractor that made the features; empty where unknown."""

    @property
    def skipped(self) -> dict[str, str]:
        """Photos and captions that were left out, with the reasons."""

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo region feature"], Int[np.ndarray, " photo"]]:
        """Features of several photos and how many regions each has.

        Args:
            photo_rows: indexes into `captions.photos`; a row may come more than once.

        Returns:
            Features padded with zeros, float16 or float32 as stored, and counts.
        """


class BoxedDataset(Dataset, Protocol):
    """A split that also knows where its regions lie."""

    def regions_of(self, photo_row: int) -> Regions:
        """One photo's regions with their boxes.

        Args:
            photo_row: index into `captions.photos`.
        """


@dataclass(frozen=True)
class StoreDataset:
    """A caption file's split beside a region store."""

    captions: Captions
    store: RegionStore
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def feature_dim(self) -> int:
        """F, numbers a region has."""
        return self.store.dim

    @property
    def producer(self) -> str:
        """Identity of the extractor that made the store."""
        return self.store.producer

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo region feature"], Int[np.ndarray, " photo"]]:
        """Features (float16) of several photos, padded with zeros, and their region counts."""
        return self.store.gather([self.captions.photos[row] for row in photo_rows])

    def regions_of(self, photo_row: int) -> Regions:
        """One photo's regions and where they lie."""
        return self.store[self.captions.photos[photo_row]]


def open_dataset(data: str | Path, split: str, regions: str | Path | None = None) -> BoxedDataset:
    """Open one split.

    Args:
        data: a Karpathy JSON, JSONL or CSV file, or a folder in SCAN's layout.
        split: train, val, test or all; train, dev (or val), test, testall for SCAN's folders.
        regions: region store with the photos of a caption file; none for SCAN's folders.

    Raises:
        DataError: files are missing or malformed, or a photo was never extracted.
        StoreError: the region store cannot be opened.
    """
    data = Path(data)
    if data.is_dir():
        if regions is not None:
            raise DataError(
                f"regions are {str(regions)!r}, but {data} brings its own features; there must "
                "be one source. Leave --regions out, or name a caption file."
            )
        return open_precomp(data, split)
    captions = load_captions(data, split)
    if regions is None:
        raise DataError(
            f"{data} has no region features; they must be in a region store. Name it with "
            "--regions, or make it with `regard extract`."
        )
    return pair(captions, RegionStore(Path(regions)))


def check_finite(
    dataset: Dataset,
    photo_rows: Sequence[int] | Int[np.ndarray, " photo"],
    features: Float[np.ndarray, "photo region feature"],
) -> None:
    """Refuse NaN and infinity in gathered features.

    Raises:
        ShapeError: names the first photo that has them.
    """
    finite = np.isfinite(features).all((1, 2))
    if not finite.all():
        photo = dataset.captions.photos[photo_rows[int(finite.argmin())]]
        raise ShapeError(
            f"features of photo {photo!r} are not finite somewhere; they must be ordinary numbers "
            "only. Extract the photo anew, correct its row, or remove it."
        )


def pair(captions: Captions, store: RegionStore) -> StoreDataset:
    """Captions with the store of their photos; photos that could not be read are left out.

    Raises:
        DataError: a photo is neither in the store nor among those it skipped.
    """
    unreadable = store.skipped()
    missing = [key for key in captions.photos if key not in store and key not in unreadable]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(captions.photos)} photos are not in {store.folder} (first: "
            f"{missing[0]!r}); every photo must be extracted. Run `regard extract` over them."
        )
    unread = {key: unreadable[key] for key in captions.photos if key not in store}
    if unread:
        captions = without(captions, unread)
    return StoreDataset(captions, store, {**captions.left_out, **unread})


def without(captions: Captions, photos: dict[str, str]) -> Captions:
    """Captions of the other photos, in their order."""
    kept: dict[str, list[str]] = {key: [] for key in captions.photos if key not in photos}
    for sentence, row in zip(captions.sentences, captions.photo_of_caption, strict=True):
        if captions.photos[row] in kept:
            kept[captions.photos[row]].append(sentence)
    return replace(Captions.of(kept), left_out=captions.left_out, doubts=captions.doubts)

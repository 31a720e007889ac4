"""Captions and the photos they are of, from Karpathy's JSON, JSONL or CSV.

Any number of captions a photo. Knows names of photos, not their pixels or features.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from regard.datasets.caption_files import Record, read_caption_file
from regard.errors import DataError
from regard.shapes import Int

_TRAIN_ALSO = ("restval",)  # Karpathy's COCO file: photos everyone trains on as well
_HELD_OUT = 10  # without a split column, one photo in ten is kept for val, by its name


@dataclass(frozen=True)
class Captions:
    """Captioned photos of one split."""

    photos: tuple[str, ...]
    """Keys of the photos."""
    sentences: tuple[str, ...]
    """All captions, those of one photo together, in the order of the photos."""
    photo_of_caption: Int[np.ndarray, " cap"]
    """Index into `photos` of each caption."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Captions and photos that cannot be used, with the reasons."""
    doubts: tuple[str, ...] = ()
    """What may be other than it was meant."""

    def __post_init__(self) -> None:
        """Refuse a split in which something has no partner."""
        counts = np.bincount(self.photo_of_caption, minlength=len(self.photos))
        if not self.photos or counts.min(initial=1) == 0:
            raise DataError(
                f"split has {len(self.photos)} photos and {len(self.sentences)} captions; there "
                "must be photos and each must have a caption. Check the caption file."
            )

    @classmethod
    def of(cls, captions_of_photo: dict[str, list[str]]) -> "Captions":
        """Captions from a mapping of photo to its sentences, in its order."""
        photos = tuple(captions_of_photo)
        sentences = tuple(s for photo in photos for s in captions_of_photo[photo])
        counts = [len(captions_of_photo[photo]) for photo in photos]
        return cls(photos, sentences, np.repeat(np.arange(len(photos)), counts))


def load_captions(path: Path, split: str) -> Captions:
    """Captions of one split of a Karpathy JSON, JSONL or CSV file.

    JSONL and CSV rows hold a file (or photo, image), a caption (or sentence, text) and, if there
    are splits, a split. Without splits, `val` is one photo in ten chosen by a checksum of its
    name, `train` the others, and `all` everything. Records that cannot be used, empty captions
    among them, are left out and named.

    Args:
        split: train, val, test or all. Karpathy's `restval` photos belong to train.

    Raises:
        DataError: the file is missing, malformed, or has no such split.
    """
    held = read_caption_file(path)
    captions_of_photo: dict[str, list[str]] = {}
    for record in held.records:
        if _in_split(record.split, record.photo, split):
            captions_of_photo.setdefault(record.photo, []).append(record.sentence)
    if not captions_of_photo:
        known = sorted({record.split or "train and val (by name)" for record in held.records})
        raise DataError(
            f"{path} has no captions in split {split!r}; it has {', '.join(known)}. "
            "Name one of these, or `all`."
        )
    left_out = {
        left.name: left.reason
        for left in held.left_out
        if left.split is None or _in_split(left.split, left.name, split)
    }
    doubts = (*held.doubts, *_overlaps(held.records, captions_of_photo, split))
    return replace(Captions.of(captions_of_photo), left_out=left_out, doubts=doubts)


def photo_names(path: Path) -> tuple[list[str], dict[str, str]]:
    """Names of all photos with captions in a file, each once, and what in it cannot be used."""
    held = read_caption_file(path)
    names = dict.fromkeys(record.photo for record in held.records)
    return list(names), {left.name: left.reason for left in held.left_out}


def _in_split(of: str | None, photo: str, split: str) -> bool:
    """Whether something of a split, by the photo's name where there are none, is wanted."""
    if of is None:
        held_out = hashlib.sha256(photo.encode()).digest()[0] % _HELD_OUT == 0
        of = "val" if held_out else "train"
    return split in ("all", of) or (split == "train" and of in _TRAIN_ALSO)


def _overlaps(records: Iterable[Record], photos: Container[str], split: str) -> Iterator[str]:
    """What is to be said of photos that are in another split as well."""
    others: dict[str, dict[str, None]] = {}
    for record in records:
        if record.photo in photos and not _in_split(record.split, record.photo, split):
            others.setdefault(str(record.split), {})[record.photo] = None
    for other, shared in others.items():
        number = "1 photo is" if len(shared) == 1 else f"{len(shared)} photos are"
        yield (
            f"{number} in {split} and in {other} (first: {next(iter(shared))!r}); a model trained "
            "on one is judged too well on the other"
        )

"""Captions and the photos they are of, from Karpathy's JSON, JSONL or CSV.

Any number of captions a photo. Knows names of photos, not their pixels or features.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from regard.errors import DataError

_TRAIN_ALSO = ("restval",)  # Karpathy's COCO file: photos everyone trains on as well
_FILE_NAMES = ("file", "filename", "photo", "image")
_CAPTION_NAMES = ("caption", "sentence", "text")
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


class _Row(NamedTuple):
    photo: str
    sentence: str
    split: str | None


def load_captions(path: Path, split: str) -> Captions:
    """Captions of one split of a Karpathy JSON, JSONL or CSV file.

    JSONL and CSV rows hold a file (or photo, image), a caption (or sentence, text) and, if there
    are splits, a split. Without splits, `val` is one photo in ten chosen by a checksum of its
    name, `train` the others, and `all` everything.

    Args:
        split: train, val, test or all. Karpathy's `restval` photos belong to train.

    Raises:
        DataError: the file is missing, malformed, or has no such split.
    """
    rows = list(_rows(path))
    kept = [row for row in rows if _in_split(row, split)]
    if not kept:
        known = sorted({row.split or "train and val (by name)" for row in rows})
        raise DataError(
            f"{path} has no captions in split {split!r}; it has {', '.join(known) or 'none'}. "
            "Name one of these, or `all`."
        )
    grouped: dict[str, list[str]] = {}
    for row in kept:
        grouped.setdefault(row.photo, []).append(row.sentence)
    return Captions.of(grouped)


def photo_names(path: Path) -> list[str]:
    """Names of all photos a caption file speaks of, each once, in its order."""
    return list(dict.fromkeys(row.photo for row in _rows(path)))


def _in_split(row: _Row, split: str) -> bool:
    if split == "all":
        return True
    if row.split is None:
        held_out = hashlib.sha256(row.photo.encode()).digest()[0] % _HELD_OUT == 0
        return split == ("val" if held_out else "train")
    return row.split == split or (split == "train" and row.split in _TRAIN_ALSO)


def _rows(path: Path) -> Iterator[_Row]:
    """Rows of a caption file, whatever its form."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".json":
                yield from _karpathy(json.load(file))
            elif path.suffix.lower() in (".jsonl", ".ndjson"):
                yield from _records((json.loads(line) for line in file if line.strip()), path)
            elif path.suffix.lower() == ".csv":
                yield from _records(csv.DictReader(file), path)
            else:
                raise DataError(
                    f"captions are {path.name!r}; they must be a .json (Karpathy), .jsonl or "
                    ".csv file, or a folder in SCAN's layout. Convert or rename the file."
                )
    except FileNotFoundError:
        raise DataError(
            f"captions are {str(path)!r}; the file must exist. Check the path."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}. It must be UTF-8 text.") from None


def _karpathy(tree: Any) -> Iterator[_Row]:
    """Rows of {"images": [{"filename", "split", "sentences": [{"raw"}]}]}."""
    try:
        for image in tree["images"]:
            name = "/".join(filter(None, (image.get("filepath"), image["filename"])))
            for sentence in image["sentences"]:
                yield _Row(name, sentence["raw"].strip(), image["split"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"JSON lacks {error}; it must be Karpathy's: images with filename, split and "
            "sentences with raw. Use JSONL or CSV for other forms."
        ) from None


def _records(records: Iterable[dict[str, Any]], path: Path) -> Iterator[_Row]:
    """Rows of JSONL objects or CSV lines."""
    for number, record in enumerate(records, 1):
        photo = _first(record, _FILE_NAMES, path, number)
        sentence = _first(record, _CAPTION_NAMES, path, number)
        yield _Row(photo, sentence, record.get("split") or None)


def _first(record: dict[str, Any], names: Sequence[str], path: Path, number: int) -> str:
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise DataError(
        f"record {number} of {path} has no {names[0]}; it must have one of {', '.join(names)}. "
        "Correct the record or the header."
    )

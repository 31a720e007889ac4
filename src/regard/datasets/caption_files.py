"""Caption files read record by record: Karpathy's JSON, JSONL and CSV.

A record that cannot be used is left out and named; only a file without any usable one is refused.
Knows nothing of what splits are for.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from regard.errors import DataError

_PHOTO_NAMES = ("file", "filename", "photo", "image")
_CAPTION_NAMES = ("caption", "sentence", "text")
_SHOWN = 40  # characters of a wrong value


class Record(NamedTuple):
    """One caption of one photo."""

    photo: str
    sentence: str
    split: str | None


class LeftOut(NamedTuple):
    """What cannot be used."""

    split: str | None
    """None where it is not known."""
    name: str
    """Where it stands in the file."""
    reason: str
    """A sentence that names it."""


@dataclass
class CaptionFile:
    """What a caption file holds."""

    records: list[Record] = field(default_factory=list)
    """In the order of the file; each has a sentence."""
    left_out: list[LeftOut] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    """What may be other than it was meant."""

    def add(self, photo: str, sentence: str, split: str | None, name: str) -> None:
        """Take a caption, or leave it out where it is empty."""
        if sentence.strip():
            self.records.append(Record(photo, sentence.strip(), split))
        else:
            self.leave_out(split, f"{name} of {photo}", "is empty")

    def leave_out(self, split: str | None, name: str, reason: str) -> None:
        """Say what cannot be used, and why."""
        self.left_out.append(LeftOut(split, name, f"{name} {reason}"))


class _UnusableError(ValueError):
    """A record cannot be used; the message goes on after its name."""


def read_caption_file(path: Path) -> CaptionFile:
    """All captions of a file, by its ending: .json (Karpathy), .jsonl or .csv.

    Raises:
        DataError: the file is missing, is not text of that form, or has no usable record.
    """
    readers = {".json": _karpathy, ".jsonl": _lines, ".ndjson": _lines, ".csv": _table}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"captions are {path.name!r}; they must be a .json (Karpathy), .jsonl or .csv file, "
            "or a folder in SCAN's layout. Convert or rename the file."
        )
    held = CaptionFile()
    reader(_text(path), path, held)
    if not held.records:
        first = held.left_out[0].reason if held.left_out else "it is empty"
        raise DataError(
            f"{path} has no caption that can be used: {first}; each must have a photo and a "
            "sentence. Correct the file."
        )
    return held


def _text(path: Path) -> str:
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"captions are {str(path)!r}; the file must exist. Check the path."
        ) from None
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = contents.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} cannot be read: {error.reason} in line {line}; it must be UTF-8 text. "
            "Save it as UTF-8."
        ) from None


# ---- Karpathy's JSON


def _karpathy(text: str, path: Path, held: CaptionFile) -> None:
    """Read {"images": [{"filename", "split", "sentences": [{"raw"}]}]}."""
    try:
        images = json.loads(text)["images"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read: {error}; it must be Karpathy's JSON: images with filename, "
            "split and sentences with raw. Use JSONL or CSV for other forms."
        ) from None
    for number, image in enumerate(images if isinstance(images, list) else [images], 1):
        try:
            _image(_object(image), held)
        except _UnusableError as error:
            name = f"image {number} of {path.name}, which must be Karpathy's,"
            held.leave_out(None, name, str(error))


def _image(image: dict[str, Any], held: CaptionFile) -> None:
    folder, file = image.get("filepath"), _string(image, "filename")
    photo = f"{_string(image, 'filepath')}/{file}" if folder else file
    split, sentences = _string(image, "split"), image.get("sentences")
    if not isinstance(sentences, list):
        raise _UnusableError("has no list of sentences")
    if not sentences:
        held.leave_out(split, photo, "has no caption")
    for number, sentence in enumerate(sentences, 1):
        name = f"caption {number}"
        try:
            raw = _string(_object(sentence), "raw", may_be_empty=True)
            held.add(photo, raw, split, name)
        except _UnusableError as error:
            held.leave_out(split, f"{name} of {photo}", str(error))


# ---- JSONL and CSV


def _lines(text: str, path: Path, held: CaptionFile) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        name = f"line {number} of {path.name}"
        try:
            if line.strip():
                _add_flat(_object(_parsed(line)), name, held)
        except _UnusableError as error:
            held.leave_out(None, name, str(error))


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"is not JSON ({error})") from None


def _table(text: str, path: Path, held: CaptionFile) -> None:
    header: list[str] = []
    long: list[int] = []
    for first, last, fields in _fields(text, path):
        name = f"line {first} of {path.name}"
        if not header and isinstance(fields, list):
            header = _header(fields, path)
            continue
        long += [first] * (last > first)
        try:
            if isinstance(fields, str):
                raise _UnusableError(f"cannot be read ({fields})")
            _add_flat(_named(header, fields), f"caption in {name}", held)
        except _UnusableError as error:
            held.leave_out(None, name, str(error))
    if long:
        number = "1 record goes" if len(long) == 1 else f"{len(long)} records go"
        held.doubts.append(
            f"{number} over several lines of {path.name} (first: line {long[0]}); a quotation mark "
            "may be missing"
        )


def _fields(text: str, path: Path) -> Iterator[tuple[int, int, list[str] | str]]:
    """First and last line of each record with its fields, or with why it has none.

    Raises:
        DataError: a quotation mark is not closed; nobody knows where its record was to end.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > first or "end of data" in str(error):
                raise DataError(
                    f"line {first} of {path} cannot be read ({error}); its quotation mark must be "
                    "closed. Close it, or double it where it belongs to the caption."
                ) from None
            yield first, first, str(error)
        else:
            if fields:
                yield first, reader.line_num, fields


def _header(fields: Sequence[str], path: Path) -> list[str]:
    """Names of the columns, refused where photos or captions have none."""
    names = [name.strip().lower() for name in fields]
    for wanted in (_PHOTO_NAMES, _CAPTION_NAMES):
        if not set(wanted) & set(names):
            raise DataError(
                f"{path} has the columns {', '.join(names)}; it has no {wanted[0]}, and must have "
                f"one of {', '.join(wanted)}, with commas between. Correct the header."
            )
    return names


def _named(header: Sequence[str], fields: Sequence[str]) -> dict[str, Any]:
    if any(value.strip() for value in fields[len(header) :]):
        raise _UnusableError(
            f"has {len(fields)} fields where the header has {len(header)}; a caption with commas "
            "must stand in quotation marks"
        )
    return dict(zip(header, fields, strict=False))


def _add_flat(record: dict[str, Any], name: str, held: CaptionFile) -> None:
    """Take an object with a photo, a caption and perhaps a split."""
    photo = _string(record, *_PHOTO_NAMES)
    split = _string(record, "split") if record.get("split") else None
    held.add(photo, _string(record, *_CAPTION_NAMES, may_be_empty=True), split, name)


# ---- values


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _UnusableError(f"is {_shown(value)}; it must be an object")


def _string(record: dict[str, Any], *names: str, may_be_empty: bool = False) -> str:
    """The first value that is not empty among those of some names, stripped."""
    values = [record[name] for name in names if record.get(name) is not None]
    value = next((value for value in values if value != ""), "")
    if not isinstance(value, str):
        raise _UnusableError(f"has {_shown(value)} for its {names[0]}; it must be text")
    if not value.strip() and not (may_be_empty and values):
        raise _UnusableError(f"has no {names[0]}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _UnusableError(f"has half a character in its {names[0]}") from None
    return value.strip()


def _shown(value: Any) -> str:
    """A value as JSON, cut short."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

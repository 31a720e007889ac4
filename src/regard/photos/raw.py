"""Raw files of cameras, by the JPEG that every camera puts into them.

Knows bytes: the preview is the largest JPEG in the file that can be read, whatever the maker's
format. Its turn and date come from the file's own TIFF header where the preview has none.
"""

import io
from collections.abc import Container, Iterator
from typing import NamedTuple

from PIL import Image

ENDINGS = (
    *(".dng", ".raw", ".arw", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".orf", ".pef", ".raf"),
    *(".rw2", ".sr2", ".srw", ".3fr", ".dcr", ".kdc", ".x3f"),
)
_START = b"\xff\xd8\xff"
_LEAST = 160  # pixels on the short side; less is a thumbnail for the camera's own screen
_MOST = 64  # JPEGs looked at in one file


_DNG_VERSION, _SUB_IFDS, _MAKE = 0xC612, 0x014A, 0x010F


def is_raw(tags: Container[int]) -> bool:
    """Whether a TIFF with some tags is a camera's raw file, whose first picture is a thumbnail."""
    return _DNG_VERSION in tags or (_SUB_IFDS in tags and _MAKE in tags)


class Preview(NamedTuple):
    """The JPEG of a raw file."""

    data: bytes
    exif: Image.Exif | None
    """Of the raw file, where the JPEG has none itself."""


def find_preview(data: bytes) -> Preview | None:
    """The largest JPEG in a raw file; None where there is none worth showing.

    Args:
        data: of the whole file.
    """
    best, size = b"", 0
    for start in _starts(data):
        try:
            with Image.open(io.BytesIO(data[start:]), formats=("JPEG",)) as image:
                width, height = image.size
        except Exception:  # noqa: BLE001 - three bytes that look like a start, and are none
            continue
        if min(width, height) >= _LEAST and width * height > size:
            best, size = data[start:], width * height
    if not best:
        return None
    with Image.open(io.BytesIO(best)) as image:
        own = bool(image.getexif())
    return Preview(best, None if own else _exif(data))


def _starts(data: bytes) -> Iterator[int]:
    place = -1
    for _ in range(_MOST):
        place = data.find(_START, place + 1)
        if place < 0:
            return
        yield place


def _exif(data: bytes) -> Image.Exif | None:
    """What a raw file that begins as a TIFF says beside its pixels."""
    if data[:4] not in (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"IIU\0"):
        return None
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + (data[:2] + (b"*\0" if data[:2] == b"II" else b"\0*") + data[4:]))
    except Exception:  # noqa: BLE001 - damaged metadata costs itself only
        return None
    return exif

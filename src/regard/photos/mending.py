"""Photo files that are whole but for what is beside the pixels, or but for their last bytes.

A text, a profile or a checksum that cannot be read must not cost the photo. Knows bytes only.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_PNG, _JPEG, _END = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd9"
_PNG_NEEDED = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PNG_KEPT = (*_PNG_NEEDED, b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT")
_WEBP_KEPT = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_SCAN = 0xDA


class Mended(NamedTuple):
    """Another form of a file."""

    data: bytes
    is_cut: bool
    """Whether an end was put to it, so that some of the picture may be missing."""


def mended(data: bytes) -> Iterator[Mended]:
    """Forms of a file that could not be decoded that perhaps can: without side information.

    A JPEG whose last scan is all that can be missing also with an end.
    """
    if data.startswith(_PNG):
        yield Mended(_png_of(data, _PNG_KEPT), False)
        yield Mended(_png_of(data, _PNG_NEEDED), False)
    elif data.startswith(_JPEG):
        plain = _jpeg_without_notes(data)
        yield Mended(plain, False)
        if _shows_all(plain):
            yield Mended(plain + _END, True)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        yield Mended(_webp_without_notes(data), False)


def _png_of(data: bytes, names: tuple[bytes, ...]) -> bytes:
    """Its chunks of some names."""
    kept, place = [_PNG], len(_PNG)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        if data[place + 4 : place + 8] in names:
            kept.append(data[place : place + 12 + size])
        place += 12 + size
    return b"".join(kept)


def _webp_without_notes(data: bytes) -> bytes:
    kept, place = [], 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        size += size % 2
        if name in _WEBP_KEPT:
            kept.append(data[place : place + 8 + size])
        place += 8 + size
    body = b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _jpeg_without_notes(data: bytes) -> bytes:
    """The segments before the first scan but notes and profiles; those of Exif and Adobe stay."""
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != _SCAN:
        marker = data[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        segment = data[place : place + 2 + size]
        is_note = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if not is_note or marker == 0xEE or segment[4:8] == b"Exif":
            kept.append(segment)
        place += 2 + size
    kept.append(data[place:])
    return b"".join(kept)


def _shows_all(data: bytes) -> bool:
    """Whether the last scan of a JPEG is its only one, or refines what is there by the last bit."""
    start = data.rfind(b"\xff\xda")
    if start < 0 or start + 5 > len(data):
        return False
    components = data[start + 4]
    spectrum = data[start + 5 + 2 * components : start + 8 + 2 * components]
    if len(spectrum) < 3:
        return False
    is_only_one = spectrum == b"\x00\x3f\x00"
    is_last_bit = spectrum[0] > 0 and spectrum[2] >> 4 > 0 and spectrum[2] & 15 == 0
    return is_only_one or is_last_bit

"""Reading photos right, whatever their format.

Knows files and pixels. Every photo comes out upright, RGB, 8 bits; what cannot be read is a
`PhotoError` that names the file, the reason and a remedy.
"""

import struct
import warnings
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from regard.errors import AbsentError, PhotoError

MAX_PIXELS = 180_000_000  # more is refused: a small file can hide a huge picture
MIN_SIDE = 8
# All that Pillow's decoders were seen to raise on damaged files, and its like
_DAMAGE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError),
    *(RuntimeError, ArithmeticError, AssertionError, MemoryError, struct.error),
)
_ORIENTATION, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x0112, 0x8769, 0x9003
_DRAFT_MARGIN = 2  # a JPEG is decoded at no less than twice the pixels asked for


class Photo(NamedTuple):
    """A decoded photo."""

    image: Image.Image
    """Upright RGB pixels, perhaps reduced while decoding."""
    width: int
    """Width of the original in pixels, upright."""
    height: int
    """Height of the original in pixels, upright."""
    taken: datetime | None = None
    """When it was taken by its camera's clock (EXIF DateTimeOriginal); None where not told."""


def read_photo(
    source: Path | BinaryIO, short_side: int | None = None, name: str | None = None
) -> Photo:
    """Decode one photo.

    Args:
        source: a file's path, or an open binary file.
        short_side: pixels needed on the short side; large JPEGs are then decoded reduced, to
            at least twice that. None decodes everything.
        name: what errors call it; None takes the path.

    Raises:
        PhotoError: broken, empty, no photo at all, too small or too large.
        AbsentError: not there, or not to be read now.
    """
    name = name or (str(source) if isinstance(source, Path) else "photo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's notes on odd metadata and on size
            with Image.open(source) as image:
                return _decode(image, name, short_side)
    except PhotoError:
        raise
    except FileNotFoundError:
        raise AbsentError(f"{name} does not exist; it must be a photo. Check the path.") from None
    except UnidentifiedImageError:
        if isinstance(source, Path) and source.stat().st_size == 0:
            raise PhotoError(
                f"{name} holds nothing (0 bytes); it must be a photo. Copy it again, or remove it."
            ) from None
        raise PhotoError(
            f"{name} is not a photo in a known format; it must be one Pillow reads. "
            "Convert it to JPEG or PNG, or leave it out."
        ) from None
    except Image.DecompressionBombError:
        raise PhotoError(_too_large(name)) from None
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not Pillow's
            raise AbsentError(
                f"{name} cannot be read ({error.strerror}); it must be a file you may read. "
                "Check the path, its permissions and its medium."
            ) from None
        raise PhotoError(
            f"{name} is damaged ({error}); it must be a whole file. Restore it or leave it out."
        ) from error


def _too_large(name: str) -> str:
    return (
        f"{name} has too many pixels; it must have at most {MAX_PIXELS // 10**6} million. "
        "Reduce the photo first."
    )


def _decode(image: Image.Image, name: str, short_side: int | None) -> Photo:
    """Pixels of an opened image, upright and RGB, with the original's size."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PhotoError(_too_large(name))
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{name} is {width} x {height} pixels; it must have at least {MIN_SIDE} each way. "
            "Leave it out."
        )
    if short_side is not None and image.format == "JPEG":
        factor = _DRAFT_MARGIN * short_side / min(width, height)
        image.draft("RGB", (round(width * factor), round(height * factor)))
    image.load()
    exif = image.getexif()
    if exif.get(_ORIENTATION, 1) in (5, 6, 7, 8):
        width, height = height, width
    upright = ImageOps.exif_transpose(image)
    return Photo(_to_rgb(upright), width, height, _taken(exif))


def _taken(exif: Image.Exif) -> datetime | None:
    """DateTimeOriginal of a photo; None where it is missing or no date."""
    try:
        text = str(exif.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL, ""))
        return datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except _DAMAGE:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    """Eight-bit RGB; transparency over white, 16-bit and float scaled to their range."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max()), 1e-12)
        grey = (values / max(top, float(values.max())) * 255).clip(0, 255)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")

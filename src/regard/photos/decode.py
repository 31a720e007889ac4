"""Reading photos right, whatever their format.

Knows files and pixels. Every photo comes out upright, RGB, 8 bits; what cannot be read is a
`PhotoError` that names the file, the reason and a remedy.
"""

import io
import warnings
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, UnidentifiedImageError

from regard.errors import AbsentError, PhotoError
from regard.photos.formats import formats, kind_of, missing_extra
from regard.photos.meaning import prepare, to_rgb
from regard.photos.mending import Mended, mended
from regard.photos.pages import go_to_photo
from regard.photos.raw import find_preview, is_raw

MAX_PIXELS = 180_000_000  # more is refused: a small file can hide a huge picture
MIN_SIDE = 8
_ORIENTATION, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x0112, 0x8769, 0x9003
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DRAFT_MARGIN = 2  # a JPEG is decoded at no less than twice the pixels asked for
_JPEG = b"\xff\xd8"
_NOTHING = (128, 128, 128)  # what a JPEG's decoder puts where nothing came
_MOST_MISSING = 0.05  # of the rows of a picture that is taken all the same


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
    source: Path | BinaryIO,
    short_side: int | None = None,
    name: str | None = None,
    max_pixels: int | None = None,
) -> Photo:
    """Decode one photo.

    What is beside the pixels (texts, profiles, dates, a missing end) never costs the photo. Of
    an animation or a file of several pages one picture is read.

    Args:
        source: a file's path, or an open binary file.
        short_side: pixels needed on the short side; large JPEGs are then decoded reduced, to
            at least twice that. None decodes everything.
        name: what errors call it; None takes the path.
        max_pixels: larger photos are refused before they are decoded; None takes MAX_PIXELS.

    Raises:
        PhotoError: broken, empty, no photo at all, too small or too large.
        AbsentError: not there, or not to be read now.
    """
    name = name or (str(source) if isinstance(source, Path) else "photo")
    wanted = _Wanted(name, short_side, MAX_PIXELS if max_pixels is None else max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's notes on odd metadata and on size
            return _read(source, wanted)
    except PhotoError:
        raise
    except Exception as error:
        raise _explained(error, wanted, _head(source)) from error


class _RawError(Exception):
    """A raw file: its preview is to be read, not the thumbnail before it."""


class _Wanted(NamedTuple):
    """How a photo is to be read."""

    name: str
    short_side: int | None
    max_pixels: int


def _read(source: Path | BinaryIO, wanted: _Wanted) -> Photo:
    """Decode a photo, at the second try without what is beside its pixels.

    Raises:
        PhotoError: it is too small or too large.
        Exception: anything that a decoder raises.
    """
    start = 0 if isinstance(source, Path) else source.tell()
    try:
        return _open(source, wanted)
    except (PhotoError, MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not Pillow's
            raise
        data = _bytes_of(source, start)
        preview = None if data.startswith(_JPEG) else find_preview(data)
        if preview is not None:
            with Image.open(io.BytesIO(preview.data), formats=("JPEG",)) as image:
                return _decode(image, wanted, preview.exif)
        for form in mended(data):
            photo = _opened_whole(form, wanted)
            if photo is not None:
                return photo
        raise


def _bytes_of(source: Path | BinaryIO, start: int) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    source.seek(start)
    return source.read()


def _head(source: Path | BinaryIO) -> bytes | None:
    """The first bytes of a file; None where it cannot be read."""
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                return file.read(12)
        source.seek(0)
        return source.read(12)
    except (OSError, ValueError):
        return None


def _opened_whole(form: Mended, wanted: _Wanted) -> Photo | None:
    """The photo in mended bytes; None where it cannot be decoded or too much of it is missing."""
    try:
        photo = _open(io.BytesIO(form.data), wanted)
    except Exception:  # noqa: BLE001 - the first error is the one to tell
        return None
    if not form.is_cut:
        return photo
    image = photo.image
    rows = max(1, int(_MOST_MISSING * image.height))
    bottom = image.crop((0, image.height - rows, image.width, image.height))
    is_missing = bottom.getextrema() == tuple((level, level) for level in _NOTHING)
    return None if is_missing else photo


def _open(source: Path | BinaryIO, wanted: _Wanted) -> Photo:
    with Image.open(source, formats=formats()) as image:
        if is_raw(getattr(image, "tag_v2", {})):  # of a TIFF
            raise _RawError
        return _decode(image, wanted)


def _explained(error: Exception, wanted: _Wanted, head: bytes | None) -> PhotoError:
    """The error of a photo that could not be decoded, as its owner should read it.

    Args:
        head: the file's first bytes.
    """
    name = wanted.name
    if isinstance(error, FileNotFoundError):
        return AbsentError(f"{name} does not exist; it must be a photo. Check the path.")
    if isinstance(error, MemoryError):
        return AbsentError(
            f"{name} takes more memory to decode than there is; it must take less. "
            "Reduce the photo first."
        )
    if isinstance(error, Image.DecompressionBombError):
        return PhotoError(_too_large(wanted))
    if isinstance(error, OSError) and error.errno is not None:  # the system's, not Pillow's
        return AbsentError(
            f"{name} cannot be read ({error.strerror}); it must be a file you may read. "
            "Check the path, its permissions and its medium."
        )
    if head == b"":
        return PhotoError(
            f"{name} holds nothing (0 bytes); it must be a photo. Copy it again, or remove it."
        )
    if isinstance(error, _RawError | UnidentifiedImageError):
        raw = isinstance(error, _RawError)
        return PhotoError(_unknown(name, *(("raw file", "") if raw else kind_of(head or b""))))
    reason = "its end is missing" if "truncated" in str(error) else str(error) or type(error)
    return PhotoError(
        f"{name} is damaged ({reason}); it must be a whole file. Restore it or leave it out."
    )


def _unknown(name: str, kind: str, ending: str) -> str:
    if not kind:
        return (
            f"{name} is not a photo in a known format; it may be damaged, or no photo at all. "
            "Convert it to JPEG or PNG, or leave it out."
        )
    extra = missing_extra(ending)
    how = (
        "Convert it to JPEG or PNG, or restore it if it is damaged."
        if extra is None
        else f"Install what reads it: pip install 'regard[{extra}]'"
    )
    return f"{name} is a {kind} of a kind that cannot be read; it must be one Pillow reads. {how}"


def _too_large(wanted: _Wanted) -> str:
    return (
        f"{wanted.name} has too many pixels; it must have at most "
        f"{wanted.max_pixels // 10**6} million. "
        "Reduce the photo first."
    )


def _decode(image: Image.Image, wanted: _Wanted, exif: Image.Exif | None = None) -> Photo:
    """Pixels of an opened image, upright and RGB, with the original's size.

    Args:
        exif: what is said of it elsewhere; None takes its own.
    """
    _check_size(image, wanted)
    go_to_photo(image, to_rgb)
    _check_size(image, wanted)
    width, height = image.size
    if wanted.short_side is not None and image.format in ("JPEG", "MPO"):
        factor = _DRAFT_MARGIN * wanted.short_side / min(width, height)
        image.draft("RGB", (round(width * factor), round(height * factor)))
    was_cut = prepare(image)
    image.load()
    turn, taken = _turn_and_date(image, exif)
    if image.format == "TIFF":
        width, height = image.size  # turned by its decoder
    if turn in (5, 6, 7, 8):
        width, height = height, width
    pixels = to_rgb(image, was_cut=was_cut)
    return Photo(pixels.transpose(_TURNS[turn]) if turn in _TURNS else pixels, width, height, taken)


def _check_size(image: Image.Image, wanted: _Wanted) -> None:
    """Refuse a picture that is too large or too small.

    Raises:
        PhotoError: it is.
    """
    width, height = image.size
    if width * height > wanted.max_pixels:
        raise PhotoError(_too_large(wanted))
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{wanted.name} is {width} x {height} pixels; it must have at least {MIN_SIDE} each "
            "way. Leave it out."
        )


def _turn_and_date(image: Image.Image, given: Image.Exif | None) -> tuple[int, datetime | None]:
    """How a loaded picture is to be turned (EXIF Orientation), and when it was taken."""
    try:
        exif = image.getexif() if given is None else given
        turn = exif.get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged metadata costs itself only
        return 1, None
    try:
        text = str(exif.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL, ""))
        taken = datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except Exception:  # noqa: BLE001 - the same
        taken = None
    return turn if turn in range(1, 9) else 1, taken

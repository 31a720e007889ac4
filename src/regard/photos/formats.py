"""Which kinds of files are photos that can be read, by their endings and by Pillow's names.

Knows names only; opens no photo.
"""

import functools
import importlib
import importlib.util
import os
import re
import unicodedata
from collections.abc import Collection, Iterable

from PIL import features

from regard.photos import raw

_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".avif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
)
_EXTRAS = {  # module that an extra brings, Pillow's name of the format, endings
    "heif": ("pi_heif", "HEIF", (".heic", ".heif", ".hif")),
    "jxl": ("pillow_jxl", "JXL", (".jxl",)),
}
_OF_EXTRAS = {ending: extra for extra, (*_, some) in _EXTRAS.items() for ending in some}
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000")  # and MPO
_OTHER_PHOTOS = (*_OF_EXTRAS, ".psd")
_PARTS = (".mov", ".aae", ".xmp")  # of what phones and editors put beside a photo of that name
_KINDS = {  # name and usual ending by how files begin
    b"\xff\xd8\xff": ("JPEG", ".jpg"),
    b"\x89PNG\r\n\x1a\n": ("PNG", ".png"),
    b"GIF8": ("GIF", ".gif"),
    b"BM": ("BMP", ".bmp"),
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ("TIFF", ".tif")),
    **dict.fromkeys((b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"), ("PNM", ".pnm")),
    b"\0\0\0\x0cjP  ": ("JPEG 2000", ".jp2"),
    b"\xffO\xffQ": ("JPEG 2000", ".j2k"),
    **dict.fromkeys((b"\xff\n", b"\0\0\0\x0cJXL "), ("JPEG XL", ".jxl")),
}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), ("AVIF", ".avif")),
    **dict.fromkeys((b"heic", b"heix", b"mif1", b"msf1", b"hevc"), ("HEIC", ".heic")),
}
_SHORT_ENDING = re.compile(r"\.[a-z0-9_-]{1,8}(\(\d{1,3}\))?")


@functools.cache
def has_extra(extra: str) -> bool:
    """Whether the package is installed that reads a format: heif (photos of iPhones) or jxl."""
    return importlib.util.find_spec(_EXTRAS[extra][0]) is not None


def missing_extra(ending: str) -> str | None:
    """The extra that is to be installed for files with an ending; None where there is none."""
    extra = _OF_EXTRAS.get(ending)
    return None if extra is None or has_extra(extra) else extra


@functools.cache
def endings() -> tuple[str, ...]:
    """Endings of the files that are read, in lower case."""
    more = (ending for ending, extra in _OF_EXTRAS.items() if has_extra(extra))
    return (*_ENDINGS, *raw.ENDINGS, *more)


@functools.cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; the first call makes those of extras known."""
    names = [*_FORMATS, "AVIF"] if features.check("avif") else [*_FORMATS]
    for extra, (module, name, _) in _EXTRAS.items():
        if has_extra(extra):
            package = importlib.import_module(module)
            if extra == "heif":
                package.register_heif_opener()  # the other registers itself
            names.append(name)
    return tuple(names)


def is_photo_name(name: str) -> bool:
    """Whether a file is read, going by its name."""
    return name.lower().endswith(endings())


def ending_of(name: str) -> str:
    """A file's ending as files are counted by, in lower case; "no ending" where it has none."""
    dot = name.rfind(".")
    ending = unicodedata.normalize("NFC", name[dot:].lower()) if dot > 0 else ""
    return ending if _SHORT_ENDING.fullmatch(ending) else "no ending"


def looks_like_photos(ending: str) -> bool:
    """Whether files with an ending that is not read are likely photos all the same."""
    return ending in _OTHER_PHOTOS or ending.startswith(endings())


def parts_of_photos(names: Collection[str]) -> set[str]:
    """Files of a folder that belong to a photo beside them: a live photo's film, notes of edits."""
    ends = [(name, *os.path.splitext(name.lower())) for name in names]  # noqa: PTH122 - many
    photos = {start for _, start, ending in ends if looks_like_photos(ending)}
    return {name for name, start, ending in ends if ending in _PARTS and start in photos}


def advice(kinds: Iterable[str]) -> str:
    """What to do about photos among the kinds that are not read; empty where there are none."""
    photos = {kind for kind in kinds if looks_like_photos(kind)}
    if not photos:
        return ""
    names = {"heif": "HEIC", "jxl": "JPEG XL"}
    more = "".join(f", {name}" for extra, name in names.items() if has_extra(extra))
    text = (
        f"Read are JPEG, PNG, WebP, GIF, AVIF{more}, BMP, TIFF, PNM, JPEG 2000 and cameras' raw "
        "files, by their endings: rename or convert the others."
    )
    missing = {missing_extra(kind): kind for kind in sorted(photos, reverse=True)}
    for extra, kind in sorted((extra, kind) for extra, kind in missing.items() if extra):
        text += f" For {kind}: pip install 'regard[{extra}]'."
    return text


def kind_of(head: bytes) -> tuple[str, str]:
    """What a photo is by its first 12 bytes: name and usual ending; empty where not known."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP", ".webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], ("", ""))
    return next((kind for start, kind in _KINDS.items() if head.startswith(start)), ("", ""))

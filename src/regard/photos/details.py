"""What a camera wrote beside a photo: with what and how it was taken. Never where.

Knows EXIF only; damaged metadata costs itself and nothing else.
"""

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from regard.photos.formats import formats

_MAKE, _MODEL, _EXIF_IFD = 0x010F, 0x0110, 0x8769
_EXPOSURE, _APERTURE, _ISO, _FOCAL, _LENS = 0x829A, 0x829D, 0x8827, 0x920A, 0xA434


class Details(NamedTuple):
    """What is told of how a photo was taken; empty where nothing is."""

    camera: str = ""
    lens: str = ""
    exposure: str = ""
    """As photographers write it: 1/250 s · f/2.8 · ISO 200 · 35 mm."""


def read_details(path: Path) -> Details:
    """What the camera says of a photo; nothing of one that cannot be read."""
    with contextlib.suppress(Exception), Image.open(path, formats=formats()) as image:
        exif = image.getexif()
        shot = exif.get_ifd(_EXIF_IFD)
        return Details(
            _camera(_text(exif.get(_MAKE)), _text(exif.get(_MODEL))),
            _text(shot.get(_LENS)),
            " · ".join(part for part in _exposure(shot) if part),
        )
    return Details()


def _camera(make: str, model: str) -> str:
    """Maker and model, the maker's name once."""
    first = make.split(" ")[0]
    return model if model.lower().startswith(first.lower()) else f"{make} {model}".strip()


def _exposure(shot: dict[int, Any]) -> list[str]:
    """Time, aperture, sensitivity and focal length, each empty where it is not told."""
    seconds, aperture = _number(shot.get(_EXPOSURE)), _number(shot.get(_APERTURE))
    iso, focal = _number(shot.get(_ISO)), _number(shot.get(_FOCAL))
    time = f"1/{round(1 / seconds)} s" if 0 < seconds < 0.3 else f"{seconds:.3g} s"
    return [
        time if seconds else "",
        f"f/{aperture:.2g}" if aperture else "",
        f"ISO {iso:.0f}" if iso else "",
        f"{focal:.3g} mm" if focal else "",
    ]


def _number(value: Any) -> float:
    """A number of EXIF, the first of several; 0 where there is none."""
    try:
        number = float(value[0] if isinstance(value, tuple) else value)
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return 0.0
    return number if 0 < number < float("inf") else 0.0


def _text(value: Any) -> str:
    return str(value or "").strip("\0 ") if not isinstance(value, bytes) else ""

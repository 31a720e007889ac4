"""What a decoded picture's numbers mean: depth, sign, ink, transparency and profile, as RGB.

Decoders hand over numbers; whether 4095 is white, zero is white, or a colour is one of another
space than sRGB, is said beside them, or follows from the numbers.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

_PHOTOMETRIC, _SAMPLE_FORMAT, _MAX_SAMPLE, _BITS, _PLANAR = 262, 339, 281, 258, 284
_WHITE_IS_ZERO, _SIGNED, _IN_PLANES = 0, 2, 2
_DEPTHS = (255, 1023, 4095, 16383, 65535)  # white in 8, 10, 12, 14 and 16 bits
_SIGNED_ENDS = (*_DEPTHS[:-1], 32767, 65535)
_FLOAT_ENDS = (1, 255)
_LONG_ENDS = (2**31 - 1, 2**32 - 1)
_CUT_DEPTHS = (3, 15, 63)  # the same in 10, 12 and 14 of 16 bits, of which a decoder kept eight
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def prepare(image: Image.Image) -> bool:
    """Correct what a decoder is about to do with an opened picture of 16 bits a colour.

    Returns:
        Whether it will keep the upper eight of the sixteen bits.
    """
    tags = _tags(image)
    bits: Any = tags.get(_BITS) or ()
    if tags.get(_PLANAR) == _IN_PLANES and len(bits) > 1 and bits[0] == 16:
        order = "B" if tags.prefix == b"MM" else "L"
        plain: Any = image  # its tiles are of files alone
        plain.tile = [
            tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))
            if tile.codec_name == "raw"
            else tile
            for tile in plain.tile
        ]
        return True
    tiles: Any = getattr(image, "tile", ())
    return any(";16" in str(tile.args) for tile in tiles)


def to_rgb(image: Image.Image, *, was_cut: bool = False) -> Image.Image:
    """Eight-bit sRGB; transparency over white, deep numbers scaled to the depth that holds them.

    Args:
        was_cut: from `prepare`.
    """
    tags, profile = _tags(image), image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _grey(image, tags)
    elif image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba).convert("RGB")
    elif image.mode not in _SPACES:
        image = image.convert("RGB")
    if was_cut and image.mode == "RGB":
        image = _brightened(image)
    return _from_profile(image, profile) or image.convert("RGB")


def _tags(image: Image.Image) -> Any:
    """A TIFF's tags by number; none of other formats."""
    return getattr(image, "tag_v2", {})


def _grey(image: Image.Image, tags: Any) -> Image.Image:
    """Whole numbers of more than eight bits, or floating point, in eight bits."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    is_whole = image.mode != "F"
    is_signed = is_whole and (tags.get(_SAMPLE_FORMAT) or (0,))[0] == _SIGNED
    if is_whole and not is_signed:
        values = np.where(values < 0, values + 2.0**32, values)
    least = float(values.min())
    if least < 0:
        values += 32768 if is_signed and least >= -32768 else -least
    usual = _FLOAT_ENDS if not is_whole else _SIGNED_ENDS if is_signed and least >= 0 else _DEPTHS
    top = _white(float(values.max()), usual, tags.get(_MAX_SAMPLE))
    grey = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    return ImageOps.invert(grey) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else grey


def _white(highest: float, usual: Sequence[int], limit: Any) -> float:
    """The number that stands for white: as the file says, else of the least depth that fits.

    Floating point and 32 bits are rarely used to their ends; only where the highest number is
    near one is that white.
    """
    with contextlib.suppress(TypeError, ValueError, IndexError):
        number = float(limit[0] if isinstance(limit, tuple) else limit)
        if highest <= number and number > 0:
            return number
    ends = (*usual, *_LONG_ENDS)
    white = next((end for end in ends if highest <= end), highest)
    if (usual == _FLOAT_ENDS or white in _LONG_ENDS) and highest <= white / 2:
        white = highest
    return max(white, 1e-12)


def _brightened(image: Image.Image) -> Image.Image:
    """A picture whose sixteen bits held fewer, of which a decoder kept the upper eight."""
    highest = max(high for _, high in image.getextrema())  # type: ignore[misc]
    white = next((depth for depth in _CUT_DEPTHS if highest <= depth), None)
    if white is None or highest == 0:
        return image
    return image.point([min(255, round(value / white * 255)) for value in range(256)] * 3)


def _from_profile(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Grey, RGB or CMYK with a colour profile in sRGB; None where it says nothing of use."""
    if not profile or image.mode not in _SPACES:
        return None
    try:
        from PIL import ImageCms

        space = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        fits = space.profile.xcolor_space.strip() == _SPACES[image.mode]
        if not fits or "srgb" in ImageCms.getProfileDescription(space).lower():
            return None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, space, srgb, outputMode="RGB")
    except Exception:  # noqa: BLE001 - a profile that cannot be read costs itself only
        return None

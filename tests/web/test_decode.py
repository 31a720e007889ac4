"""Uploads are measured before they are decoded, and decoding has an end."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from regard.errors import PhotoError
from regard.web import decode as module
from regard.web.decode import decode, decode_apart, suffix_of

SIDE = 8


def photo(kind="PNG", size=(60, 40), **options):
    pixels = np.random.default_rng(5).integers(0, 255, (*size[::-1], 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def bomb(width, height):
    """A PNG of a few kilobytes whose picture is as large as asked."""

    def chunk(name, data):
        checked = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checked)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_photos_come_out_as_they_are(kind):
    decoded = decode(photo(kind), 10**6, SIDE)
    assert (decoded.width, decoded.height, decoded.image.mode) == (60, 40, "RGB")


def test_the_other_process_gives_the_same():
    data = photo("JPEG", (300, 200))
    here, apart = decode(data, 10**6, SIDE), decode_apart(data, 10**6, SIDE, 20)
    assert (apart.width, apart.height) == (300, 200)
    assert here.image.tobytes() == apart.image.tobytes()


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it was decoded"))
    data = bomb(50_000, 50_000)
    assert len(data) < 2000
    with pytest.raises(PhotoError, match="too many pixels"):
        decode(data, 60_000_000, SIDE)
    with pytest.raises(PhotoError, match="too many pixels"):
        decode(photo(size=(60, 41)), 60 * 40, SIDE)


def test_a_bomb_costs_the_server_nothing():
    with pytest.raises(PhotoError, match="too many pixels"):
        decode_apart(bomb(50_000, 50_000), 60_000_000, SIDE, 20)


@pytest.mark.parametrize(
    "data",
    [b"", b"no photo", photo()[:200], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1"],
)
def test_what_is_no_photo_is_told(data):
    with pytest.raises(PhotoError):
        decode(data, 10**6, SIDE)


def test_a_long_text_in_a_png_costs_it_nothing():
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "a" * 3_000_000, zip=True)
    data = photo(pnginfo=text)
    assert decode(data, 10**6, SIDE).width == 60
    assert suffix_of(data) == ".png"


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tif"), ("JPEG2000", ".jp2")],
)
def test_the_suffix_is_of_the_content(kind, suffix):
    assert suffix_of(photo(kind)) == suffix


def test_other_formats_are_not_even_tried():
    ghost = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 90 90\n"  # would start an interpreter
    with pytest.raises(PhotoError, match="not a photo"):
        decode(ghost, 10**6, SIDE)
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "TGA")
    with pytest.raises(PhotoError, match="not a photo"):
        decode(out.getvalue(), 10**6, SIDE)


def test_time_has_an_end():
    with pytest.raises(PhotoError, match=r"more than 0\.01 s"):
        decode_apart(photo(), 10**6, SIDE, 0.01)


def test_memory_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "_command", lambda *_: ["sh", "-c", "exit 137"])
    with pytest.raises(PhotoError, match="memory"):
        decode_apart(photo(), 10**6, SIDE, 5)


def test_huge_photos_are_handed_back_reduced(monkeypatch):
    monkeypatch.setattr(module, "_KEPT_PIXELS", 600)
    decoded = decode(photo(), 10**6, SIDE)
    assert (decoded.width, decoded.height) == (60, 40)
    assert decoded.image.size == (30, 20)

"""What is beside the pixels never costs a photo; nor does a missing end, if nothing else is."""

import io
import struct
import zlib

import numpy as np
import pytest
from pictures import chunk, distance, saved, scene, segment
from PIL import Image

from regard.errors import AbsentError, PhotoError
from regard.photos import decode, formats
from regard.photos.decode import read_photo

NOISE = np.random.default_rng(0).bytes(60)
LONG = zlib.compress(b"a" * 3_000_000)
CLOSE = 3.0


def read(data):
    return read_photo(io.BytesIO(data)).image


def is_scene(data):
    return distance(read(data), scene()) < CLOSE


@pytest.mark.parametrize(
    "note",
    [
        chunk(b"zTXt", b"workflow\0\0" + LONG),
        chunk(b"iTXt", b"workflow\0\1\0\0\0" + LONG),
        chunk(b"iCCP", b"screen\0\0" + LONG),
        b"".join(chunk(b"zTXt", b"k%d\0\0" % n + zlib.compress(bytes(900_000))) for n in range(80)),
        chunk(b"tEXt", b"Title\0a scene", checksum=0),
        chunk(b"iCCP", b"screen\0\0nonsense"),
        chunk(b"eXIf", NOISE),
        chunk(b"gAMA", b"\0"),
        chunk(b"pHYs", b"\0"),
        chunk(b"cHRM", b"12"),
        chunk(b"tRNS", b"\0"),
        chunk(b"acTL", b"\0"),
    ],
    ids=lambda note: note[4:8].decode(),
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_notes_in_a_png(note, place):
    data = saved(scene(), "PNG")
    cut = 33 if place == "before" else len(data) - 12
    assert is_scene(data[:cut] + note + data[cut:])


@pytest.mark.parametrize(
    "note",
    [
        segment(0xE1, b"Exif\0\0" + NOISE),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        segment(0xE2, b"MPF\0" + NOISE),
        segment(0xE2, b"ICC_PROFILE\0\5\t"),
        segment(0xED, b"Photoshop 3.0\x008BIM" + NOISE),
        segment(0xE0, b"JFIF\0\1"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta" + NOISE),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\2\0\4\0\0\0abcd" + bytes(4)),
    ],
)
def test_notes_in_a_jpeg(note):
    data = saved(scene(), "JPEG", quality=95)
    assert is_scene(data[:2] + note + data[2:])


def test_notes_in_a_webp():
    assert is_scene(saved(scene(), "WEBP", quality=95, exif=b"Exif\0\0" + NOISE))
    assert is_scene(saved(scene(), "WEBP", quality=95, icc_profile=NOISE))
    whole = saved(scene(), "WEBP", quality=95, exif=b"Exif\0\0" + NOISE)
    assert is_scene(whole[:-20])  # cut within the notes


def test_the_way_up_survives_a_note_that_cannot_be_read():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = scene().transpose(Image.Transpose.ROTATE_90)
    data = saved(stored, "PNG", exif=exif)
    assert is_scene(data[:33] + chunk(b"zTXt", b"workflow\0\0" + LONG) + data[33:])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_without_its_end(progressive, mode):
    plain = scene().convert(mode)
    data = saved(plain, "JPEG", quality=95, progressive=progressive)
    for missing in (1, 2):
        assert distance(read(data[:-missing]), plain) < CLOSE
    assert read_photo(io.BytesIO(data[:-12])).width == plain.width


@pytest.mark.parametrize(("progressive", "parts"), [(False, (0.3, 0.5, 0.9)), (True, (0.1, 0.3))])
def test_a_jpeg_of_which_much_is_missing_is_refused(progressive, parts):
    noise = np.random.default_rng(0).integers(0, 255, (320, 240, 3), np.uint8)
    data = saved(Image.fromarray(noise), "JPEG", progressive=progressive)
    for part in parts:
        with pytest.raises(PhotoError, match=r"damaged \(its end is missing"):
            read(data[: int(part * len(data))])


def test_a_png_without_its_end():
    data = saved(scene(), "PNG")
    for missing in (4, 12, 14):
        assert is_scene(data[:-missing])


def test_a_grey_bottom_is_not_taken_for_a_missing_one():
    image = scene()
    image.paste((128, 128, 128), (0, 20, *image.size))
    data = saved(image, "PNG")
    assert read(data[:33] + chunk(b"gAMA", b"\0") + data[33:]).size == image.size


# ---- what is told of the rest


def test_a_photo_of_a_kind_that_is_not_read_is_called_what_it_is(tmp_path, monkeypatch):
    path = tmp_path / "really.jpg"
    monkeypatch.setattr(decode, "formats", lambda: ("JPEG",))  # as without the packages
    starts = {"heif": struct.pack(">I", 24) + b"ftypheic", "jxl": b"\xff\x0a"}
    for extra, start in starts.items():
        path.write_bytes(start + NOISE)
        kind = {"heif": "HEIC", "jxl": "JPEG XL"}[extra]
        monkeypatch.setattr(formats, "has_extra", lambda _extra: False)
        with pytest.raises(PhotoError, match=rf"is a {kind} .* pip install 'regard\[{extra}\]'"):
            read_photo(path)
        monkeypatch.setattr(formats, "has_extra", lambda _extra: True)
        with pytest.raises(PhotoError, match=rf"is a {kind} .* restore it if it is damaged"):
            read_photo(path)


@pytest.mark.parametrize(
    "error",
    [KeyError(306), RecursionError("deep"), zlib.error("bad"), StopIteration(), Exception()],
)
def test_whatever_a_decoder_raises_is_an_error_of_the_photo(monkeypatch, error):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(decode.Image, "open", fail)
    with pytest.raises(PhotoError, match=r"photo is damaged \(.+\); it must be a whole file"):
        read(saved(scene(), "JPEG"))


def test_too_little_memory_may_be_enough_next_time(monkeypatch):
    def fail(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(decode.Image, "open", fail)
    with pytest.raises(AbsentError, match="takes more memory to decode than there is"):
        read(saved(scene(), "JPEG"))


def test_an_interruption_is_none(monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(decode.Image, "open", stop)
    with pytest.raises(KeyboardInterrupt):
        read(saved(scene(), "JPEG"))


def test_a_limit_of_pixels_of_the_caller_s():
    data = saved(scene(), "PNG")
    assert read_photo(io.BytesIO(data), max_pixels=2400).width == 60
    with pytest.raises(PhotoError, match="upload has too many pixels"):
        read_photo(io.BytesIO(data), name="upload", max_pixels=2399)

"""Numbers mean what their file says: depth, sign, ink, planes, profile."""

import io
import struct
import zlib

import numpy as np
import pytest
from pictures import SIZE, chunk, distance, grey_profile, saved, scene, tiff
from PIL import Image, ImageCms

from regard.photos.decode import read_photo

RGB = np.asarray(scene()).astype(np.int64)
GREY = np.asarray(scene().convert("L")).astype(np.int64)[..., None]
CLOSE = 1.5  # of 255, in the mean


def read(data):
    return read_photo(io.BytesIO(data)).image


def is_plain(data, plain=None):
    return distance(read(data), plain or scene().convert("L")) < CLOSE


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.pgm"])
def test_sixteen_bits(tmp_path, name):
    values = np.zeros((SIZE[1], SIZE[0]), np.uint16)
    values[:, :30] = 32768
    values[:, 30:] = 65535
    Image.fromarray(values).save(tmp_path / name)
    photo = read_photo(tmp_path / name).image
    assert photo.getpixel((15, 20)) == (127,) * 3
    assert photo.getpixel((45, 20)) == (255,) * 3


def test_floating_point(tmp_path):
    values = np.linspace(0, 0.5, SIZE[0], dtype=np.float32)[None].repeat(SIZE[1], 0)
    Image.fromarray(values).save(tmp_path / "float.tif")
    photo = read_photo(tmp_path / "float.tif").image
    assert photo.getpixel((0, 20)) == (0,) * 3
    assert photo.getpixel((SIZE[0] - 1, 20)) == (255,) * 3
    Image.fromarray(values * 0).save(tmp_path / "zero.tif")
    assert read_photo(tmp_path / "zero.tif").image.getextrema()[0] == (0, 0)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(tmp_path, number):
    values = np.full((SIZE[1], SIZE[0]), number, np.float32)
    values[0, 0] = 1
    Image.fromarray(values).save(tmp_path / "odd.tif")
    assert read_photo(tmp_path / "odd.tif").image.mode == "RGB"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("planar", [1, 2])
def test_sixteen_bit_colours_chunky_and_in_planes(order, packed, planar):
    data = tiff(RGB * 256 + 77, 16, 2, order=order, planar=planar, packed=packed)
    assert is_plain(data, scene())


def test_planes_of_eight_bits_and_with_transparency():
    assert is_plain(tiff(RGB, 8, 2, planar=2), scene())
    opaque = np.concatenate([RGB, np.full_like(GREY, 255)], axis=2)
    assert is_plain(tiff(opaque * 257, 16, 2, planar=2, more={338: (3, [2])}), scene())


@pytest.mark.parametrize("packed", [False, True])
def test_where_zero_is_white(packed):
    assert is_plain(tiff(65535 - GREY * 257, 16, 0, packed=packed))
    assert is_plain(tiff(255 - GREY, 8, 0, packed=packed))
    assert is_plain(tiff(4095 - GREY * 16, 16, 0, packed=packed))
    assert is_plain(tiff(1 - GREY / 255, 32, 0, kind=3, packed=packed))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("depth", [8, 10, 12, 14, 16])
def test_fewer_bits_in_sixteen(order, depth):
    white = 2**depth - 1
    assert is_plain(tiff(GREY * (white / 255), 16, 1, order=order))
    assert is_plain(tiff(GREY * (white / 255), 32, 1, order=order, kind=2))
    if depth >= 12:  # of fewer, a decoder that keeps eight of sixteen keeps nearly nothing
        photo = read(tiff(RGB * (white / 255), 16, 2, order=order))
        assert distance(photo, scene()) < 6


def test_long_and_signed_numbers():
    assert is_plain(tiff(GREY, 32, 1))
    assert is_plain(tiff(GREY * 16_843_009, 32, 1))
    assert is_plain(tiff(GREY * 128, 16, 1, kind=2))
    assert is_plain(tiff(GREY * 257 - 32768, 16, 1, kind=2))
    assert is_plain(tiff(GREY * 4, 16, 1, more={281: (3, [1020])}))  # white as the file says


@pytest.mark.parametrize("scale", [1 / 255, 1.0])
def test_usual_ends_of_floating_point(scale):
    assert is_plain(tiff(GREY * scale, 32, 1, kind=3))


def test_dark_pictures_stay_dark():
    assert is_plain(tiff(RGB // 3 * 257, 16, 2), scene().point(lambda value: value // 3))
    assert is_plain(tiff(GREY // 3 * 257, 16, 1), scene().convert("L").point(lambda v: v // 3))


def test_twelve_bits_in_a_png_of_sixteen():
    rows = b"".join(b"\0" + row.tobytes() for row in (GREY[..., 0] * 16).astype(">u2"))
    head = struct.pack(">IIBBBBB", *SIZE, 16, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert is_plain(b"\x89PNG\r\n\x1a\n" + data)


# ---- profiles


def test_greys_with_a_profile():
    grey = scene().convert("L")
    linear = grey.point(lambda value: round(255 * (value / 255) ** 2.2))
    for form, options in (("PNG", {}), ("JPEG", {"quality": 97})):
        data = saved(linear, form, icc_profile=grey_profile(1.0), **options)
        assert distance(read(data), grey) < 6, form
        assert distance(read(saved(linear, form, **options)), grey) > 20


def test_a_profile_of_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert distance(read(saved(scene(), "PNG", icc_profile=srgb)), scene()) == 0


def test_a_profile_that_is_none_or_of_another_space_costs_itself_only():
    for profile in (b"nonsense", grey_profile(1.8), bytes(200)):
        assert distance(read(saved(scene(), "PNG", icc_profile=profile)), scene()) == 0

"""Every kind of photo is read right, or refused with file, reason and remedy."""

import contextlib
import io
import random
from datetime import datetime

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, features

from regard.errors import AbsentError, PhotoError
from regard.photos import decode as photos_module
from regard.photos.decode import read_photo

SIZE = (60, 40)
RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
CLOSE = 12  # of 255; compression and colour conversion change a little


def scene():
    """Left half red, right half blue, with a white square at the top left."""
    image = Image.new("RGB", SIZE, RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((SIZE[0] // 2, 0, *SIZE), BLUE)
    draw.rectangle((0, 0, 9, 9), WHITE)
    return image


def at(photo, x, y):
    """Colour of the pixel at a place given in 0 to 1."""
    width, height = photo.image.size
    return np.array(photo.image.getpixel((int(x * width), int(y * height))), int)


def is_scene(photo, colours=(WHITE, RED, BLUE)):
    places = ((0.05, 0.05), (0.25, 0.75), (0.75, 0.5))
    return all(
        abs(at(photo, *place) - colour).max() <= CLOSE
        for place, colour in zip(places, colours, strict=True)
    )


@pytest.fixture
def save(tmp_path):
    """Write an image in some format; gives the path."""

    def write(image, name, **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}),
        ("a.jpg", {"quality": 95, "subsampling": 0, "progressive": True}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.tiff", {"compression": "tiff_lzw"}),
        ("a.ppm", {}),
        ("a.gif", {}),
        ("a.jp2", {}),
        pytest.param("a.avif", {"quality": 95, "subsampling": "4:4:4"}, marks=needs_avif),
    ],
)
def test_formats(save, name, options):
    photo = read_photo(save(scene(), name, **options))
    assert photo.image.mode == "RGB"
    assert photo.image.size == (photo.width, photo.height) == SIZE
    assert is_scene(photo)
    assert photo.taken is None


# ---- modes


def test_grey(save):
    photo = read_photo(save(scene().convert("L"), "grey.png"))
    assert photo.image.mode == "RGB"
    assert at(photo, 0.05, 0.05).tolist() == [255, 255, 255]
    assert at(photo, 0.25, 0.75).tolist() == [76, 76, 76]


def test_black_and_white(save):
    photo = read_photo(save(scene().convert("1", dither=Image.Dither.NONE), "bits.png"))
    assert is_scene(photo, (WHITE, BLACK, BLACK))


@pytest.mark.parametrize("name", ["palette.png", "palette.gif", "palette.bmp", "palette.tif"])
def test_palette(save, name):
    assert is_scene(read_photo(save(scene().quantize(8), name)))


def test_transparency_lies_over_white(save):
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    assert is_scene(read_photo(save(image, "alpha.png")))
    assert is_scene(read_photo(save(image, "alpha.webp", lossless=True)))
    half = Image.new("RGBA", SIZE, (0, 0, 0, 128))
    assert abs(at(read_photo(save(half, "half.png")), 0.5, 0.5) - 127).max() <= 1
    assert at(read_photo(save(Image.new("LA", SIZE, (0, 0)), "la.png")), 0.5, 0.5).min() == 255


def test_a_transparent_palette_lies_over_white(save):
    image = scene().quantize(8)
    white = image.getpixel((3, 3))
    photo = read_photo(save(image, "palette.png", transparency=white))
    assert is_scene(photo)
    red = image.getpixel((15, 30))
    photo = read_photo(save(image, "palette.gif", transparency=red))
    assert is_scene(photo, (WHITE, WHITE, BLUE))


@pytest.mark.parametrize("name", ["cmyk.jpg", "cmyk.tif"])
def test_cmyk(save, name):
    options = {"quality": 95, "subsampling": 0} if name.endswith("jpg") else {}
    assert is_scene(read_photo(save(scene().convert("CMYK"), name, **options)))


def test_other_colour_spaces(save):
    assert is_scene(read_photo(save(scene().convert("YCbCr"), "y.jpg", quality=95, subsampling=0)))
    lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    assert read_photo(save(ImageCms.applyTransform(scene(), lab), "lab.tif")).image.mode == "RGB"


# ---- orientation, date, size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["turned.jpg", "turned.png", "turned.webp", "turned.tif"])
def test_turned_by_exif(save, orientation, name):
    """The stored picture is turned so that the tag turns it upright again."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = scene()
    stored = image.transpose(undo[orientation]) if orientation in undo else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} | ({"subsampling": 0} if name.endswith("jpg") else {})
    options = {} if name.endswith(("png", "tif")) else options
    photo = read_photo(save(stored, name, exif=exif, **options))
    assert (photo.width, photo.height) == photo.image.size == SIZE
    assert is_scene(photo)


@pytest.mark.parametrize("value", [0, 9, 200])
def test_a_meaningless_orientation_changes_nothing(save, value):
    exif = Image.Exif()
    exif[0x0112] = value
    photo = read_photo(save(scene(), "odd.png", exif=exif))
    assert (photo.width, photo.height) == SIZE
    assert is_scene(photo)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2020:12:24 18:30:05", datetime(2020, 12, 24, 18, 30, 5)),
        ("2020:12:24 18:30:05\0", datetime(2020, 12, 24, 18, 30, 5)),
        ("0000:00:00 00:00:00", None),
        ("2020:02:31 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("name", ["d.jpg", "d.png", "d.webp"])
def test_when_it_was_taken(save, name, text, taken):
    exif = Image.Exif()
    exif[0x8769] = {0x9003: text}
    assert read_photo(save(scene(), name, exif=exif)).taken == taken


def test_damaged_exif_costs_the_date_only(save):
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2020:12:24 18:30:05"}
    path = save(scene(), "d.jpg", exif=exif, quality=95, subsampling=0)
    data = bytearray(path.read_bytes())
    where = data.index(b"\x87\x69")
    data[where + 8 : where + 12] = b"\xff\xff\xff\x00"  # the date's directory is nowhere
    path.write_bytes(data)
    photo = read_photo(path)
    assert photo.taken is None
    assert is_scene(photo)


def test_large_jpegs_come_reduced_with_their_true_size(save):
    path = save(scene().resize((2400, 1600)), "large.jpg", quality=95, subsampling=0)
    photo = read_photo(path, short_side=100)
    assert (photo.width, photo.height) == (2400, 1600)
    assert 200 <= min(photo.image.size) < 1600
    assert is_scene(photo)
    assert read_photo(path).image.size == (2400, 1600)
    assert read_photo(save(scene(), "small.jpg"), short_side=100).image.size == SIZE


def test_a_reduced_photo_is_still_turned(save):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = scene().resize((2400, 1600)).transpose(Image.Transpose.ROTATE_90)
    path = save(stored, "turned.jpg", quality=95, subsampling=0, exif=exif)
    photo = read_photo(path, short_side=100)
    assert (photo.width, photo.height) == (2400, 1600)
    assert is_scene(photo)


def test_too_many_pixels_are_refused_before_they_are_decoded(save, monkeypatch):
    path = save(scene(), "large.png")
    monkeypatch.setattr(photos_module, "MAX_PIXELS", 60 * 40 - 1)
    with pytest.raises(PhotoError, match=r"large.png has too many pixels.*Reduce"):
        read_photo(path)


def test_a_bomb_is_refused(save, monkeypatch):
    path = save(scene(), "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PhotoError, match="too many pixels"):
        read_photo(path)


def test_too_small_photos_are_refused(save):
    with pytest.raises(PhotoError, match=r"7 x 40 pixels; it must have at least 8"):
        read_photo(save(scene().resize((7, 40)), "thin.png"))
    assert read_photo(save(scene().resize((8, 8)), "least.png")).width == 8


def test_very_long_photos(save):
    photo = read_photo(save(scene().resize((5000, 8)), "long.png"), short_side=320)
    assert (photo.width, photo.height) == (5000, 8)


# ---- what is no photo


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds nothing"),
        (b"this is text", "not a photo in a known format"),
        (b"\xff\xd8\xff\xe0", "not a photo|damaged"),
        (b"\x89PNG\r\n\x1a\n", "not a photo|damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a photo in a known format"),
    ],
)
def test_other_content_is_refused(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=reason) as caught:
        read_photo(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.bmp", "a.jp2"])
def test_cut_files_are_refused(save, name):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8))
    path = save(noise, name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError, match=r"damaged|not a photo") as caught:
        read_photo(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(AbsentError, match="does not exist"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(AbsentError, match="cannot be read"):
        read_photo(tmp_path)


@pytest.mark.parametrize(
    "form",
    [
        *("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000"),
        pytest.param("AVIF", marks=needs_avif),
    ],
)
def test_damage_anywhere_is_an_error_of_the_photo_or_none(form, capfd):
    generator = random.Random(form)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = io.BytesIO()
    scene().save(plain, form, exif=exif)
    for _ in range(60):
        data = bytearray(plain.getvalue())
        reach = generator.choice((64, 400, len(data)))
        for _ in range(generator.randint(1, 6)):
            data[generator.randrange(min(reach, len(data)))] = generator.randrange(256)
        with contextlib.suppress(PhotoError):
            assert read_photo(io.BytesIO(data), 320).image.mode == "RGB"
    capfd.readouterr()  # libraries complain of damage on standard error


def test_an_open_file_is_read(save):
    with save(scene(), "a.png").open("rb") as file:
        assert is_scene(read_photo(file))

"""Of several pictures in a file the one that shows the photo is read."""

import io

import numpy as np
import pytest
from pictures import SIZE, distance, saved, scene
from PIL import Image, TiffImagePlugin, features

from regard.photos.decode import read_photo

BLACK, WHITE = Image.new("RGB", SIZE), Image.new("RGB", SIZE, "white")
CLEAR = Image.new("RGBA", SIZE, (0, 0, 0, 0))
NEGATIVE = scene().point(lambda value: 255 - value)
CLOSE = 12  # of 255, in the mean; a GIF has few colours


def read(data, **options):
    return read_photo(io.BytesIO(data), **options)


def moving(form, *frames):
    options = {"lossless": True} if form == "WEBP" else {}
    return saved(frames[0], form, save_all=True, append_images=frames[1:], duration=40, **options)


FORMS = [
    *("GIF", "WEBP", "PNG"),
    pytest.param(
        "AVIF", marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF")
    ),
]


@pytest.mark.parametrize("form", FORMS)
def test_the_first_frame_that_shows_something(form):
    assert distance(read(moving(form, scene(), NEGATIVE)).image, scene()) < CLOSE
    assert distance(read(moving(form, WHITE, scene(), NEGATIVE)).image, scene()) < CLOSE
    assert distance(read(moving(form, BLACK, WHITE, scene())).image, scene()) < CLOSE


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_a_transparent_first_frame(form):
    photo = read(moving(form, CLEAR, scene().convert("RGBA")))
    assert distance(photo.image, scene()) < CLOSE
    assert (photo.width, photo.height) == SIZE


@pytest.mark.parametrize("form", FORMS)
def test_where_none_shows_anything_the_first(form):
    assert distance(read(moving(form, BLACK, WHITE)).image, BLACK) < CLOSE


def test_a_plain_photo_stays_what_it_is():
    assert distance(read(saved(WHITE, "GIF")).image, WHITE) == 0


def test_damage_behind_the_first_frame_costs_nothing():
    data = moving("GIF", WHITE, scene(), NEGATIVE)
    assert distance(read(data[: len(data) // 3]).image, WHITE) < 130


def test_frames_are_not_looked_at_without_end(monkeypatch):
    looked = []
    real = Image.Image.getextrema
    monkeypatch.setattr(Image.Image, "getextrema", lambda image: looked.append(1) or real(image))
    frames = [Image.new("RGB", SIZE, (n % 2, 0, 0)) for n in range(300)]
    read(moving("PNG", *frames))
    assert 2 <= len(looked) <= 256


# ---- pages of a TIFF


def pages(*images, kinds=()):
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out, new=True) as file:
        for number, image in enumerate(images):
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            if number < len(kinds):
                tags[254] = kinds[number]
            image.save(file, "TIFF", tiffinfo=tags)
            file.newFrame()
    return out.getvalue()


SMALL = NEGATIVE.resize((30, 20))


def test_a_thumbnail_that_comes_first_is_not_the_photo():
    for data in (pages(SMALL, scene()), pages(NEGATIVE, scene(), kinds=[1])):
        photo = read(data)
        assert distance(photo.image, scene()) == 0
        assert (photo.width, photo.height) == SIZE


def test_a_mask_that_comes_first_is_not_the_photo():
    mask = Image.fromarray(np.full(SIZE[::-1], 255, np.uint8))
    assert distance(read(pages(mask, scene(), kinds=[4])).image, scene()) == 0


def test_of_equal_pages_the_first_and_of_other_shapes_too():
    assert distance(read(pages(scene(), NEGATIVE)).image, scene()) == 0
    wide = NEGATIVE.resize((600, 60))
    assert distance(read(pages(scene(), wide)).image, scene()) == 0
    assert distance(read(pages(NEGATIVE, kinds=[1])).image, NEGATIVE) == 0


# ---- phones


def test_the_two_pictures_of_a_phone_are_read_reduced():
    large = scene().resize((2400, 1600))
    data = saved(large, "MPO", save_all=True, append_images=[SMALL], quality=95)
    photo = read(data, short_side=100)
    assert (photo.width, photo.height) == (2400, 1600)
    assert 200 <= min(photo.image.size) < 1600
    assert distance(photo.image, large.resize(photo.image.size)) < CLOSE

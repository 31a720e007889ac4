"""Colours of whole photos, and which photos are black and white."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from regard.photos.tones import COLOURS, measure

PLAIN = {
    "red": "#d01818",
    "orange": "#f08010",
    "yellow": "#f0e020",
    "green": "#209030",
    "blue": "#3070d0",
    "purple": "#7030b0",
    "pink": "#f070b0",
    "brown": "#704010",
}


@pytest.mark.parametrize("name", COLOURS)
def test_a_plain_photo_is_of_its_colour(name):
    tones = measure(Image.new("RGB", (300, 200), PLAIN[name]))
    assert dict(zip(COLOURS, tones.shares, strict=True)) == {c: c == name for c in COLOURS}
    assert not tones.is_grey


def test_shares_are_of_the_whole_photo():
    image = Image.new("RGB", (400, 100), PLAIN["blue"])
    ImageDraw.Draw(image).rectangle((0, 0, 99, 99), PLAIN["red"])
    ImageDraw.Draw(image).rectangle((100, 0, 199, 99), "#808080")
    shares = dict(zip(COLOURS, measure(image).shares, strict=True))
    assert shares["red"] == pytest.approx(0.25, abs=0.02)
    assert shares["blue"] == pytest.approx(0.5, abs=0.02)
    assert sum(shares.values()) == pytest.approx(0.75, abs=0.04)


def test_greys_are_black_and_white_even_with_a_tint():
    grey = np.random.default_rng(0).integers(0, 256, (80, 120, 1), np.uint8)
    image = Image.fromarray(np.repeat(grey, 3, 2))
    assert measure(image).is_grey
    tinted = np.clip(np.asarray(image, int) + np.array([3, 0, -3]), 0, 255).astype(np.uint8)
    assert measure(Image.fromarray(tinted)).is_grey
    snow = np.clip(np.asarray(image, int) + np.array([-8, 0, 8]), 0, 255).astype(np.uint8)
    assert not measure(Image.fromarray(snow)).is_grey
    ImageDraw.Draw(image).rectangle((0, 0, 40, 30), PLAIN["red"])
    assert not measure(image).is_grey


def test_a_small_picture_is_measured_too():
    assert measure(Image.new("RGB", (1, 1), PLAIN["green"])).shares[COLOURS.index("green")] == 1

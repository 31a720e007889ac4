"""Text in photos, read by what is installed for it."""

import matplotlib
import pytest
from PIL import Image, ImageDraw, ImageFont

from regard.errors import ConfigError
from regard.photos.decode import Photo
from regard.regions import text
from regard.regions.extractor import EXTRACTORS, TEXT, load_extractor


def sign(words, size=(800, 600), at=(100, 200), scale=1):
    """A photo of a sign, as if decoded to a part of its size."""
    image = Image.new("RGB", size, (30, 90, 60))
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf", 60)
    ImageDraw.Draw(image).text(at, words, (245, 245, 240), font)
    return Photo(image, size[0] * scale, size[1] * scale)


@pytest.fixture(scope="module")
def read():
    pytest.importorskip("rapidocr")
    return load_extractor(TEXT)


@pytest.mark.slow
def test_a_sign_is_read_where_it_stands(read):
    regions = read(sign("BAKERY", scale=4))
    (line,) = regions.texts
    assert (line.text, line.score > 0.9) == ("BAKERY", True)
    x1, y1, x2, y2 = line.box  # in pixels of the original, four times what was decoded
    assert (x1, y1) == pytest.approx((400, 840), abs=60)
    assert (x2 - x1, y2 - y1) == pytest.approx((1130, 200), abs=120)
    assert (regions.width, regions.height, len(regions.vectors)) == (3200, 2400, 0)


@pytest.mark.slow
def test_a_photo_without_text_has_none(read):
    assert read(sign("")).texts == ()


def test_without_it_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[text\]'"):
        load_extractor(TEXT)


def test_no_model_is_made_of_it():
    assert TEXT not in EXTRACTORS

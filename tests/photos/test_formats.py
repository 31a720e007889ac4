"""Every ending that is read has a format that is, and HEIF is one where its package is."""

from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from regard.photos import formats
from regard.photos.decode import read_photo


def test_every_ending_is_of_a_format_that_is_read():
    Image.init()
    of_ending = Image.registered_extensions()
    special = {".jpc": "JPEG2000", ".jpf": "JPEG2000"}
    for ending in formats._ENDINGS:
        name = of_ending.get(ending) or special[ending]
        assert {"MPO": "JPEG"}.get(name, name) in formats.formats(), ending


def test_endings_as_they_are_counted():
    kinds = [formats.ending_of(n) for n in ("a.HEIC", "b", ".profile", "c.jpg(12)", "d.", "e. f")]
    assert kinds == [".heic", "no ending", "no ending", ".jpg(12)", "no ending", "no ending"]


def test_photos_of_iphones_where_their_package_is_installed(tmp_path):
    pytest.importorskip("pi_heif", reason="pi-heif is not installed (pip install 'regard[heif]')")
    assert formats.is_photo_name("IMG_0001.HEIC")
    assert "HEIF" in formats.formats()


def test_jpeg_xl_where_its_package_is_installed(tmp_path):
    """Turned upright, with its size and date, in colours as they were to a few steps."""
    pytest.importorskip("pillow_jxl", reason="install the extra jxl (pip install 'regard[jxl]')")
    assert "JXL" in formats.formats()
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right shows it upright
    exif[0x8769] = {0x9003: "2019:05:01 10:00:00"}
    image = Image.new("RGB", (40, 24), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, 20, 24))
    image.save(tmp_path / "a.jxl", exif=exif.tobytes())
    assert formats.is_photo_name("a.JXL")
    photo = read_photo(tmp_path / "a.jxl")
    assert (photo.width, photo.height, photo.taken) == (24, 40, datetime(2019, 5, 1, 10))
    above, below = photo.image.getpixel((12, 4)), photo.image.getpixel((12, 36))
    assert np.abs(np.subtract([above, below], [(30, 30, 200), (200, 30, 30)])).max() <= 6


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"II*\0", "TIFF"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"plain text..", ""),
        (b"", ""),
    ],
)
def test_kinds_by_how_files_begin(start, kind):
    assert formats.kind_of(start)[0] == kind

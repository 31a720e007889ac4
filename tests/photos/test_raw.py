"""Raw files by their preview, whichever maker's they are."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from regard.errors import PhotoError
from regard.photos.decode import read_photo
from regard.photos.formats import is_photo_name
from regard.photos.raw import find_preview


def jpeg(width, height, colour, **settings):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", **settings)
    return out.getvalue()


def raw_file(*pictures, orientation=1, taken="2021:05:12 10:11:12", dng=True):
    """A TIFF header with a small first picture, then JPEGs, as raw files have them."""
    tags = ImageFileDirectory_v2()
    tags[0x010F], tags[0x0112], tags[0x8769] = "SONY", orientation, {0x9003: taken}
    if dng:
        tags[0xC612] = b"\1\4\0\0"
    out = io.BytesIO()
    Image.new("RGB", (160, 120), "red").save(out, "TIFF", tiffinfo=tags)
    noise = np.random.default_rng(1).integers(0, 255, 4000, np.uint8).tobytes()
    return out.getvalue() + noise.join([b"", *pictures, b""])


SMALL, LARGE = jpeg(160, 120, "red"), jpeg(600, 400, "blue")


def test_the_largest_preview_is_read_upright_with_its_date(tmp_path):
    path = tmp_path / "DSC1.ARW"
    path.write_bytes(raw_file(SMALL, LARGE, SMALL, orientation=6))
    photo = read_photo(path)
    assert (photo.width, photo.height) == photo.image.size == (400, 600)
    assert photo.image.getpixel((200, 300))[2] > 200
    assert photo.taken is not None
    assert photo.taken.isoformat() == "2021-05-12T10:11:12"


def test_a_preview_that_says_how_it_is_turned_is_believed():
    exif = Image.Exif()
    exif[0x0112] = 8
    data = raw_file(jpeg(600, 400, "blue", exif=exif), orientation=1)
    assert find_preview(data).exif is None
    assert read_photo(io.BytesIO(data)).image.size == (400, 600)


@pytest.mark.parametrize("head", [b"FUJIFILMCCD-RAW 0201", b"FOVb\0\0\2\0", b"\0\0\0\x18ftypcrx "])
def test_raw_files_that_are_no_tiff_are_read_too(head):
    assert read_photo(io.BytesIO(head + b"\xff\xd8\xff\x00" * 3 + SMALL + LARGE)).width == 600


def test_a_plain_tiff_is_read_itself(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(raw_file(LARGE, dng=False))
    assert read_photo(path).width == 160


def test_a_raw_file_without_a_preview_is_told():
    with pytest.raises(PhotoError, match="raw"):
        read_photo(io.BytesIO(raw_file(jpeg(100, 80, "blue"))), name="a.dng")


def test_names_of_raw_files_are_names_of_photos():
    assert all(map(is_photo_name, ("a.CR2", "b.nef", "c.DNG", "d.raf", "e.cr3")))

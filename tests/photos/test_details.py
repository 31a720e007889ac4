"""With what and how a photo was taken."""

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from regard.photos.details import Details, read_details


def taken(path, make="", model="", **shot):
    tags = {"time": 0x829A, "aperture": 0x829D, "iso": 0x8827, "focal": 0x920A, "lens": 0xA434}
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    exif[0x8769] = {tags[name]: value for name, value in shot.items()}
    Image.new("RGB", (16, 16)).save(path, exif=exif)
    return path


def test_camera_lens_and_exposure(tmp_path):
    path = taken(
        tmp_path / "a.jpg", "SONY", "ILCE-7M3", time=IFDRational(1, 250), aperture=2.8, iso=200,
        focal=35.0, lens="FE 35mm F2.8",
    )  # fmt: skip
    told = Details("SONY ILCE-7M3", "FE 35mm F2.8", "1/250 s · f/2.8 · ISO 200 · 35 mm")
    assert read_details(path) == told


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [("Canon", "Canon EOS 5D", "Canon EOS 5D"), ("Apple", "", "Apple"), ("", "X100", "X100")],
)
def test_a_maker_is_named_once(tmp_path, make, model, camera):
    assert read_details(taken(tmp_path / "a.jpg", make, model)).camera == camera


def test_long_exposures_are_told_in_seconds(tmp_path):
    path = taken(tmp_path / "a.jpg", time=IFDRational(5, 2))
    assert read_details(path).exposure == "2.5 s"


def test_what_is_not_told_or_cannot_be_read_is_empty(tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "plain.png")
    assert read_details(tmp_path / "plain.png") == Details()
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xffnothing")
    assert read_details(tmp_path / "broken.jpg") == Details()
    assert read_details(tmp_path / "missing.jpg") == Details()

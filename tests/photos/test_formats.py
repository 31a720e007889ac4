"""Every ending that is read has a format that is, and HEIF is one where its package is."""

import pytest
from PIL import Image

from regard.photos import formats


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

"""Photos as the page gets them: reduced, upright, without metadata, from indexed folders only.

A file is served only if it lies below an indexed folder once links are followed, and only if
its bytes are those that were indexed.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from regard.errors import PhotoError
from regard.photos.decode import read_photo
from regard.search.catalog import PhotoRecord
from regard.store.atomic import write_bytes
from regard.web.problems import ProblemError, split_message

SIZES = (240, 320, 640, 1600)
_KEPT_SIZES = (240, 320, 640)  # on disk; the browser keeps the large ones
_QUALITY, _SMALL_QUALITY = 82, 65
_SMALL = 480  # pixels on the longer side of a tile's picture
_PROGRESSIVE_FROM = 1000  # pixels on the longer side
_MOST_PROFILE = 20_000  # bytes; a colour profile that is larger is left out


class Thumbnails:
    """Reduced photos, made once and kept in the index's folder.

    Args:
        folder: of the index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "thumbnails"

    def get(self, record: PhotoRecord, size: int, roots: Iterable[Path]) -> bytes:
        """A JPEG no higher than `size` and no wider than one and a half times that.

        Raises:
            ProblemError: 404 outside the indexed folders, 409 no longer what was indexed.
        """
        kept = self._folder / str(size) / record.id[:2] / f"{record.id}.jpg"
        source = inside(record.path, roots)  # also where a kept one would do: the rule has no gap
        try:
            return kept.read_bytes()
        except OSError:
            picture = reduce(read_indexed(source, record), size)
        if size in _KEPT_SIZES:
            _keep(kept, picture)
        return picture

    def prune(self, ids: set[str]) -> int:
        """Remove those of photos that are gone; returns how many."""
        stale = [path for path in self._folder.glob("*/*/*.jpg") if path.stem not in ids]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)


def inside(path: Path, roots: Iterable[Path]) -> Path:
    """The real path of a photo below one of the indexed folders.

    Raises:
        ProblemError: 404, it is gone or leads elsewhere.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        real = None
    if real is None or not any(real.is_relative_to(root.resolve()) for root in roots):
        raise ProblemError(
            404,
            f"the file of {path.name} is gone or outside the indexed folders",
            "only files in them are shown",
            "Run `regard index` again.",
        )
    return real


def read_indexed(path: Path, record: PhotoRecord) -> bytes:
    """The bytes of a photo, which must be those that were indexed.

    Raises:
        ProblemError: 409, they are not.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - opened without following links
            data = file.read()
    except OSError:
        data = b""
    if not hashlib.sha256(data).hexdigest().startswith(record.id):
        raise ProblemError(
            409,
            f"{record.path.name} has changed since it was indexed",
            "this would be another photo",
            "Run `regard index` again.",
        )
    return data


def reduce(data: bytes, size: int) -> bytes:
    """A JPEG of at most 1.5 x size by size, upright, with no metadata."""
    try:
        photo = read_photo(io.BytesIO(data), size)
    except PhotoError as error:
        raise ProblemError(409, *split_message(str(error))) from error
    return to_jpeg(photo.image, box_of(size))


def box_of(size: int) -> tuple[int, int]:
    """The width and height a picture of some size fits in."""
    return size * 3 // 2, size


def to_jpeg(image: Image.Image, box: tuple[int, int]) -> bytes:
    """A JPEG that fits a box, with nothing of the original but pixels and colour profile."""
    shown = Image.new("RGB", image.size)
    shown.paste(image)
    shown.thumbnail(box, Image.Resampling.LANCZOS)
    profile = image.info.get("icc_profile", b"")
    out = io.BytesIO()
    shown.save(
        out,
        "JPEG",
        quality=_QUALITY if max(shown.size) > _SMALL else _SMALL_QUALITY,
        optimize=True,
        progressive=max(shown.size) > _PROGRESSIVE_FROM,
        icc_profile=profile if len(profile) <= _MOST_PROFILE else b"",
    )
    return out.getvalue()


def _keep(path: Path, data: bytes) -> None:
    """Write whole or not at all; an index that cannot be written to is served all the same."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data, durable=False)

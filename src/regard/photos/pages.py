"""Which picture of a file that holds several is the photo.

Of an animation the first that shows something, as many fade in; of a TIFF's pages the first that
is not the small copy of another.
"""

import contextlib
from collections.abc import Callable

from PIL import Image

_ANIMATIONS = ("GIF", "WEBP", "PNG", "AVIF")
_MOST_FRAMES, _MOST_PIXELS = 256, 400_000_000  # looked at before the first is taken as it is
_PLAIN = 16  # of 255: colours that differ less show nothing
_MOST_PAGES = 64
_KIND_OF_PAGE = 254
_SMALL_COPY, _MASK = 1, 4


def go_to_photo(image: Image.Image, to_rgb: Callable[[Image.Image], Image.Image]) -> None:
    """Turn an opened file to the picture that is the photo."""
    if image.format == "TIFF":
        _go_to_page(image)
    elif image.format in _ANIMATIONS and getattr(image, "is_animated", False):
        _go_to_frame(image, to_rgb)


def _go_to_frame(image: Image.Image, to_rgb: Callable[[Image.Image], Image.Image]) -> None:
    most = min(_MOST_FRAMES, max(2, _MOST_PIXELS // (image.width * image.height)))
    try:
        for number in range(most):
            image.seek(number)
            if not _is_plain(to_rgb(image)):
                return
    except Exception:  # noqa: BLE001 - the end, or damage behind the first frame
        pass
    image.seek(0)


def _is_plain(image: Image.Image) -> bool:
    """Whether a picture is all of one colour."""
    return all(high - low < _PLAIN for low, high in image.getextrema())  # type: ignore[misc]


def _go_to_page(image: Image.Image) -> None:
    sizes: dict[int, tuple[int, int]] = {}
    with contextlib.suppress(Exception):
        for number in range(min(getattr(image, "n_frames", 1), _MOST_PAGES)):
            image.seek(number)
            kind = getattr(image, "tag_v2", {}).get(_KIND_OF_PAGE, 0)
            if not kind & (_SMALL_COPY | _MASK):
                sizes[number] = image.size
    first = min(sizes, default=0)
    larger = (n for n, size in sizes.items() if _is_small_copy(sizes[first], size))
    image.seek(next(larger, first))


def _is_small_copy(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a page is likely another's thumbnail: of its shape, at most half as wide and high."""
    (width, height), (other_width, other_height) = size, other
    is_small = 2 * width <= other_width and 2 * height <= other_height
    return is_small and abs(width * other_height / (height * other_width) - 1) < 0.1

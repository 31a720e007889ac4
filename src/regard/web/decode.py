"""Decoding of uploads in a process of its own, so that time and memory have an end.

Run as `python -m regard.web.decode PIXELS SHORT_SIDE SECONDS`: the photo's bytes come in on
standard input; a line of JSON and the RGB pixels go out, or a line of JSON with the reason.
"""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

import regard
from regard.errors import PhotoError
from regard.photos.decode import Photo, read_photo
from regard.photos.formats import kind_of

_MEMORY = 3 << 30  # bytes of address space
_KEPT_PIXELS = 8_000_000  # what is larger after decoding is reduced before it is handed back


def decode(data: bytes, pixels: int, short_side: int) -> Photo:
    """Decode an upload, its size looked at first.

    Args:
        pixels: how many it may have.
        short_side: pixels needed on the short side, as in `read_photo`.

    Raises:
        PhotoError: no photo, too large, or damaged.
    """
    photo = read_photo(io.BytesIO(data), short_side, "upload", pixels)
    scale = (_KEPT_PIXELS / (photo.image.width * photo.image.height)) ** 0.5
    if scale < 1:
        size = (round(photo.image.width * scale), round(photo.image.height * scale))
        photo = photo._replace(image=photo.image.resize(size, Image.Resampling.LANCZOS))
    return photo


def suffix_of(data: bytes) -> str:
    """The usual suffix of files of an upload's kind, which was decoded before."""
    return kind_of(data[:12])[1] or ".jpg"


def decode_apart(data: bytes, pixels: int, short_side: int, seconds: float) -> Photo:
    """The same in another process, which is ended when its time is up.

    Raises:
        PhotoError: as `decode`, and when it takes too long or too much memory.
    """
    command = _command(pixels, short_side, max(1, round(seconds)))
    home = Path(regard.__file__).parents[1]  # so that no module of the current folder is run
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, cwd=home)
    except subprocess.TimeoutExpired:
        raise PhotoError(
            f"the photo takes more than {seconds:g} s to decode; the server waits no longer. "
            "Save the photo again as a plain JPEG."
        ) from None
    head, _, body = done.stdout.partition(b"\n")
    try:
        answer = json.loads(head)
    except ValueError:
        raise PhotoError(
            "the photo takes too much memory to decode; a plain photo is needed. "
            "Save it again as JPEG."
        ) from None
    if "error" in answer:
        raise PhotoError(answer["error"])
    image = Image.frombytes("RGB", tuple(answer["pixels"]), body)
    return Photo(image, answer["width"], answer["height"])


def _command(*numbers: int) -> list[str]:
    return [sys.executable, "-m", "regard.web.decode", *map(str, numbers)]


def _limit(seconds: int) -> None:
    """Bound this process's memory and time, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 1))


def main() -> None:
    """Read, decode, write."""
    pixels, short_side, seconds = (int(part) for part in sys.argv[1:])
    _limit(seconds)
    out = sys.stdout.buffer
    try:
        photo = decode(sys.stdin.buffer.read(), pixels, short_side)
    except PhotoError as error:
        out.write(json.dumps({"error": str(error)}).encode() + b"\n")
        return
    head = {"width": photo.width, "height": photo.height, "pixels": photo.image.size}
    out.write(json.dumps(head).encode() + b"\n" + photo.image.tobytes())


if __name__ == "__main__":
    main()

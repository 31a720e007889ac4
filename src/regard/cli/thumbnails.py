"""Small pictures in terminals that can show them.

Two protocols cover them: kitty's (kitty, Ghostty) and iTerm2's (iTerm2, WezTerm, VS Code, mintty).
"""

import base64
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Protocol = Literal["kitty", "iterm"]

ROWS = 6  # lines of text a thumbnail is high
_PIXELS = 240  # its longer side; terminals scale it to ROWS
_CHUNK = 4096  # most characters kitty takes at a time
_KITTY_PROGRAMS = ("ghostty",)
_ITERM_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "mintty")


def protocol(environment: Mapping[str, str] = os.environ) -> Protocol | None:
    """What the terminal understands, as far as it says so; None where it shows no pictures."""
    program = environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or environment.get("TERM", "").startswith("screen"):
        return None  # they let no pictures through
    if "KITTY_WINDOW_ID" in environment or "kitty" in environment.get("TERM", ""):
        return "kitty"
    if program in _KITTY_PROGRAMS:
        return "kitty"
    return "iterm" if program in _ITERM_PROGRAMS else None


def draw(photo: Path, how: Protocol) -> str:
    """A photo as text for the terminal.

    Raises:
        PhotoError: it cannot be read.
    """
    from regard.photos.decode import read_photo

    image = read_photo(photo, _PIXELS).image
    image.thumbnail((_PIXELS, _PIXELS))
    file = io.BytesIO()
    image.save(file, "PNG")
    data = base64.standard_b64encode(file.getvalue()).decode("ascii")
    if how == "iterm":
        size = f"size={len(file.getvalue())};height={ROWS};preserveAspectRatio=1"
        return f"\033]1337;File=inline=1;{size}:{data}\a\n"
    parts = [data[n : n + _CHUNK] for n in range(0, len(data), _CHUNK)]
    last = len(parts) - 1
    heads = [f"a=T,f=100,r={ROWS}," if n == 0 else "" for n in range(len(parts))]
    return (
        "".join(
            f"\033_G{head}m={int(n < last)};{part}\033\\"
            for n, (head, part) in enumerate(zip(heads, parts, strict=True))
        )
        + "\n"
    )


def show(photo: Path, how: Protocol) -> None:
    """Write a photo to the terminal; one that has gone or broken since is left out."""
    from regard.errors import PhotoError

    try:
        sys.stdout.write(draw(photo, how))
        sys.stdout.flush()
    except PhotoError as error:
        sys.stderr.write(f"{error}\n")

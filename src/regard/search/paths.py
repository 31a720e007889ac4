"""Which paths a pattern of the reader's fits: as people read them, not byte by byte.

Accents may be written either way, capitals or not; a bracket in a name is a bracket too. Knows
text only, of any system.
"""

import functools
import os
import re
import unicodedata
from collections.abc import Callable

_FROM_THE_START = re.compile(r"[/*]|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*://")
_SET = re.compile(r"\[[!^]?\]?[^\]]*\]")
_PLAIN = re.compile(r"[^*?\[\]/\\\x80-\U0010ffff]+")


def fits(path: str, pattern: str) -> bool:
    """Whether a whole path fits a glob in which `*` crosses folders.

    A pattern that does not begin at the root or with `*` fits at any depth. `[ab]` stands for
    one of two letters, and for itself.
    """
    return matcher(pattern, os.sep)(path)


def plain_part(pattern: str) -> str:
    """The longest piece of a pattern that every path that fits holds, but for its capitals."""
    text = _SET.sub("*", unicodedata.normalize("NFC", pattern))
    return max(_PLAIN.findall(text), key=len, default="")


@functools.lru_cache(maxsize=64)
def matcher(pattern: str, separator: str) -> Callable[[str], bool]:
    """The same for many paths of a system with some separator of folders."""
    text = unicodedata.normalize("NFC", pattern)
    start = "" if _FROM_THE_START.match(text) else ".*/"
    if separator != "/":
        text = text.replace(separator, "/")
    match = re.compile(start + _translate(text), re.DOTALL | re.IGNORECASE).fullmatch

    def decide(path: str) -> bool:
        if separator != "/":
            path = path.replace(separator, "/")
        if not path.isascii():
            path = unicodedata.normalize("NFC", path)
        return match(path) is not None

    return decide


def _translate(pattern: str) -> str:
    """Regular expression of a glob."""
    pieces = re.split(rf"(\*+|\?|{_SET.pattern})", pattern)
    return "".join(_translate_piece(piece) for piece in pieces)


def _translate_piece(piece: str) -> str:
    if piece.startswith("*"):
        return ".*"
    if piece == "?":
        return "."
    if len(piece) > 2 and piece.startswith("[") and piece.endswith("]"):
        inside = piece[1:-1]
        negated = "^" if inside[0] in "!^" else ""
        letters = inside[len(negated) :].replace("\\", "\\\\").replace("[", "\\[")
        letters = letters.replace("]", "\\]")
        try:
            re.compile(f"[{negated}{letters}]")
        except re.error:  # as of [z-a]: nothing but a name
            return re.escape(piece)
        return f"(?:[{negated}{letters}]|{re.escape(piece)})"
    return re.escape(piece)

"""Which files a collection leaves out: patterns as in `.gitignore`.

Knows the pattern language and where folders are, nothing of photos.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from regard.errors import ConfigError

HIDDEN = ".*"  # what begins with a dot is left out unless a later pattern takes it back


class _Rule(NamedTuple):
    expression: re.Pattern[str]
    folders_only: bool
    takes_back: bool


class Ignore:
    """Tells whether a path below the collection's folder is left out.

    Patterns work as in `.gitignore`: the last one that fits decides; `!pattern` takes back; a
    pattern with a slash at its beginning or middle is tied to the collection's folder, one
    without fits a name at any depth; a slash at the end fits folders only; `*` and `?` stop at
    slashes, `**` does not. What lies in a folder that is left out cannot be taken back. Hidden
    files and folders are left out as if `.*` stood before all patterns.

    Raises:
        ConfigError: a pattern has nothing in it but marks.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        lines = (HIDDEN, *(p.strip() for p in patterns))
        self._rules = [_rule(line) for line in lines if line and not line.startswith("#")]

    def __call__(self, path: str, *, is_folder: bool) -> bool:
        """Whether a path is left out; its parents are taken to be kept.

        Args:
            path: relative to the collection's folder, with forward slashes.
        """
        for rule in reversed(self._rules):
            if (is_folder or not rule.folders_only) and rule.expression.fullmatch(path):
                return not rule.takes_back
        return False


class Covered:
    """Tells whether a path lies in a folder and is not left out.

    Args:
        folder: absolute.
        excludes: its patterns.
    """

    def __init__(self, folder: str, excludes: Sequence[str]) -> None:
        self._folder, self._ignore = folder, Ignore(excludes)

    def __call__(self, path: str) -> bool:
        """Whether it does, the folder itself included."""
        found = inside(path, self._folder)
        if not found:
            return found is not None
        parts = found.split("/")
        parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return not (
            any(self._ignore(parent, is_folder=True) for parent in parents)
            or self._ignore(found, is_folder=Path(path).is_dir())
        )


def inside(path: str, folder: str) -> str | None:
    """A path relative to a folder it lies in or is, with forward slashes; else None.

    Some systems tell paths without links.
    """
    for root in (folder, os.path.realpath(folder)):
        if path == root:
            return ""
        start = root.rstrip(os.sep) + os.sep
        if path.startswith(start):
            return path[len(start) :].replace(os.sep, "/")
    return None


def _rule(pattern: str) -> _Rule:
    body = pattern.removeprefix("!")
    folders_only = body.endswith("/")
    body = body.rstrip("/") if folders_only else body
    anchored = "/" in body
    body = body.removeprefix("/")
    if not body:
        raise ConfigError(
            f"exclude pattern is {pattern!r}; it must name something. "
            "Patterns are like .gitignore's: thumbs/, *.png, /private/**."
        )
    expression = _translate(body) if anchored else "(?:.*/)?" + _translate(body)
    return _Rule(re.compile(expression, re.DOTALL), folders_only, pattern.startswith("!"))


def _translate(body: str) -> str:
    """Regular expression of a pattern without its outer marks."""
    out, place = "", 0
    while place < len(body):
        rest = body[place:]
        if rest.startswith("**/") and (place == 0 or body[place - 1] == "/"):
            out, place = out + "(?:.*/)?", place + 3
        elif rest == "**" and (place == 0 or body[place - 1] == "/"):
            out, place = out + ".+", place + 2
        elif rest[0] == "*":
            out, place = out + "[^/]*", place + 1
        elif rest[0] == "?":
            out, place = out + "[^/]", place + 1
        elif rest[0] == "[" and (found := re.match(r"\[([!^]?)(\]?[^\]]*)\]", rest)):
            inside = found[2].replace("\\", "\\\\").replace("[", "\\[")
            out += f"(?!/)[{'^' if found[1] else ''}{inside}]"
            place += found.end()
        elif rest[0] == "\\" and len(rest) > 1:
            out, place = out + re.escape(rest[1]), place + 2
        else:
            out, place = out + re.escape(rest[0]), place + 1
    return out

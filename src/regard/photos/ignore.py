"""Which files a collection leaves out: patterns as in `.gitignore`.

Knows the pattern language, other programs' folders and where folders are; nothing of photos.
"""

import contextlib
import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from regard.errors import ConfigError

HIDDEN = ".*"
_OTHERS = (  # what other programs keep beside photos: small copies, and what was thrown away
    *("@eaDir/", "@tmp/", r"\#recycle/", r"\#snapshot/"),  # Synology's
    *("@Recycle/", "@Recently-Snapshot/"),  # QNAP's
    *("$RECYCLE.BIN/", "$Recycle.Bin/", "RECYCLER/", "System Volume Information/"),
    *("lost+found/", "Network Trash Folder/", "Temporary Items/", "__MACOSX/"),
    # Of Apple's libraries only the originals are photos of their owner's.
    *("*.photoslibrary/*/", "!*.photoslibrary/originals/", "!*.photoslibrary/Masters/"),
    *("*.photolibrary/*/", "!*.photolibrary/Originals/", "!*.photolibrary/Masters/"),
    *("*.aplibrary/*/", "!*.aplibrary/Masters/", "*.migratedphotolibrary/"),
    *("*.lrdata/", "CaptureOne/Cache/", "*.cocatalog/Cache/"),  # previews
    *("appdata_*/preview/", "files_trashbin/"),  # Nextcloud
)


class _Rule(NamedTuple):
    expression: re.Pattern[str]
    takes_back: bool
    folders_only: bool
    others: str
    """The pattern, where it is one of those for other programs' folders."""


class Ignore:
    """Tells whether a path below the collection's folder is left out.

    Patterns work as in `.gitignore`: the last one that fits decides; `!pattern` takes back; a
    pattern with a slash at its beginning or middle is tied to the collection's folder, one
    without fits a name at any depth; a slash at the end fits folders only; `*` and `?` stop at
    slashes, `**` does not. What lies in a folder that is left out cannot be taken back. Hidden
    files and other programs' folders are left out as if patterns for them stood before all
    others. Accents fit however they are written.

    Raises:
        ConfigError: a pattern has nothing in it but marks, or is none.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        others = (_rule(_at_any_depth(line), line.removeprefix("\\")) for line in _OTHERS)
        lines = (pattern.strip() for pattern in patterns)
        own = [_rule(line) for line in lines if line and not line.startswith("#")]
        self._rules = [_rule(HIDDEN), *others, *own][::-1]
        self._file_rules = [rule for rule in self._rules if not rule.folders_only]

    def __call__(self, path: str, *, is_folder: bool) -> bool:
        """Whether a path is left out; its parents are taken to be kept.

        Args:
            path: relative to the collection's folder, with forward slashes.
        """
        rule = self._decides(path, is_folder)
        return rule is not None and not rule.takes_back

    def others(self, path: str) -> str:
        """The pattern of other programs' folders that leaves a folder out; empty where none."""
        rule = self._decides(path, True)
        return "" if rule is None or rule.takes_back else rule.others

    def _decides(self, path: str, is_folder: bool) -> _Rule | None:
        """The last rule that fits the path itself, not a folder it is in."""
        text = path if path.isascii() else unicodedata.normalize("NFC", path)
        if is_folder:
            text += "/"
        for rule in self._rules if is_folder else self._file_rules:
            match = rule.expression.match(text)
            if match is not None and match.groupdict().get("ps_d") is None:
                return rule
            if match is not None and is_folder and match.end("ps_d") == len(text):
                return rule
        return None


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
        place = inside(path, self._folder)
        if not place:
            return place is not None
        parts = place.split("/")
        parents = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return not (
            any(self._ignore(parent, is_folder=True) for parent in parents)
            or self._ignore(place, is_folder=Path(path).is_dir())
        )


def inside(path: str, folder: str) -> str | None:
    """A path relative to a folder it lies in or is, with forward slashes; else None.

    Some systems tell paths without links; on Windows capitals and slashes make no difference.
    """
    plain = os.path.normcase(path)
    for root in (folder, os.path.realpath(folder)):
        start = os.path.normcase(root).rstrip(os.sep) + os.sep
        if plain + os.sep == start:
            return ""
        if plain.startswith(start):
            return path[len(start) :].replace(os.sep, "/")
    return None


def known_as(folder: str, known: Iterable[str]) -> str:
    """A folder by the name it is known by, where that differs in capitals or accents only."""
    for name in known:
        if name != folder and _folded(name) == _folded(folder):
            with contextlib.suppress(OSError):
                if Path(name).samefile(folder):
                    return name
    return folder


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _at_any_depth(pattern: str) -> str:
    """A pattern of several folders, so that it fits wherever they are."""
    body = pattern.removeprefix("!")
    if "/" not in body.rstrip("/"):
        return pattern
    return f"!**/{body}" if pattern.startswith("!") else f"**/{body}"


def _rule(pattern: str, others: str = "") -> _Rule:
    """A pattern ready to be asked.

    Raises:
        ConfigError: it names nothing, or cannot be read.
    """
    if not pattern.strip("!/"):
        raise ConfigError(
            f"exclude pattern is {pattern!r}; it must name something. "
            "Patterns are like .gitignore's: thumbs/, *.png, /private/**."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what may mean something else in other languages
            compiled = GitIgnoreSpecPattern(unicodedata.normalize("NFC", pattern))
    except (ValueError, re.error) as error:
        raise ConfigError(
            f"exclude pattern is {pattern!r}; it must be one as in .gitignore ({error}). "
            "Patterns are like thumbs/, *.png, /private/**, img_[0-9].jpg."
        ) from None
    nothing = re.compile(r"(?!)")  # as git takes what is half a set
    expression = compiled.regex if compiled.regex is not None else nothing
    return _Rule(expression, compiled.include is False, pattern.endswith("/"), others)

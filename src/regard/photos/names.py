"""Names of files as text: some systems allow bytes that are none, which databases refuse."""

import os


def is_text(name: str) -> bool:
    """Whether a name is UTF-8, so that databases and JSON can hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def readable(name: str) -> str:
    """A name that is not UTF-8 in letters that are."""
    return os.fsencode(name).decode(errors="replace")


def why_not_text(path: str, kind: str) -> str:
    """What to tell of a file or folder whose name is not UTF-8."""
    return f"{readable(path)} has a name that is not UTF-8; it must be. Rename the {kind}."

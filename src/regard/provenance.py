"""What a result was made with: versions, the state of the code, the machine, the command."""

import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

MISSING = "missing"


def versions() -> dict[str, str]:
    """Of Python, of this program and of all it needs; torch last, which only training needs."""
    from importlib.metadata import requires

    needs = [need for need in requires("regard") or () if "extra ==" not in need]
    names = ["regard", *(re.split(r"[^\w.-]", need)[0] for need in needs), "torch"]
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


@cache  # each is searched for among all packages
def version(name: str) -> str:
    """A package's, or that it is missing."""
    from importlib import metadata  # takes longer to load than many a command needs

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return MISSING


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository that a folder is in, and files that differ from it, if it is."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changed is None:
        return None
    return {"commit": commit, "changed": [line[3:] for line in changed.splitlines()]}


@cache
def _code() -> dict[str, Any] | None:
    """State of this program's own code, as it was when first asked for."""
    return git_state(Path(__file__).parent)


def _git(folder: Path, *command: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *command], capture_output=True, text=True)
    except OSError:  # no git here
        return None
    return done.stdout.rstrip() if done.returncode == 0 else None


def start() -> dict[str, Any]:
    """All of it, of a program that begins now."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "folder": str(Path.cwd()),
        "versions": versions(),
        "code": _code(),
        "working folder": git_state(Path.cwd()),
        "machine": {"system": platform.platform(), "processor": platform.machine()},
    }

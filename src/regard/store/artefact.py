"""What is made once from other things and kept on disk, for as long as those stay the same.

A digest of what it was made from stands in its name, and it takes that name as one step when it
is whole. So what has the name is always the right thing, and whole; no note beside it could be
older or newer than what it speaks of.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regard.store.atomic import sync
from regard.store.manifest import lock

_DIGITS = 16


def digest_of(made_from: Any) -> str:
    """Sixteen hex digits that change when anything of some plain values does."""
    text = json.dumps(made_from, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def made_once(
    folder: Path,
    name: str,
    made_from: Any,
    make: Callable[[Path], None],
) -> Path:
    """The folder of an artefact, made first where it is not there or was made from other things.

    It takes the place of one that was. A second process that wants it waits until it is made.

    Args:
        folder: where artefacts are kept; made if missing.
        made_from: plain values that say all it depends on.
        make: fills the empty folder it is given.
    """
    whole = folder / f"{name}-{digest_of(made_from)}"
    if whole.is_dir():
        return whole
    held = lock(folder, f"{name}.lock", wait=True)
    try:
        if not whole.is_dir():
            _make(whole, name, make)
    finally:
        held.release()
    return whole


def _make(whole: Path, name: str, make: Callable[[Path], None]) -> None:
    """Make an artefact in the place of those of its name, and of what a killed process left."""
    for left in whole.parent.glob(f"{name}-{'[0-9a-f]' * _DIGITS}*"):
        shutil.rmtree(left)
    partial = whole.with_name(f"{whole.name}.partial")
    partial.mkdir()
    make(partial)
    for file in partial.iterdir():
        sync(file)
    partial.rename(whole)
    sync(whole.parent)

"""Small JSON files of settings and positions: written whole, read or refused."""

import json
from pathlib import Path
from typing import Any

from regard.errors import CheckpointError
from regard.store.atomic import write_bytes


def write(path: Path, tree: dict[str, Any]) -> None:
    """Write a file so that it exists whole or not at all."""
    text = json.dumps(tree, indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode("utf-8"))


def read(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Read an object.

    Args:
        what: the file must be, for the error.
        remedy: what to do if it is not.

    Raises:
        CheckpointError: there is no such file, or it is damaged.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(tree, dict):
            return tree
        reason = f"it holds a {type(tree).__name__}"
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    raise CheckpointError(f"{path} cannot be read ({reason}); it must be {what}. {remedy}")

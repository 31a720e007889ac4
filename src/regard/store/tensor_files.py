"""Small files of arrays that lie beside a model's weights: written whole, read or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from regard.errors import CheckpointError
from regard.store.atomic import replacing

Part = TypeVar("Part")
Arrays = dict[str, np.ndarray]


def write(path: Path, held: Arrays) -> None:
    """Write a file so that it exists whole or not at all."""
    with replacing(path) as partial:
        save_file(held, partial)


def read(path: Path, make: Callable[[Arrays], Part], what: str, remedy: str) -> Part | None:
    """What `make` makes of a file's arrays; None where there is no file.

    Args:
        what: the file must be, for the error.
        remedy: what to do if it is not.

    Raises:
        CheckpointError: it is damaged.
    """
    if not path.is_file():
        return None
    try:
        return make(load_file(path))
    except (OSError, KeyError, ValueError, IndexError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); it must be {what}. {remedy}"
        ) from None

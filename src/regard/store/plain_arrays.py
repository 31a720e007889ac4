"""Plain .npy files of numbers, memory-mapped; nothing in them is executed."""

from pathlib import Path

import numpy as np

_ARCHIVE = b"PK"  # how a zip file begins, as .npz files are


def map_array(path: Path) -> np.ndarray:
    """Memory-map one array.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: it is no array of plain values, or is not whole; says what it is.
    """
    with path.open("rb") as file:
        start = file.read(len(_ARCHIVE))
    if not start:
        raise ValueError("it is empty")
    if start == _ARCHIVE:
        raise ValueError("it is an archive, perhaps of several arrays")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (OSError, EOFError, OverflowError, TypeError, SyntaxError) as error:
        raise ValueError(str(error)) from None

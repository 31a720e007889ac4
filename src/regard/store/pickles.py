"""Pickles of plain values and arrays, read without executing anything in them.

A pickle is a program: it names functions and calls them. These readers know the handful of names
that numbers and arrays need, answer each with a harmless stand-in of their own, and refuse every
other name. Knows nothing of what the values are for.
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from regard.errors import CheckpointError

DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, ValueError, KeyError),
    *(TypeError, AttributeError, IndexError, RuntimeError, OverflowError, MemoryError, OSError),
    *(AssertionError, NotImplementedError),
)
"""What is raised on the way through a pickle that is damaged, or no pickle."""
_CODES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


class NumberType:
    """Stand-in for a numpy dtype: remembers its name and byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in _CODES:
            raise pickle.UnpicklingError(f"number type {code!r}")
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """What a pickle tells a dtype after it is made."""
        self.order = ">" if state[1] == ">" else "<"

    def numbers(self, data: str | bytes | bytearray) -> np.ndarray:
        """The numbers that bytes stand for."""
        raw = data.encode("latin1") if isinstance(data, str) else data
        return np.frombuffer(raw, self.order + self.code)


class PlainReader(pickle.Unpickler):
    """Unpickler of plain values and single numbers, whose every name is one of its stand-ins.

    The stand-ins are made anew for each file, so that none can be altered for the next.
    """

    holds = "neither a number nor a plain value; a file must hold only these"

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")  # what Python 2 wrote
        self.known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("numpy", "dtype"): type("NumberType", (NumberType,), {}),
            ("_codecs", "encode"): lambda text, _encoding="latin1": text.encode("latin1"),
        }
        self.know_numpy("multiarray", "scalar", lambda kind, data: kind.numbers(data)[0].item())

    def know_numpy(self, module: str, name: str, answer: Any) -> None:
        """Know a name of numpy's, which has moved from numpy.core to numpy._core."""
        for core in ("numpy.core", "numpy._core"):
            self.known[f"{core}.{module}", name] = answer

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for a name, or refusal."""
        if (module, name) not in self.known:
            raise CheckpointError(
                f"file asks for {module}.{name}, which is {self.holds}, and nothing was run. Do "
                "not trust this file."
            )
        return self.known[module, name]


class _Array:
    """Stand-in for an array until it is told what it holds."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, by_columns, data = state
        self.value = _shaped(data, kind, shape, "F" if by_columns else "C")


def _shaped(data: bytes, kind: NumberType, shape: tuple[int, ...], order: Any) -> np.ndarray:
    return kind.numbers(data).reshape(shape, order=order)


class _ArrayReader(PlainReader):
    """Reads arrays of numbers, too."""

    holds = "neither an array nor a plain value; features must be only these"

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        array = type("Array", (_Array,), {})
        self.known["numpy", "ndarray"] = array
        self.know_numpy("multiarray", "_reconstruct", lambda *_: array())
        self.know_numpy("numeric", "_frombuffer", _shaped)


def read_values(content: bytes) -> Any:
    """Plain values, lists, dictionaries and arrays of numbers; nothing is executed.

    Raises:
        ValueError: it is damaged.
        CheckpointError: it asks for anything else.
    """
    try:
        return plain(_ArrayReader(io.BytesIO(content)).load(), _as_array)
    except DAMAGE as error:
        raise ValueError(f"no pickle of values ({error or type(error).__name__})") from None


def _as_array(value: Any, _walk: Any) -> np.ndarray:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, np.ndarray):
        return value
    raise TypeError(f"it holds a {type(value).__name__}")


def plain(
    value: Any,
    stand_in: Callable[[Any, Callable[[Any], Any]], Any],
    seen: dict[int, Any] | None = None,
) -> Any:
    """Copy of plain values in which stand-ins give way to what they stand for.

    What is there many times is copied once, or a small file could grow without end.

    Args:
        stand_in: given any other value, and how to copy what that holds.
    """
    if value is None or isinstance(value, str | bytes | int | float | bool):
        return value
    seen = {} if seen is None else seen

    def walk(item: Any) -> Any:
        return plain(item, stand_in, seen)

    if id(value) not in seen:
        if isinstance(value, dict):
            seen[id(value)] = {key: walk(item) for key, item in value.items()}
        elif isinstance(value, list | tuple):
            seen[id(value)] = [walk(item) for item in value]
        else:
            seen[id(value)] = stand_in(value, walk)
    return seen[id(value)]

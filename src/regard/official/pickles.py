"""Checkpoints of old PyTorch code, read without executing anything in them.

The reader knows the names that a file of tensors and plain settings needs, beside those of
`store.pickles`, and refuses every other. Understands today's zip files and the plain ones of
PyTorch before 1.6, Python 2 included. Knows nothing of what the tensors are for.
"""

import io
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regard.errors import CheckpointError
from regard.store.pickles import DAMAGE, PlainReader, plain

_MAGIC = 0x1950A86A20F9469CFC6C  # first number of the plain format
_BFLOAT16 = "BFloat16Storage"
_NUMBERS: dict[str, type[np.generic]] = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    _BFLOAT16: np.uint16,  # numpy has no such number; its sixteen bits are the upper of a float32
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


@dataclass(frozen=True)
class _StorageKind:
    """Stand-in for a class of storages."""

    name: str

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return np.dtype(_NUMBERS[self.name]).itemsize

    def numbers(self, raw: bytes) -> np.ndarray:
        """The numbers of a storage; bfloat16 as float32."""
        numbers: np.ndarray = np.frombuffer(raw, _NUMBERS[self.name])
        if self.name == _BFLOAT16:
            return (numbers.astype(np.uint32) << 16).view(np.float32)
        return numbers


@dataclass(frozen=True)
class _Storage:
    """Where numbers of a tensor lie; `start` counts numbers."""

    key: str
    kind: _StorageKind
    start: int


@dataclass(frozen=True)
class _Pending:
    """A tensor whose numbers have not been read yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def cut(self, numbers: np.ndarray) -> np.ndarray:
        """The tensor, a copy of its part of a storage.

        Raises:
            ValueError: it reaches beyond the storage, or has more numbers than that.
        """
        if min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor has a negative size")
        if len(self.shape) != len(self.strides):
            raise ValueError("a tensor has more sizes than strides, or fewer")
        sides = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((size - 1) * stride for size, stride in sides)
        count = math.prod(self.shape)
        if count and (last >= len(numbers) or count > len(numbers)):
            raise ValueError("a tensor reaches beyond its numbers")
        if not count:
            return np.zeros(self.shape, numbers.dtype)
        part = numbers[self.offset :]
        strides = tuple(stride * numbers.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(part, self.shape, strides).copy()


@dataclass(frozen=True)
class Settings:
    """An `argparse.Namespace` from a file, as plain values."""

    values: dict[str, Any]


class _Reader(PlainReader):
    """Reads tensors and the settings of a command line, too."""

    holds = "neither a tensor nor a plain setting; a checkpoint must hold only these"

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        super().__init__(file)
        self.namespace = type("Namespace", (), {})
        self.known |= {
            ("argparse", "Namespace"): self.namespace,
            ("torch._utils", "_rebuild_tensor"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): self._parameter,
        }
        for name in _NUMBERS:
            self.known["torch", name] = self.known["torch.cuda", name] = _StorageKind(name)

    def allow_vocabulary(self) -> None:
        """Know the class that VSE++ pickled its vocabularies as."""
        for module in ("vocab", "__main__"):
            self.known[module, "Vocabulary"] = self.namespace

    def persistent_load(self, pid: Any) -> _Storage:
        """A reference to numbers stored outside the pickle."""
        what, kind, key, _location, _size, *view = pid
        if what != "storage" or not isinstance(kind, _StorageKind):
            raise pickle.UnpicklingError(f"reference to a {what!r}")
        start = int(view[0][1]) if view and view[0] else 0
        return _Storage(str(key), kind, start)

    def _tensor(
        self, storage: _Storage, offset: int, shape: Any, strides: Any, *_: object
    ) -> _Pending:
        start = int(offset) + storage.start
        return _Pending(storage, start, tuple(map(int, shape)), tuple(map(int, strides)))

    def _parameter(self, data: _Pending, *_: object) -> _Pending:
        return data


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint's dictionary; nothing in the file is executed.

    Returns:
        Plain values, lists and dictionaries, with tensors as arrays of their own type (bfloat16
        as float32) and each `argparse.Namespace` as `Settings`.

    Raises:
        CheckpointError: the file is missing or damaged, is no checkpoint, or asks for anything
            but tensors and plain settings.
    """
    try:
        with path.open("rb") as file:
            contents = _read_zip(path) if zipfile.is_zipfile(path) else _read_plain(file)
        if not isinstance(contents, dict):
            raise TypeError(f"it holds a {type(contents).__name__}, not a dictionary")
        return contents
    except FileNotFoundError:
        raise CheckpointError(
            f"checkpoint is {str(path)!r}; the file must exist. Check the path."
        ) from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except DAMAGE as error:
        raise CheckpointError(
            f"{path} cannot be read ({error or type(error).__name__}); it must be a checkpoint "
            "written by torch.save. Check that it was copied whole."
        ) from None


def read_vocabulary(path: Path) -> dict[str, int]:
    """Numbers of the words of a vocabulary as VSE++ pickled it; nothing in it is executed.

    Raises:
        CheckpointError: the file is missing or damaged, or asks for anything but words.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(file)
            reader.allow_vocabulary()
            numbers = reader.load().word2idx
        if not isinstance(numbers, dict) or not all(isinstance(n, int) for n in numbers.values()):
            raise TypeError("its words have no numbers")
        return {str(word): number for word, number in numbers.items()}
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except DAMAGE as error:
        raise CheckpointError(
            f"vocabulary {str(path)!r} cannot be read ({error or type(error).__name__}); it must "
            "be the .pkl of VSE++ or SCAN's JSON. Check the path and the file."
        ) from None


def _read_zip(path: Path) -> Any:
    """Read the zip format: data.pkl beside one file of numbers a storage."""
    limit = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        entry = next((n for n in archive.namelist() if n.endswith("data.pkl")), None)
        if entry is None:
            raise ValueError("it is a zip file without data.pkl")
        root = entry.removesuffix("data.pkl")
        for info in archive.infolist():
            if info.file_size > limit:
                raise ValueError(f"{info.filename} claims to be larger than the file")
        if root + "byteorder" in archive.namelist():
            _check_order(archive.read(root + "byteorder") == b"little")
        reader = _Reader(io.BytesIO(archive.read(entry)))
        return _finish(reader.load(), reader, lambda key: archive.read(f"{root}data/{key}"))


def _read_plain(file: io.BufferedReader) -> Any:
    """Read the plain format: four pickles, then the numbers of every storage in turn."""
    if _Reader(file).load() != _MAGIC:
        raise ValueError("it does not begin as a checkpoint does")
    _Reader(file).load()  # version of the format
    _check_order(_Reader(file).load()["little_endian"])
    reader = _Reader(file)
    contents = reader.load()
    sizes = _storage_sizes(contents, reader.namespace)
    numbers: dict[str, bytes] = {}
    whole = os.fstat(file.fileno()).st_size
    for key in _Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        if not 0 <= count * sizes[str(key)] <= whole - file.tell():
            raise ValueError("its numbers end too early")
        numbers[str(key)] = file.read(count * sizes[str(key)])
    return _finish(contents, reader, numbers.__getitem__)


def _check_order(little: bool) -> None:
    if not little:
        raise ValueError("its numbers are big-endian, which is not supported")


def _storage_sizes(contents: Any, namespace: type) -> dict[str, int]:
    """Bytes of one number of each storage that a tensor refers to."""
    sizes: dict[str, int] = {}

    def visit(pending: _Pending) -> _Pending:
        sizes[pending.storage.key] = pending.storage.kind.itemsize
        return pending

    _walk(contents, namespace, visit)
    return sizes


def _finish(contents: Any, reader: _Reader, numbers: Any) -> Any:
    """Replace pending tensors by real ones."""
    storages: dict[str, np.ndarray] = {}

    def visit(pending: _Pending) -> np.ndarray:
        key = pending.storage.key
        if key not in storages:
            storages[key] = pending.storage.kind.numbers(numbers(key))
        return pending.cut(storages[key])

    return _walk(contents, reader.namespace, visit)


def _walk(value: Any, namespace: type, visit: Callable[[_Pending], Any]) -> Any:
    """Copy of plain values with `visit` applied to every pending tensor."""

    def stand_in(item: Any, walk: Callable[[Any], Any]) -> Any:
        if isinstance(item, _Pending):
            return visit(item)
        if isinstance(item, namespace):
            return Settings(walk(vars(item)))
        raise TypeError(f"it holds a {type(item).__name__}")

    return plain(value, stand_in)

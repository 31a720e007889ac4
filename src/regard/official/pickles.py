"""Checkpoints of old PyTorch code, read without executing anything in them.

A pickle is a program: it names functions and calls them. This reader knows the handful of names
that a file of tensors and plain settings needs, answers each with a harmless stand-in of its own,
and refuses every other name. Understands today's zip files and the plain ones of
PyTorch before 1.6, Python 2 included. Knows nothing of what the tensors are for.
"""

import io
import math
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regard.errors import CheckpointError

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
_NUMBER_CODES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
_DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, ValueError, KeyError),
    *(TypeError, AttributeError, IndexError, RuntimeError, OverflowError, MemoryError, OSError),
    *(AssertionError, NotImplementedError),
)


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


class _NumberType:
    """Stand-in for a numpy dtype: remembers its name and byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in _NUMBER_CODES:
            raise pickle.UnpicklingError(f"number type {code!r}")
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = ">" if state[1] == ">" else "<"


class _Reader(pickle.Unpickler):
    """Unpickler whose every name is one of its own stand-ins.

    The stand-ins are made anew for each file, so that none can be altered for the next.
    """

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")  # what Python 2 wrote
        self.namespace = type("Namespace", (), {})
        numbers = type("NumberType", (_NumberType,), {})
        self._known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("argparse", "Namespace"): self.namespace,
            ("torch._utils", "_rebuild_tensor"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): self._parameter,
            ("numpy", "dtype"): numbers,
            ("numpy.core.multiarray", "scalar"): self._number,
            ("numpy._core.multiarray", "scalar"): self._number,
            ("_codecs", "encode"): self._bytes,
        }
        for name in _NUMBERS:
            self._known["torch", name] = self._known["torch.cuda", name] = _StorageKind(name)

    def allow_vocabulary(self) -> None:
        """Know the class that VSE++ pickled its vocabularies as."""
        for module in ("vocab", "__main__"):
            self._known[module, "Vocabulary"] = self.namespace

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for a name, or refusal."""
        if (module, name) not in self._known:
            raise CheckpointError(
                f"file asks for {module}.{name}, which is neither a tensor nor a plain setting; a "
                "checkpoint must hold only these, and nothing was run. Do not trust this file."
            )
        return self._known[module, name]

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

    def _number(self, kind: _NumberType, data: str | bytes) -> float | int | bool:
        raw = data.encode("latin1") if isinstance(data, str) else data
        value: float | int | bool = np.frombuffer(raw, kind.order + kind.code)[0].item()
        return value

    def _bytes(self, text: str, _encoding: str = "latin1") -> bytes:
        return text.encode("latin1")


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
    except _DAMAGE as error:
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
    except _DAMAGE as error:
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


def _walk(value: Any, namespace: type, visit: Any, seen: dict[int, Any] | None = None) -> Any:
    """Copy of plain values with `visit` applied to every pending tensor.

    What is there many times is copied once, or a small file could grow without end.
    """
    if value is None or isinstance(value, str | bytes | int | float | bool):
        return value
    seen = {} if seen is None else seen
    if id(value) not in seen:
        seen[id(value)] = _copy(value, namespace, visit, seen)
    return seen[id(value)]


def _copy(value: Any, namespace: type, visit: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, _Pending):
        return visit(value)
    if isinstance(value, dict):
        return {key: _walk(item, namespace, visit, seen) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, namespace, visit, seen) for item in value]
    if isinstance(value, namespace):
        return Settings(_walk(vars(value), namespace, visit, seen))
    raise TypeError(f"it holds a {type(value).__name__}")

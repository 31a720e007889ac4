"""Features of many photos in an LMDB, as code for vision-and-language models keeps them.

The key is the photo's id; the value is a pickle, a msgpack (numpy's arrays as msgpack-numpy writes
them) or an .npz file of what `datasets.fields` names. A key `keys`, or one that begins with two
underscores, holds no photo. Nothing in the values is executed.

Needs lmdb and msgpack, of the extra `features`.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regard.datasets.fields import regions_of_fields
from regard.datasets.importing import Row
from regard.errors import CheckpointError, DataError
from regard.extras import bring
from regard.store.pickles import read_values

SUFFIXES = (".lmdb", ".mdb")
_WITHIN = "data.mdb"  # where the database is a folder
_NO_PHOTO = b"keys"
_PICKLE, _ZIP = b"\x80", b"PK"  # how values begin; every other is msgpack
_DAMAGE = (
    *(ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError, OverflowError),
    *(RecursionError, zipfile.BadZipFile, CheckpointError),
)


def is_lmdb(path: Path) -> bool:
    """Whether a path is one of an LMDB: a folder of one, or its file."""
    return (path / _WITHIN).is_file() or (path.is_file() and path.suffix.lower() in SUFFIXES)


def open_lmdb(path: Path) -> "Lmdb":
    """Open a database to read.

    Raises:
        ConfigError: lmdb or msgpack is missing.
        DataError: it cannot be read.
    """
    lmdb, msgpack = (bring(name, "features", "an LMDB") for name in ("lmdb", "msgpack"))
    try:
        how = {"readonly": True, "lock": False, "readahead": False, "subdir": path.is_dir()}
        return Lmdb(lmdb.open(str(path), **how), msgpack)
    except lmdb.Error as error:
        raise DataError(f"{path} cannot be read ({error}); it must be an LMDB.") from None


class Lmdb:
    """The photos of an open database."""

    def __init__(self, database: Any, msgpack: Any) -> None:
        self._database, self._msgpack = database, msgpack

    def __len__(self) -> int:
        """Entries."""
        return int(self._database.stat()["entries"])

    def rows(self) -> Iterator[tuple[Row, int]]:
        """The photos, each with how many entries have been read."""
        with self._database.begin() as reading:
            for number, (key, value) in enumerate(reading.cursor(), 1):
                if key != _NO_PHOTO and not key.startswith(b"__"):
                    yield self._row(key.decode("utf-8", "replace"), value), number

    def _row(self, key: str, value: bytes) -> Row:
        image_id = key.removesuffix(".npz").removesuffix(".npy")
        try:
            return Row(image_id, regions_of_fields(self._fields(value)), "")
        except _DAMAGE as error:
            return Row(image_id, None, f"{key} cannot be read: {error}")

    def _fields(self, value: bytes) -> Mapping[str, Any]:
        if value.startswith(_ZIP):
            with np.load(io.BytesIO(value), allow_pickle=False) as archive:
                return dict(archive)
        if value.startswith(_PICKLE):
            fields = read_values(value)
        else:
            fields = self._msgpack.unpackb(
                value, raw=True, strict_map_key=False, object_hook=_as_array
            )
        if not isinstance(fields, dict):
            raise ValueError(f"it holds a {type(fields).__name__}, not names and arrays")
        return {_text(name): one for name, one in fields.items()}


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _as_array(tree: dict[Any, Any]) -> Any:
    """An array or a number in the form of msgpack-numpy; every other tree is itself."""
    if b"nd" not in tree:
        return tree
    array = np.frombuffer(tree[b"data"], np.dtype(_text(tree[b"type"])))
    return array.reshape(tree[b"shape"]) if tree[b"nd"] else array[0]

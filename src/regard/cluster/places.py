"""Folders and prefixes of object storage, read and written alike.

Knows Arrow's file systems (local, S3, Google Cloud, Azure, HDFS) and, for other schemes, fsspec's.
Knows bytes and names; nothing of photos' pixels, stores or Ray.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from regard.errors import DataError
from regard.photos.find import Entry, Scan, scan_folder, scan_tree
from regard.store.atomic import write_bytes


class Location(NamedTuple):
    """A folder, or what begins with a prefix in object storage. Can be sent to other processes."""

    system: Any
    """A pyarrow.fs.FileSystem."""
    inside: str
    """Path in that file system."""
    scheme: str
    """As in "s3://"; empty for a folder."""

    @classmethod
    def of(cls, text: str) -> "Location":
        """A folder's path, or a URI as s3://bucket/prefix?region=eu-central-1.

        What follows the question mark says how to reach it and is no part of any file's name.

        Raises:
            DataError: no file system is known for it.
        """
        import pyarrow as pa
        from pyarrow import fs

        if "://" not in text:
            folder = os.path.abspath(text)  # noqa: PTH100 - links keep their names
            return cls(fs.LocalFileSystem(), folder, "")
        scheme = f"{urlsplit(text).scheme}://"
        try:
            try:
                system, inside = fs.FileSystem.from_uri(text)
            except pa.ArrowInvalid:
                from fsspec.core import url_to_fs

                handler, inside = url_to_fs(text)
                system = fs.PyFileSystem(fs.FSSpecHandler(handler))
        except (ValueError, ImportError, OSError) as error:
            raise DataError(
                f"{text} cannot be reached ({error}); it must be a folder or a URI as "
                "s3://bucket/prefix, gs://bucket/prefix or one that fsspec knows. Correct it, or "
                "install what its scheme needs."
            ) from None
        if isinstance(system, fs.LocalFileSystem):
            return cls(system, inside, "")
        if not inside.strip("/"):
            raise DataError(f"{text} cannot be reached; it must name a bucket. Add its name.")
        return cls(system, inside.rstrip("/"), scheme)

    @property
    def name(self) -> str:
        """How its files' names begin: an absolute path, or the URI without its question."""
        return self._name_of(self.inside)

    def below(self, folder: str) -> "Location":
        """A folder in it."""
        return self._replace(inside=f"{self.inside}/{folder}")

    @property
    def is_folder(self) -> bool:
        """Whether it is in this machine's own file system, mounted or not."""
        return not self.scheme

    def path_of(self, name: str) -> str:
        """Path in the file system of a file by its full name."""
        root = "/" if self.scheme and self.inside.startswith("/") else ""
        return root + name.removeprefix(self.scheme)

    def _name_of(self, path: str) -> str:
        return f"{self.scheme}{path.lstrip('/')}" if self.scheme else path

    # ---- photos

    def scan(self, excludes: Sequence[str] = ()) -> Scan:
        """The photos below, in the order `regard.photos.find` gives them.

        Raises:
            DataError: there is no such folder or prefix, or it cannot be listed.
        """
        if self.is_folder:
            return scan_folder(Path(self.inside), excludes)
        from pyarrow import fs

        try:
            infos = self.system.get_file_info(fs.FileSelector(self.inside, recursive=True))
        except OSError as error:
            raise DataError(
                f"{self.name} cannot be listed ({_brief(error)}); it must be a prefix there is and "
                "you may list. Check it, its region and your credentials."
            ) from None
        below: dict[str, dict[str, Entry]] = {"": {}}
        for info in infos:
            if info.type != fs.FileType.File:
                continue
            name = self._name_of(info.path)
            *folders, last = name.removeprefix(self.name).strip("/").split("/")
            inside = ""
            for folder in folders:
                below[inside].setdefault(f"{folder}/", _Stored(folder, "", True))
                inside += f"{folder}/"
                below.setdefault(inside, {})
            below[inside][last] = _Stored(last, name, False, info.size, info.mtime_ns or 0)
        return scan_tree(self.name, lambda inside: below[inside].values(), excludes)

    def read(self, name: str) -> bytes:
        """Bytes of a file by its full name.

        Raises:
            OSError: it cannot be read.
        """
        with self.system.open_input_stream(self.path_of(name)) as stream:
            contents: bytes = stream.read()
        return contents

    # ---- small files of our own

    def exists(self, file: str) -> bool:
        """Whether a file of that name is there."""
        from pyarrow import fs

        info = self.system.get_file_info(self._path(file))
        return bool(info.type == fs.FileType.File)

    def get(self, file: str) -> bytes | None:
        """Bytes of a file; None where there is none."""
        try:
            return self.read(self._path(file))
        except FileNotFoundError:
            return None

    def put(self, file: str, contents: bytes) -> None:
        """Write a file so that it is there whole or not at all."""
        if not self.is_folder:
            with self.system.open_output_stream(self._path(file)) as stream:
                stream.write(contents)
            return
        path = Path(self._path(file))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, contents)

    def clear(self) -> None:
        """Remove it with all files; that there are none is fine.

        In object storage Arrow may leave an empty object in the name of the folder above.
        """
        with contextlib.suppress(FileNotFoundError):
            self.system.delete_dir(self.inside)

    def _path(self, file: str) -> str:
        return f"{self.inside}/{file}"


class _Stored(NamedTuple):
    """A name in object storage, as the scanner takes it."""

    name: str
    path: str
    is_prefix: bool
    st_size: int = 0
    st_mtime_ns: int = 0

    def is_dir(self) -> bool:
        return self.is_prefix

    def is_file(self) -> bool:
        return not self.is_prefix

    def is_symlink(self) -> bool:
        return False

    def stat(self) -> "_Stored":
        return self


def _brief(error: OSError) -> str:
    """The first line of an error; those of cloud libraries are long."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__

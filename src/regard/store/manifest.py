"""The SQLite file that says what a region store holds: making it, opening it, refusing it.

The manifest is in write-ahead mode: readers keep the state they opened while one writer commits.
"""

import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from regard.errors import BusyError, StoreError

if TYPE_CHECKING:
    from filelock import FileLock

VERSION = 2  # 1 had float16 vectors only; stores that still do say 1, for older programs
MANIFEST = "manifest.sqlite"
_WAIT = 10.0  # seconds to wait for another process's commit
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE shards (id INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE items (
  key TEXT PRIMARY KEY, shard INTEGER NOT NULL REFERENCES shards, start INTEGER NOT NULL,
  count INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL);
CREATE TABLE skipped (key TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""


def lock(folder: Path, file: str = "writer.lock", *, wait: bool = False) -> "FileLock":
    """Take the one writer's place.

    Args:
        file: what is locked.
        wait: until another process gives it up.

    Raises:
        BusyError: another process has it.
        StoreError: the folder is on a drive that has no locks.
    """
    from filelock import FileLock, Timeout  # readers need none

    folder.mkdir(parents=True, exist_ok=True)
    place = FileLock(folder / file)
    try:
        place.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise BusyError(
            f"{folder} is being written by another process; there must be one writer "
            "at a time. Wait for it to finish, or stop it."
        ) from None
    except (OSError, NotImplementedError) as error:  # the latter is filelock's for ENOSYS
        number = getattr(error, "errno", errno.ENOSYS)
        if number not in _NO_LOCKS:
            raise OSError(number, os.strerror(number or 0), str(folder / file)) from None
        raise StoreError(
            f"{folder} is on a drive without locks ({os.strerror(number)}); it must be on one "
            "that has them, as local disks do, so that there is one writer at a time. Name a "
            "folder on a local disk (with --index for an index); photos may stay where they are."
        ) from None
    return place


def wipe(folder: Path) -> None:
    """Remove a manifest; the shards it named are nobody's then and swept by the next writer.

    Only for the one writer.
    """
    for suffix in ("-wal", "-shm", ""):  # the log first: it must not outlive its database
        (folder / f"{MANIFEST}{suffix}").unlink(missing_ok=True)


def create(folder: Path, producer: str, dim: int, *, compressed: bool = False) -> None:
    """Make an empty manifest: whole under another name first, then moved into place."""
    fresh = folder / "manifest.new"
    fresh.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(fresh)) as database:
        database.executescript(_SCHEMA)
        rows = {"version": "1", "producer": producer, "dim": str(dim)}
        if compressed:
            rows |= {"version": "2", "vectors": "int8"}
        database.executemany("INSERT INTO meta VALUES (?, ?)", rows.items())
        database.commit()
    fresh.replace(folder / MANIFEST)


def connect(folder: Path, *, writable: bool) -> sqlite3.Connection:
    """Open a manifest that exists; transactions are begun and ended by hand.

    In a folder that cannot be written (a read-only medium) it is opened as one nobody changes.

    Raises:
        StoreError: it is not a database, or cannot be used.
    """
    place = (folder / MANIFEST).absolute().as_uri()
    fixed = not writable and not os.access(folder, os.W_OK)
    try:
        database = sqlite3.connect(
            f"{place}?immutable=1" if fixed else place,
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.OperationalError as error:
        raise damaged(folder, error) from None
    try:
        if writable:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("BEGIN IMMEDIATE")  # fails where nothing can be written
            database.execute("ROLLBACK")
        database.execute("SELECT COUNT(*) FROM meta").fetchone()
    except sqlite3.DatabaseError as error:
        database.close()
        raise damaged(folder, error) from None
    return database


def stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Times and sizes of a manifest and its log: they change when somebody commits."""
    stamps = []
    for suffix in ("", "-wal"):
        try:
            state = (folder / f"{MANIFEST}{suffix}").stat()
            stamps.append((state.st_mtime_ns, state.st_size))
        except OSError:
            stamps.append((0, 0))
    return tuple(stamps)


def meta(database: sqlite3.Connection, folder: Path, name: str) -> str:
    """One of the manifest's facts: version, producer, dim.

    Raises:
        StoreError: it is not there.
    """
    try:
        row = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])
    except (sqlite3.DatabaseError, TypeError) as error:
        raise damaged(folder, error) from None


def is_compressed(database: sqlite3.Connection, folder: Path) -> bool:
    """Whether vectors are kept in int8."""
    return meta(database, folder, "version") != "1" and meta(database, folder, "vectors") == "int8"


def damaged(folder: Path, error: Exception) -> StoreError:
    """The error of a manifest that is not one, or that the system does not let us use."""
    if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
        return StoreError(
            f"{folder / MANIFEST} cannot be used ({error}); it must be a file you may read, and "
            "write if it is to change, with room on its disk. Check its permissions and the disk."
        )
    return StoreError(
        f"{folder / MANIFEST} is damaged ({error}); it must be a manifest of this program. "
        "Restore it from a backup, or delete the folder and make it anew."
    )


def check_version(database: sqlite3.Connection, folder: Path) -> None:
    """Refuse a manifest of a newer program.

    Raises:
        StoreError: it is newer.
    """
    version = int(meta(database, folder, "version"))
    if version > VERSION:
        raise StoreError(
            f"{folder} has format {version}; this program knows up to {VERSION}. "
            "Update it: pip install --upgrade regard"
        )


def check_maker(
    folder: Path, producer: str, dim: int, *, wanted: str | None, wanted_dim: int | None
) -> None:
    """Refuse a store whose producer or width of vectors is not the wanted one, where one is.

    Raises:
        StoreError: it is another.
    """
    if wanted is not None and wanted != producer:
        raise StoreError(
            f"{folder} was made by {producer!r}; it must be by {wanted!r}. "
            "Use another folder, or delete this one and make it anew."
        )
    if wanted_dim is not None and wanted_dim != dim:
        raise StoreError(
            f"{folder} holds vectors of {dim} numbers; they must have {wanted_dim}. "
            "Use another folder, or delete this one and make it anew."
        )


def sweep(database: sqlite3.Connection, folder: Path) -> None:
    """Remove shard files no transaction ever named (a killed writer's leftovers)."""
    known = {row[0] for row in database.execute("SELECT file FROM shards")}
    for path in folder.glob("shard-*"):
        if path.name not in known:
            path.unlink()


def read_rows(
    database: sqlite3.Connection, only: Collection[int] | None
) -> tuple[sqlite3.Cursor, sqlite3.Cursor]:
    """All photos (key and place) in the order they were added, and all shards (number, file).

    Args:
        only: numbers of the shards to tell of; None tells of all.
    """
    asked = (
        "SELECT key, shard, start, count, width, height FROM items",
        "SELECT id, file FROM shards",
    )
    if only is None:
        items, shards = (database.execute(f"{text} ORDER BY rowid") for text in asked)
        return items, shards
    numbers = (json.dumps(sorted(only)),)
    some = "IN (SELECT value FROM json_each(?)) ORDER BY rowid"
    return (
        database.execute(f"{asked[0]} WHERE shard {some}", numbers),
        database.execute(f"{asked[1]} WHERE id {some}", numbers),
    )


def next_shard(database: sqlite3.Connection) -> int:
    """Number of the next shard."""
    return int(database.execute("SELECT COALESCE(MAX(id), -1) + 1 FROM shards").fetchone()[0])


def put_items(
    database: sqlite3.Connection, items: Iterable[tuple[str, int, int, int, int, int]]
) -> None:
    """Say where photos are: key, shard, start, count, width and height of each."""
    database.executemany(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "shard = excluded.shard, start = excluded.start, count = excluded.count, "
        "width = excluded.width, height = excluded.height",
        items,
    )

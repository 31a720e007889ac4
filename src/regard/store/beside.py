"""Tables that lie beside a manifest rather than in it, so that they outlive a store made anew."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from regard.errors import StoreError

_WAIT = 5.0  # seconds for another process that writes


@contextlib.contextmanager
def open_beside(path: Path, what: str, schema: str) -> Iterator[sqlite3.Connection]:
    """A database for a `with` block, made where there is none.

    Args:
        what: is kept in it, for the error.
        schema: makes the tables that are not there.

    Raises:
        StoreError: it cannot be read or written.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_WAIT)) as database:
            if database.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                database.executescript(schema)
            yield database
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{what} cannot be kept in {path} ({error}); the folder must be writable and the file "
            "one of ours. Move the file away, or make the folder writable."
        ) from error

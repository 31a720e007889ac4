"""Photos that somebody marked, in a table of its own beside an index, so that they outlive it.

An index that is made anew takes the place of its other tables, never of this one; and marks can be
set while another process indexes.
"""

import contextlib
import sqlite3
import threading
from pathlib import Path

from regard.store.beside import open_beside

FILE = "favourites.sqlite3"


class Favourites:
    """Ids of photos; many threads may use it.

    Args:
        folder: of the index.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._ids: frozenset[str] | None = None

    def ids(self) -> frozenset[str]:
        """Of all photos that are marked.

        Raises:
            StoreError: the table cannot be read.
        """
        with self._lock:
            if self._ids is None:
                self._ids = self._read()
            return self._ids

    def mark(self, photo_id: str, *, on: bool) -> None:
        """Mark a photo, or no longer.

        Raises:
            StoreError: the table cannot be written.
        """
        say = "INSERT OR IGNORE INTO" if on else "DELETE FROM"
        rest = "VALUES (?)" if on else "WHERE id = ?"
        with self._lock, self._open() as database, database:
            database.execute(f"{say} favourites {rest}", (photo_id,))
            self._ids = None

    def _read(self) -> frozenset[str]:
        if not self._path.exists():
            return frozenset()
        with self._open() as database:
            return frozenset(row[0] for row in database.execute("SELECT id FROM favourites"))

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        schema = "CREATE TABLE IF NOT EXISTS favourites (id TEXT PRIMARY KEY)"
        return open_beside(self._path, "favourites", schema)

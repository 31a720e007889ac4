"""One store in another's place, by one commit: whoever has the other open goes on reading it.

What is taken over lies ready in a folder of its own; its files are linked beside the others, and
one transaction changes all tables. Killed before it, the other store is as it was; killed after
it, what is left over is known by a token that both have.
"""

import contextlib
import os
import shutil
import sqlite3
import uuid
from pathlib import Path

from regard.errors import StoreError
from regard.store.atomic import sync
from regard.store.manifest import MANIFEST, connect, create, damaged, lock, wipe

_TOKEN = "taken_over"


def is_taken_over(folder: Path, fresh: Path) -> bool:
    """Whether a store is what is left of one that has taken another's place already."""
    token = _token(fresh)
    return token is not None and token == _token(folder)


def take_over(folder: Path, fresh: Path) -> None:
    """Put a whole store, which nobody has open, in the place of another.

    Args:
        folder: of the other; one that is damaged, or not there, is made anew.
        fresh: folder of the store, on the same disk; it is gone afterwards.

    Raises:
        StoreError: the disk is full, or cannot be written.
    """
    held = lock(folder, wait=True)
    try:
        if not _is_sound(folder):
            wipe(folder)
            create(folder, "", 0)
        for path in fresh.iterdir():
            if path.suffix == ".safetensors":
                _link(path, folder / path.name)
        sync(folder)
        with contextlib.closing(connect(fresh, writable=True)) as database:
            database.execute("REPLACE INTO meta VALUES (?, ?)", (_TOKEN, uuid.uuid4().hex))
        with contextlib.closing(connect(folder, writable=True)) as database:
            _copy(database, fresh)
    except sqlite3.DatabaseError as error:
        raise damaged(folder, error) from error
    finally:
        held.release()
    shutil.rmtree(fresh)


def _copy(database: sqlite3.Connection, fresh: Path) -> None:
    """Change all tables for those of another manifest, rows in their order."""
    database.execute("ATTACH DATABASE ? AS fresh", (str(fresh / MANIFEST),))
    database.execute("BEGIN IMMEDIATE")
    asked = "SELECT name, sql FROM {} WHERE type = ? AND sql IS NOT NULL"
    for name, _ in database.execute(asked.format("main.sqlite_master"), ("table",)).fetchall():
        database.execute(f'DROP TABLE main."{name}"')
    for name, text in database.execute(asked.format("fresh.sqlite_master"), ("table",)).fetchall():
        database.execute(text)
        database.execute(f'INSERT INTO main."{name}" SELECT * FROM fresh."{name}" ORDER BY rowid')
    for _, text in database.execute(asked.format("fresh.sqlite_master"), ("index",)).fetchall():
        database.execute(text)
    database.execute("COMMIT")


def _is_sound(folder: Path) -> bool:
    try:
        with contextlib.closing(connect(folder, writable=True)) as database:
            return bool(database.execute("PRAGMA quick_check").fetchone()[0] == "ok")
    except (StoreError, sqlite3.DatabaseError):
        return False


def _link(path: Path, place: Path) -> None:
    """The same file in another folder, or where a drive has no such links, a copy."""
    partial = place.with_name(f"{place.name}.partial")
    partial.unlink(missing_ok=True)  # of a run that was killed here
    try:
        os.link(path, partial)
    except OSError:
        shutil.copyfile(path, partial)
        sync(partial)
    partial.replace(place)
    partial.unlink(missing_ok=True)  # which stays where both were one file already


def _token(folder: Path) -> str | None:
    try:
        with contextlib.closing(connect(folder, writable=False)) as database:
            row = database.execute("SELECT value FROM meta WHERE name = ?", (_TOKEN,)).fetchone()
    except (StoreError, sqlite3.DatabaseError):
        return None
    return str(row[0]) if row else None

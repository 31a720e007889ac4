"""Colours of whole photos as an index keeps them: a table of its own, for older indexes have none.

They get it when they are written to again; until then it is empty.
"""

import sqlite3
from collections.abc import Iterable

from regard.photos.tones import COLOURS, Tones

GREY = "black and white"
MOSTLY = 0.4  # of a photo that is mostly of a colour
_COLUMNS = ", ".join(f"{name} REAL NOT NULL" for name in COLOURS)
_TABLE = f"tones (content TEXT PRIMARY KEY, grey INTEGER NOT NULL, {_COLUMNS})"


def make_table(database: sqlite3.Connection, *, for_now: bool = False) -> None:
    """Have the table; inside a transaction of the caller's.

    Args:
        for_now: an empty one, in an index that is only read, if it has none.
    """
    known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'tones'").fetchone()
    if known is None:
        database.execute(f"CREATE {'TEMP ' if for_now else ''}TABLE IF NOT EXISTS {_TABLE}")


def condition(tone: str) -> str:
    """An SQL condition over files: that they are black and white, or mostly of a colour."""
    column = "grey" if tone == GREY else COLOURS[COLOURS.index(tone)]
    least = 1 if tone == GREY else MOSTLY
    return f"files.content IN (SELECT content FROM tones WHERE {column} >= {least})"


def put(database: sqlite3.Connection, measured: Iterable[tuple[str, Tones]]) -> None:
    """Remember colours of photos, by key."""
    places = ", ".join("?" * (2 + len(COLOURS)))
    rows = ((content, int(tones.is_grey), *tones.shares) for content, tones in measured)
    database.executemany(f"REPLACE INTO tones VALUES ({places})", rows)

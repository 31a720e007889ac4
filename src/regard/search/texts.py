"""Text that was read in photos, in tables of its own beside an index.

It is kept by the photos' contents and is no model's, so an index that is made anew keeps it. It is
committed as it comes, a few photos at a time, as nothing could be that is made as a whole. Readers
open it for every question, and see what was committed by then.
"""

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.store.beside import open_beside
from regard.store.shards import Text
from regard.words.readings import Forms, written_in

FILE = "texts.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS photos (
  content TEXT PRIMARY KEY, reader TEXT NOT NULL, lines TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS words (
  word TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (word, content)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS words_by_content ON words (content);
"""
_AMONG = "IN (SELECT value FROM json_each(?))"


class Texts:
    """What was read in the photos of an index, by the photos' contents; many threads may ask.

    Args:
        folder: of the index.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    # ---- reading

    def of(self, contents: Sequence[str]) -> dict[str, tuple[Text, ...]]:
        """What was read in some photos; those in which nothing was are left out."""
        asked = f"SELECT content, lines FROM photos WHERE lines != '[]' AND content {_AMONG}"
        return {content: _lines(text) for content, text in self._rows(asked, json.dumps(contents))}

    def showing(self, asked: Sequence[Forms]) -> dict[str, bool]:
        """Photos in which every word asked for was read, and whether each was exactly."""
        found: dict[str, bool] | None = None if asked else {}
        for forms in asked:
            exact = self._with_any(forms.exact)
            of_word = {**dict.fromkeys(self._with_any(forms.nearly), False), **exact}
            before = of_word if found is None else found
            found = {one: before[one] and of_word[one] for one in before if one in of_word}
            if not found:
                break
        return found or {}

    def _with_any(self, words: Collection[str]) -> dict[str, bool]:
        asked = f"SELECT content FROM words WHERE word {_AMONG}"
        rows = self._rows(asked, json.dumps(sorted(words))) if words else ()
        return {content: True for (content,) in rows}

    def words(self) -> dict[str, int]:
        """Words that were read, with how many photos have them."""
        return dict(self._rows("SELECT word, COUNT(*) FROM words GROUP BY word"))

    def read_by(self, reader: str) -> set[str]:
        """Photos that a reader has read, whatever it found."""
        asked = "SELECT content FROM photos WHERE reader = ?"
        return {content for (content,) in self._rows(asked, reader)}

    def __len__(self) -> int:
        """How many photos were read."""
        rows = self._rows("SELECT COUNT(*) FROM photos")
        return int(rows[0][0]) if rows else 0

    def _rows(self, question: str, *values: str) -> list[tuple[Any, ...]]:
        if not self._path.exists():
            return []
        with self._open() as database:
            return database.execute(question, values).fetchall()

    # ---- writing

    def put(self, read: Mapping[str, Iterable[Text]], reader: str) -> None:
        """Keep what a reader read in some photos, at once, in the place of what was before."""
        lines = {content: tuple(texts) for content, texts in read.items()}
        words = {
            (word, content)
            for content, texts in lines.items()
            for text in texts
            for word in written_in(text.text)
        }
        with self._open() as database, database:
            self._forget(database, lines)
            database.executemany(
                "INSERT INTO photos VALUES (?, ?, ?)",
                [(content, reader, json.dumps(texts)) for content, texts in lines.items()],
            )
            database.executemany("INSERT INTO words VALUES (?, ?)", sorted(words))

    def keep(self, contents: Collection[str]) -> None:
        """Forget all photos but some."""
        with self._open() if self._path.exists() else contextlib.nullcontext() as database:
            if database is not None:
                known = {row[0] for row in database.execute("SELECT content FROM photos")}
                with database:
                    self._forget(database, known.difference(contents))

    @staticmethod
    def _forget(database: sqlite3.Connection, contents: Iterable[str]) -> None:
        keys = json.dumps(sorted(contents))
        for table in ("photos", "words"):
            database.execute(f"DELETE FROM {table} WHERE content {_AMONG}", (keys,))

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return open_beside(self._path, "the text of photos", _SCHEMA)


def _lines(text: str) -> tuple[Text, ...]:
    return tuple(Text(line, tuple(box), score) for line, box, score in json.loads(text))

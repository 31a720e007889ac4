"""Which photo files an index knows, in tables beside its region store's own.

Several files with one content share one entry of the store, whose key is the sha256 of the
content. Knows paths, times and keys; knows nothing of vectors or queries.
"""

import contextlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from regard.errors import ConfigError, DataError, StoreError
from regard.photos.names import is_text, readable
from regard.photos.tones import COLOURS, Tones
from regard.search import tones
from regard.search.paths import fits, plain_part
from regard.store.manifest import MANIFEST, check_version, connect, is_compressed, meta

VERSION = 1
ID_DIGITS = 16
_AT_ONCE = 500  # rows read before another thread may ask
Orientation = Literal["landscape", "portrait", "square"]
_SCHEMA = """
CREATE TABLE files (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  content TEXT, reason TEXT);
CREATE INDEX files_by_content ON files (content, path);
CREATE TABLE photos (content TEXT PRIMARY KEY, taken TEXT);
CREATE TABLE folders (path TEXT PRIMARY KEY, excludes TEXT NOT NULL);
"""
_JOINED = "files JOIN items ON key = files.content LEFT JOIN photos USING (content)"
_SHAPES = {
    "landscape": "items.width > items.height",
    "portrait": "items.width < items.height",
    "square": "items.width = items.height",
}


class FileRow(NamedTuple):
    """What an index knows of one file."""

    path: str
    size: int
    mtime_ns: int
    content: str | None
    """Sha256 of the bytes, the key in the store; None for a file that is no readable photo."""
    reason: str | None = None
    """Why it could not be read."""


class PhotoRecord(NamedTuple):
    """A photo in an index."""

    id: str
    """First 16 hex digits of the sha256 of the file's bytes: stays when the file moves."""
    path: Path
    """One of the files with this content."""
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""
    taken: datetime | None
    """By the camera's clock; None where the photo does not say."""
    size: int
    """Bytes."""
    mtime: float
    """Time of the file's last change, seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which photos to look among; None asks nothing."""

    path: str | None = None
    """Glob over the whole path in which `*` crosses folders; `2019/*` fits at any depth.

    Capitals and how accents are written make no difference; `[` may be a bracket of a name.
    """
    taken_after: datetime | None = None
    """Taken at or after this; photos without a date are left out."""
    taken_before: datetime | None = None
    """Taken before this; photos without a date are left out."""
    orientation: Orientation | None = None
    """landscape, portrait or square."""
    min_size: tuple[int, int] | None = None
    """Least width and height in pixels."""
    tone: str | None = None
    """"black and white", or a colour that most of the photo has (`photos.tones.COLOURS`)."""
    among: frozenset[str] | None = None
    """Ids of the photos to look among."""

    def __post_init__(self) -> None:
        """Refuse orientations there are none of, and paths that no index can hold."""
        if self.orientation is not None and self.orientation not in _SHAPES:
            raise ConfigError(
                f"orientation is {self.orientation!r}; it must be one of {', '.join(_SHAPES)}. "
                "Choose one."
            )
        if self.tone not in (None, tones.GREY, *COLOURS):
            raise ConfigError(
                f"tone is {self.tone!r}; it must be {tones.GREY}, {', '.join(COLOURS[:-1])} or "
                f"{COLOURS[-1]}. Choose one."
            )
        if self.path is not None and not is_text(self.path):
            raise ConfigError(
                f"path pattern is {readable(self.path)!r}; it must be UTF-8, as the names in an "
                "index are. Put ? or * in place of what is not."
            )

    def conditions(self) -> tuple[str, list[Any]]:
        """SQL conditions over files and items, each after an AND, and their values."""
        wanted: list[tuple[str, Any]] = []
        if self.path is not None:
            # The quick test comes first: of a million paths few are left to be looked at closely.
            plain = re.sub(r"([%_\\])", r"\\\1", plain_part(self.path))
            wanted.append(("files.path LIKE ? ESCAPE '\\'", f"%{plain}%"))
            wanted.append(("fits(files.path, ?)", self.path))
        if self.taken_after is not None:
            wanted.append(("photos.taken >= ?", self.taken_after.isoformat()))
        if self.taken_before is not None:
            wanted.append(("photos.taken < ?", self.taken_before.isoformat()))
        if self.min_size is not None:
            wanted += [("items.width >= ?", self.min_size[0])]
            wanted += [("items.height >= ?", self.min_size[1])]
        if self.among is not None:
            ids = json.dumps(sorted(self.among))
            given = f"substr(files.content, 1, {ID_DIGITS}) IN (SELECT value FROM json_each(?))"
            wanted.append((given, ids))
        texts = [text for text, _ in wanted]
        if self.orientation is not None:
            texts.append(_SHAPES[self.orientation])
        if self.tone is not None:
            texts.append(tones.condition(self.tone))
        return "".join(f" AND {text}" for text in texts), [value for _, value in wanted]


NO_FILTERS = Filters()


def _record(row: tuple[Any, ...]) -> PhotoRecord:
    """A row of content, path, width, height, taken, size and mtime_ns as a record."""
    content, path, width, height, taken, size, mtime_ns = row
    when = datetime.fromisoformat(taken) if taken else None
    return PhotoRecord(content[:ID_DIGITS], Path(path), width, height, when, size, mtime_ns / 1e9)


class Catalog:
    """The files of an index; many threads may read it.

    Args:
        database: of the region store the index is built on; its transactions are the caller's.
        folder: of the index, for messages.

    Raises:
        StoreError: the store is no index, or one of a newer version.
    """

    def __init__(self, database: sqlite3.Connection, folder: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        database.create_function("fits", 2, fits, deterministic=True)
        if database.execute("SELECT 1 FROM meta WHERE name = 'index_version'").fetchone() is None:
            raise StoreError(
                f"{folder} is not an index; it must be one. "
                f"Make one with `regard index PHOTOS --index {folder}`."
            )
        version = int(meta(database, folder, "index_version"))
        if version > VERSION:
            raise StoreError(
                f"index {folder} has format {version}; this program knows up to {VERSION}. "
                "Update it: pip install --upgrade regard"
            )
        tones.make_table(database, for_now=True)
        self.model = meta(database, folder, "model")

    @staticmethod
    def create(database: sqlite3.Connection, model: str) -> None:
        """Add an index's tables to a store that has none; inside a transaction.

        Args:
            model: name or folder of the model, to load it again by.
        """
        tones.make_table(database)
        if database.execute("SELECT 1 FROM meta WHERE name = 'index_version'").fetchone():
            return
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        rows = (("index_version", str(VERSION)), ("model", model))
        database.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    # ---- reading

    def _rows(self, question: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of an answer; between some and the next other threads may ask.

        The database may not be asked by two threads at the same moment.
        """
        with self._lock:
            cursor = self._database.execute(question, values)
        while True:
            with self._lock:
                rows = cursor.fetchmany(_AT_ONCE)
            if not rows:
                return
            yield from rows

    def _row(self, question: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of an answer, None if it has none."""
        with self._lock, contextlib.closing(self._database.execute(question, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def contents(
        self, filters: Filters = NO_FILTERS, shards: Iterable[int] | None = None
    ) -> set[str]:
        """Keys of the photos that have a file and pass; of some shards where these are given."""
        conditions, values = filters.conditions()
        if shards is not None:
            conditions += " AND items.shard IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(shards)))
        rows = self._rows(
            f"SELECT files.content FROM {_JOINED} WHERE files.content IS NOT NULL{conditions}",
            values,
        )
        return {row[0] for row in rows}

    def photo(self, content: str, filters: Filters = NO_FILTERS) -> PhotoRecord:
        """The record of a photo; of several files the first by path that passes.

        Raises:
            DataError: no photo has that key.
        """
        conditions, values = filters.conditions()
        row = self._row(
            f"SELECT path, width, height, taken, size, mtime_ns FROM {_JOINED} "
            f"WHERE files.content = ?{conditions} ORDER BY path LIMIT 1",
            [content, *values],
        )
        if row is None:
            raise DataError(
                f"photo {content[:ID_DIGITS]!r} is not in the index; it must be. "
                "Look at the ids that a search prints, or index again."
            )
        return _record((content, *row))

    def photos(self, filters: Filters = NO_FILTERS) -> list[PhotoRecord]:
        """Records of the photos that pass, newest first and undated ones last; else by path."""
        conditions, values = filters.conditions()
        rows = self._rows(
            f"SELECT files.content, MIN(path), width, height, taken, size, mtime_ns FROM {_JOINED} "
            f"WHERE files.content IS NOT NULL{conditions} GROUP BY files.content "
            "ORDER BY taken IS NULL, taken DESC, path",
            values,
        )
        return [_record(row) for row in rows]

    def count_undated(self, filters: Filters) -> int:
        """How many photos the dates of filters leave out because nobody knows theirs."""
        dateless = replace(filters, taken_after=None, taken_before=None)
        conditions, values = dateless.conditions()
        question = (
            f"SELECT COUNT(DISTINCT files.content) FROM {_JOINED} "
            f"WHERE files.content IS NOT NULL AND photos.taken IS NULL{conditions}"
        )
        return int(next(self._rows(question, values))[0])

    def has_tones(self) -> bool:
        """Whether the colours of any photo are known."""
        return self._row("SELECT 1 FROM tones LIMIT 1") is not None

    def untoned(self) -> list[tuple[str, str]]:
        """Photos whose colours are not known, each with one of its files."""
        return list(
            self._rows(
                "SELECT content, MIN(path) FROM files WHERE content IS NOT NULL "
                "AND content NOT IN (SELECT content FROM tones) GROUP BY content"
            )
        )

    def content_of_id(self, photo_id: str) -> str:
        """Key of the photo with an id, the first digits of it.

        Raises:
            DataError: there is none.
        """
        row = self._row(
            "SELECT content FROM files WHERE content >= ? AND content < ? LIMIT 1",
            (photo_id, photo_id + "g"),
        )
        if row is None or len(photo_id) < ID_DIGITS:
            raise DataError(
                f"photo id is {photo_id!r}; it must be one of the index. "
                "Look at the ids that a search prints, or index again."
            )
        return str(row[0])

    def contents_of_ids(self, photo_ids: Iterable[str]) -> dict[str, None]:
        """Keys of the photos with some ids, in their order; ids there are none of are left out."""
        contents: dict[str, None] = {}
        for photo_id in photo_ids:
            with contextlib.suppress(DataError):
                contents[self.content_of_id(photo_id)] = None
        return contents

    def files(self) -> dict[str, FileRow]:
        """Everything known, by path."""
        rows = self._rows("SELECT path, size, mtime_ns, content, reason FROM files")
        return {row[0]: FileRow(*row) for row in rows}

    def folders(self) -> dict[str, list[str]]:
        """Folders that were indexed, each with its exclude patterns."""
        rows = self._rows("SELECT path, excludes FROM folders ORDER BY path")
        return {path: json.loads(excludes) for path, excludes in rows}

    # ---- writing, inside a transaction of the caller's

    def put(self, rows: Iterable[FileRow]) -> None:
        """Add files or replace what is known of them."""
        self._database.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def put_dates(self, dates: Iterable[tuple[str, datetime | None]]) -> None:
        """Remember when photos were taken."""
        rows = [(content, taken.isoformat() if taken else None) for content, taken in dates]
        self._database.executemany("REPLACE INTO photos VALUES (?, ?)", rows)

    def put_tones(self, measured: Iterable[tuple[str, Tones]]) -> None:
        """Remember the colours of photos."""
        tones.put(self._database, measured)

    def remove_unused(self) -> None:
        """Forget what is known of photos that have no file any more."""
        for table in ("photos", "tones"):
            self._database.execute(
                f"DELETE FROM {table} WHERE content NOT IN "
                "(SELECT content FROM files WHERE content IS NOT NULL)"
            )

    def remove(self, paths: Iterable[str]) -> None:
        """Forget files."""
        self._database.executemany("DELETE FROM files WHERE path = ?", [(p,) for p in paths])

    def remove_folder(self, path: str) -> None:
        """Forget a folder that was indexed; its files are forgotten separately."""
        self._database.execute("DELETE FROM folders WHERE path = ?", (path,))

    def put_folder(self, path: str, excludes: Sequence[str]) -> None:
        """Remember a folder with its exclude patterns."""
        self._database.execute(
            "REPLACE INTO folders VALUES (?, ?)", (path, json.dumps(list(excludes)))
        )


def require_index(folder: Path) -> None:
    """Refuse a folder that holds no index at all.

    Raises:
        StoreError: it does not.
    """
    if not (folder / MANIFEST).exists():
        raise StoreError(
            f"there is no index in {folder}. Make one with `regard index PHOTOS --index {folder}`, "
            "or name another with --index."
        )


class Summary(NamedTuple):
    """What an index says of itself."""

    model: str
    """Name or folder of the model that made it."""
    folders: dict[str, list[str]]
    """Folders that were indexed, each with its exclude patterns."""
    compressed: bool
    """Whether its vectors are in int8."""


def summarize(folder: Path) -> Summary | None:
    """What the index in a folder says of itself, None where there is none.

    Raises:
        StoreError: it is damaged, newer, or no index.
    """
    if not (folder / MANIFEST).exists():
        return None
    with contextlib.closing(connect(folder, writable=False)) as database:
        check_version(database, folder)
        catalog = Catalog(database, folder)
        return Summary(catalog.model, catalog.folders(), is_compressed(database, folder))

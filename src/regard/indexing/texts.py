"""Reading the text in the photos of an index: those that were not read yet, a few at a time.

What was read is committed as it comes, so a run that was killed is gone on with, and an index that
was made without can be completed at any time.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from regard.indexing.folders import open_for_writing
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.regions.extractor import TEXT
from regard.regions.pipeline import extract_stream, workers_for
from regard.regions.text import READER
from regard.search.catalog import Catalog, require_index
from regard.search.texts import Texts
from regard.store.region_store import RegionStore
from regard.store.shards import Text

_COMMIT_PHOTOS = 32


class TextReport(NamedTuple):
    """What a reading did, counted in photos."""

    read: int
    """Photos that were looked at."""
    with_text: int
    """Those of them in which something was read."""
    seconds: float
    skipped: dict[str, str]
    """Files that could not be read, with the reasons; they are tried again next time."""


def read_texts(
    folder: str | Path,
    model: Model,
    *,
    progress: Progress = silent,
    workers: int | None = None,
) -> TextReport:
    """Read the text in all photos of an index in which it was not read yet.

    Args:
        folder: of the index.
        progress: told how many of these photos are done, of how many.
        workers: processes; None means one a core.

    Raises:
        ConfigError: what reads is not installed.
        StoreError: there is no index, it is damaged, newer, or made by another model.
        BusyError: another process is writing to it.
    """
    require_index(Path(folder))
    began, with_text, skipped = time.monotonic(), 0, {}
    with open_for_writing(Path(folder), model) as (store, catalog):
        texts = Texts(store.folder)
        todo = dict(_unread(catalog, texts.read_by(READER)))
        batch: dict[str, tuple[Text, ...]] = {}
        stream = extract_stream(todo.items(), TEXT, workers_for(len(todo), workers))
        for done, outcome in enumerate(stream, 1):
            if outcome.regions is None:
                skipped[str(todo[outcome.key])] = outcome.reason
            else:
                batch[outcome.key] = outcome.regions.texts
                with_text += bool(outcome.regions.texts)
            if len(batch) >= _COMMIT_PHOTOS or done == len(todo):
                _commit(store, texts, batch)
                batch = {}
            progress(done, len(todo))
    return TextReport(len(todo) - len(skipped), with_text, time.monotonic() - began, skipped)


def _unread(catalog: Catalog, read: set[str]) -> Iterator[tuple[str, Path]]:
    """Photos that are to be read, each with one file that has its content and is unchanged."""
    for row in catalog.files().values():
        if row.content is None or row.content in read:
            continue
        path = Path(row.path)
        try:
            state = path.stat()
        except OSError:
            continue
        if (state.st_size, state.st_mtime_ns) == (row.size, row.mtime_ns):
            yield row.content, path


def _commit(store: RegionStore, texts: Texts, batch: dict[str, tuple[Text, ...]]) -> None:
    """Keep what was read; the manifest changes too, so that readers notice."""
    texts.put(batch, READER)
    with store.transaction() as database:
        database.execute("REPLACE INTO meta VALUES ('texts', ?)", (str(len(texts)),))

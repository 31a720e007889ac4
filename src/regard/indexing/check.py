"""Whether an index is whole, and mending it from the photos.

A damaged shard loses its photos only: they are read again where their files still are.
"""

from pathlib import Path
from typing import NamedTuple

from regard.indexing.folders import open_for_writing
from regard.indexing.update import Update
from regard.model.model import Model
from regard.photos.find import PhotoFile
from regard.progress import Progress, silent
from regard.search.catalog import FileRow, require_index


class CheckReport(NamedTuple):
    """What a check found and mended."""

    damaged: list[str]
    """Names of the shard files that were damaged or missing."""
    restored: int
    """Files whose photos were in them and were read again."""
    lost: dict[str, str]
    """Files whose photos were in them and could not be read again, with the reasons."""


def check_index(
    folder: str | Path,
    model: Model,
    *,
    verifying: Progress = silent,
    progress: Progress = silent,
    workers: int | None = None,
) -> CheckReport:
    """Verify every shard's checksum, and read again the photos of those that are damaged.

    Files that could not be read when the index was made are given another chance at the next
    update.

    Args:
        verifying: told how many shards are read, of how many.
        progress: told how many photos are read again, of how many.

    Raises:
        StoreError: there is no index, its manifest is damaged, or another model made it.
        BusyError: another process is writing to it.
    """
    require_index(Path(folder))
    with open_for_writing(Path(folder), model) as (store, catalog):
        damaged = store.check(verifying)
        keys = {key for keys in damaged.values() for key in keys}
        known = catalog.files().values()
        hurt = [row for row in known if row.content in keys]
        unread = (row.path for row in known if row.reason is not None)
        with store.transaction():
            store.drop(damaged)
            catalog.remove([*(row.path for row in hurt), *unread])
        update = Update(store, catalog, model)
        files = [_as_it_is(row) for row in hurt]
        update.read([file for file in files if file is not None], progress, workers)
        with store.transaction():
            update.finish()
        lost = {
            row.path: f"{row.path} is gone; it must be there to be read again. Restore it."
            for row, file in zip(hurt, files, strict=True)
            if file is None
        }
        lost.update(update.report().skipped)
        return CheckReport(sorted(damaged), len(hurt) - len(lost), lost)


def _as_it_is(row: FileRow) -> PhotoFile | None:
    """A file as it is now; None where it is gone."""
    try:
        state = Path(row.path).stat()
    except OSError:
        return None
    return PhotoFile.of(row.path, state)

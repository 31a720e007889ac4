"""The folders of an index: bringing one up to date, adding one photo, taking one out.

Each opens the index for writing, which one process can do at a time.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from regard.errors import DataError, StoreError
from regard.indexing.update import IndexReport, Update
from regard.model.model import Model
from regard.photos.find import PhotoFile, scan_folder
from regard.photos.ignore import known_as
from regard.progress import Progress, silent
from regard.search import mean_files
from regard.search.catalog import Catalog, require_index
from regard.search.index import check_model
from regard.search.texts import Texts
from regard.store.manifest import MANIFEST, damaged
from regard.store.region_store import RegionStore


def update_index(
    folder: str | Path,
    photos_folder: str | Path,
    model: Model,
    *,
    excludes: Sequence[str] | None = None,
    compressed: bool = False,
    progress: Progress = silent,
    workers: int | None = None,
) -> IndexReport:
    """Make an index of the photos below a folder, or bring it up to date.

    An index may cover several folders; each is brought up to date by itself.

    Args:
        folder: of the index.
        excludes: patterns as in `.gitignore`; they are remembered, and None takes those.
        compressed: when the index is made, keep its vectors in int8: half the size.
        progress: told how many of the files that must be read are done, and how many they are.
        workers: processes; None means one a core.

    Raises:
        DataError: the photo folder does not exist.
        StoreError: the index is damaged, newer, or made by another model.
        BusyError: another process is writing to it.
    """
    root = os.path.abspath(photos_folder)  # noqa: PTH100 - links keep their names
    with open_for_writing(Path(folder), model, compressed=compressed) as (store, catalog):
        root = known_as(root, catalog.folders())
        update = Update(store, catalog, model)

        def read(files: Sequence[PhotoFile]) -> None:
            update.read(files, progress, workers)
            update.tone(progress)

        return update.bring(root, excludes, partial(scan_folder, Path(root)), read)


def add_photo(folder: str | Path, path: Path, model: Model) -> None:
    """Add one photo to an index, without a look at the rest of its folder.

    Args:
        folder: of the index.
        path: of the photo, absolute, below one of the index's folders.

    Raises:
        StoreError: the index is damaged, newer, or made by another model.
        BusyError: another process is writing to it.
    """
    file = PhotoFile.of(str(path), path.stat())
    with open_for_writing(Path(folder), model) as (store, catalog):
        Update(store, catalog, model).read([file], silent, 1)


def forget_folder(folder: str | Path, photos_folder: str | Path, model: Model) -> IndexReport:
    """Take a folder out of an index, whether it is still there or not.

    Args:
        folder: of the index.

    Raises:
        DataError: the folder was never indexed.
        StoreError: there is no index, it is damaged, newer, or made by another model.
        BusyError: another process is writing to it.
    """
    require_index(Path(folder))
    root = os.path.abspath(photos_folder)  # noqa: PTH100
    with open_for_writing(Path(folder), model) as (store, catalog):
        root = known_as(root, catalog.folders())
        if root not in catalog.folders():
            raise DataError(
                f"folder is {root!r}; it must be one of the index: "
                f"{', '.join(catalog.folders()) or 'it has none'}. Name one of these."
            )
        update = Update(store, catalog, model)
        known = update.known_in(root)
        update.missing(known - update.held_by_others(root, known))
        with store.transaction():
            catalog.remove_folder(root)
            update.finish()
        return update.report()


@contextmanager
def open_for_writing(
    folder: Path, model: Model, *, compressed: bool = False
) -> Iterator[tuple[RegionStore, Catalog]]:
    """An index's store and catalog, made where there are none; tidied up at the end.

    Raises:
        StoreError: damaged, newer, made by another model, or on a disk that is full.
        BusyError: another process is writing to it.
    """
    fresh = not (folder / MANIFEST).exists()
    identity = (model.identity, model.dim) if fresh else (None, None)
    with RegionStore(folder, *identity, writable=True, compressed=compressed) as store:
        try:
            catalog = _catalog(store, model)
            if compressed and not store.compressed:
                raise StoreError(
                    f"index {folder} keeps float16 vectors; to have them in int8 it must be made "
                    f"anew. Run: regard index --index {folder} --compress --rebuild"
                )
            yield store, catalog
            store.compact()
            Texts(folder).keep(set(store))
            if model.background is not None or len(store) > mean_files.EXHAUSTIVE:
                mean_files.write_means(store, model.background)
        except sqlite3.OperationalError as error:
            raise damaged(folder, error) from error


def _catalog(store: RegionStore, model: Model) -> Catalog:
    """The catalog of a store, made where there is none.

    Raises:
        StoreError: it is newer, or made by another model.
    """
    if store.producer == model.identity:
        with store.transaction() as database:
            Catalog.create(database, model.source)
    catalog = Catalog(store.database, store.folder)
    check_model(store, model, catalog.model)
    return catalog

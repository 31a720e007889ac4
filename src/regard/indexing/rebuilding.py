"""An index made anew, for another model say, while the one before goes on being searched.

It is made in a folder of its own within the index's, where a run that was killed is gone on with;
when it is whole it takes the other's place at once.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.errors import StoreError
from regard.indexing.folders import open_for_writing
from regard.model.model import Model
from regard.store.manifest import MANIFEST, lock
from regard.store.region_store import RegionStore
from regard.store.takeover import is_taken_over, take_over

_NEXT = "next"


@contextmanager
def rebuilding(folder: Path, model: Model, *, compressed: bool = False) -> Iterator[Path]:
    """The folder to make an index anew in; as the block ends it takes the other's place.

    Where the block is left by an error, or the process is killed, the index is as it was, and the
    next time goes on with what was made.

    Args:
        folder: of the index.
        compressed: whether its vectors are to be in int8.

    Raises:
        BusyError: another process makes it anew, or writes to it now.
        StoreError: the disk is full, or cannot be written.
    """
    place = folder / _NEXT
    held = lock(folder, "rebuild.lock")
    try:
        lock(folder).release()  # is told at once, rather than in the end
        if is_taken_over(folder, place) or not _goes_on(place, model, compressed):
            shutil.rmtree(place, ignore_errors=True)
        yield place
        with open_for_writing(place, model, compressed=compressed):
            pass  # sees that it is whole, and there where there was no photo
        take_over(folder, place)
        with open_for_writing(folder, model):
            pass  # sweeps what was the other's
    finally:
        held.release()


def _goes_on(place: Path, model: Model, compressed: bool) -> bool:
    """Whether what lies there was begun for the same index."""
    try:
        with RegionStore(place) as store:
            return store.producer == model.identity and store.compressed == compressed
    except StoreError:
        return not (place / MANIFEST).exists()

"""Region stores and indexes made by a cluster: many workers make shards, one writer takes them.

Workers put pieces into a place all machines see; the one writer, in the process that runs this,
makes each part of the store in one transaction, in the order of the files. So the store is that
of a single machine, photo by photo; killed at any point, the next run finds the pieces that are
ready and goes on. Knows stores; what a worker does is `pieces`' matter.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from regard.cluster.pieces import Job, Piece, PieceMaker, Unit, plan, unit_size
from regard.cluster.places import Location
from regard.cluster.session import stream
from regard.errors import StoreError
from regard.indexing import IndexReport, Update, open_for_writing
from regard.model.model import Model
from regard.photos.find import PhotoFile
from regard.progress import Progress, silent
from regard.regions.extractor import DEFAULT_EXTRACTOR, load_extractor
from regard.regions.pipeline import ExtractionReport
from regard.store.atomic import write_bytes
from regard.store.region_store import RegionStore
from regard.store.shards import digest

_INCOMING = "incoming"  # folder of a store for pieces on their way


def extract_photos(
    photos: Sequence[tuple[str, PhotoFile]],
    place: Location,
    out: str | Path,
    extractor: str = DEFAULT_EXTRACTOR,
    *,
    staging: Location | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> ExtractionReport:
    """Add the photos a region store lacks, extracted by the cluster this process is connected to.

    Args:
        photos: keys and files; a key already stored is left as it is.
        place: that the files are in.
        staging: where pieces are on their way, seen by every machine; None means the store.
        workers: at most; None takes all CPUs but one a machine.
        progress: told after every shard.

    Raises:
        StoreError: the store cannot be written, or not every machine sees a folder it must.
        ClusterError: the cluster cannot do its part.
    """
    loaded = load_extractor(extractor)
    with RegionStore(out, loaded.identity, loaded.feature_dim, writable=True) as store:
        wanted = [(key, file) for key, file in photos if key not in store]
        already = len(photos) - len(wanted)
        incoming = _incoming(store, staging)
        job = Job(place, incoming, extractor, "", loaded.identity, store.compressed)
        units = plan(job, [file for _, file in wanted], [key for key, _ in wanted], _size(photos))
        skipped: dict[str, str] = {}
        done = already
        for unit, piece in _pieces(job, units, workers):
            with store.transaction():
                _take(store, job, unit, piece)
                for key, entry in zip(unit.keys, piece.photos, strict=True):
                    if entry.reason:
                        skipped[key] = entry.reason
                        store.skip(key, entry.reason)
            done += len(unit.files)
            progress(done, len(photos))
        incoming.clear()
        return ExtractionReport(len(wanted) - len(skipped), already, skipped)


def index_photos(
    folder: str | Path,
    place: Location,
    model: Model,
    *,
    excludes: Sequence[str] | None = None,
    compressed: bool = False,
    staging: Location | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> IndexReport:
    """`update_index`, its photos read by the cluster this process is connected to.

    Args:
        place: the photos' folder, or a prefix in object storage.
        excludes, compressed: as there.
        staging, workers: as in `extract_photos`.
        progress: told how many of the files that must be read are done, and how many they are.

    Raises:
        DataError: the photos' folder does not exist.
        StoreError: as there, or not every machine sees a folder it must.
        BusyError: another process is writing to the index.
        ClusterError: the cluster cannot do its part.
    """
    with open_for_writing(Path(folder), model, compressed=compressed) as (store, catalog):
        incoming = _incoming(store, staging)
        extractor, source = model.extractor_name, model.source
        job = Job(place, incoming, extractor, source, model.identity, store.compressed)
        update = Update(store, catalog, model)

        def read(files: Sequence[PhotoFile]) -> None:
            units = plan(job, update.changed(files, progress), (), _size(files))
            for unit, piece in _pieces(job, units, workers):
                with store.transaction():
                    new = [one for one in piece.photos if one.rows and one.key not in store]
                    if new:
                        _take(store, job, unit, piece)
                    for file, entry in zip(unit.files, piece.photos, strict=True):
                        if entry.reason:
                            update.skip(file, entry.reason, remember=not entry.passing)
                        else:
                            update.settle(file, entry.key)
                    update.write([(one.key, one.date(), one.tones) for one in new])

        report = update.bring(place.name, excludes, place.scan, read)
        incoming.clear()
        return report


def _incoming(store: RegionStore, staging: Location | None) -> Location:
    """Where pieces for a store are on their way: nobody else's files are there."""
    folder = store.folder.absolute()
    if staging is None:
        return Location.of(str(folder / _INCOMING))
    return staging.below(f"regard-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}")


def _size(files: Sequence[object]) -> int:
    return unit_size(len(files))


def _pieces(job: Job, units: list[Unit], workers: int | None) -> Iterator[tuple[Unit, Piece]]:
    """Units with their pieces as they come, in order."""
    items = [unit.to_json() for unit in units]
    results = stream(PieceMaker, job, items, workers)
    for unit, text in zip(units, results, strict=True):
        yield unit, Piece.from_json(text)


def _take(store: RegionStore, job: Job, unit: Unit, piece: Piece) -> None:
    """Make a piece's shard part of the store; inside a transaction.

    Raises:
        StoreError: it is not where it was put, or not what it was.
    """
    if not piece.sha256:
        return
    file = piece.file(unit)
    path = Path(job.incoming.inside) / file
    if path.parent.parent != store.folder.absolute():  # perhaps another file system
        path = store.folder / f"shard-{unit.name}.partial"
        write_bytes(path, job.incoming.get(file) or b"")
    if digest(path) != piece.sha256:
        path.unlink(missing_ok=True)
        raise StoreError(
            f"{file} is not in {job.incoming.name} as a worker put it there; it must be a place "
            "that every machine of the cluster sees. Mount that folder everywhere, or name "
            "object storage with --staging."
        )
    keyed = unit.keys or [entry.key for entry in piece.photos]
    photos = zip(keyed, piece.photos, strict=True)
    store.adopt(path, [(key, t.rows, t.width, t.height) for key, t in photos if t.rows])

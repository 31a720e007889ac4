"""Extraction of many photos: one single-threaded worker a core, results in order, resumable.

A photo that cannot be read is skipped, named and counted; the rest goes on. What was committed
before an interruption is not done again.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from regard.errors import AbsentError, ConfigError, PhotoError, RegardError
from regard.kernels.hardware import available_cores
from regard.photos.decode import Photo, read_photo
from regard.photos.tones import Tones, measure
from regard.progress import Progress, silent
from regard.regions.extractor import (
    DEFAULT_EXTRACTOR,
    BatchExtractor,
    Extractor,
    load_batch_extractor,
    load_extractor,
    takes_several,
)
from regard.store.region_store import Regions, RegionStore

_SHARD_PHOTOS = 128
_FEW = 8  # photos; starting processes would take longer than reading so few
_LOOK_AHEAD = 8  # photos under way per worker, so that a slow one does not stall the rest


class Outcome(NamedTuple):
    """What became of one photo."""

    key: str
    regions: Regions | None
    reason: str
    """Why there are no regions; empty when there are."""
    taken: datetime | None = None
    """When the photo was taken, where it says so."""
    lasting: bool = True
    """Whether the reason stays as long as the file does."""
    tones: Tones | None = None
    """The colours of the whole photo."""


class ExtractionReport(NamedTuple):
    """What an extraction did."""

    extracted: int
    already: int
    """Photos that were in the store before."""
    skipped: dict[str, str]
    """Photos that could not be read, with the reasons."""


_worker_extractor: Extractor | None = None


def _start_worker(name: str) -> None:
    global _worker_extractor
    _worker_extractor = load_extractor(name)


def _work(key: str, path: Path) -> Outcome:
    assert _worker_extractor is not None
    return extract_one(_worker_extractor, key, path)


def extract_one(
    extractor: Extractor, key: str, source: Path | BinaryIO, name: str | None = None
) -> Outcome:
    """Read and extract one photo; what fails of it is in the outcome, not raised.

    Args:
        source: a file's path, or an open binary file.
        name: what reasons call it; None takes the path.

    Raises:
        RegardError: no photo can be extracted at all, as where the backbone is damaged.
    """
    read = partial(read_photo, source, extractor.short_side, name)
    return _outcome(extractor, key, read, str(name or source))


def _outcome(extractor: Extractor, key: str, read: Callable[[], Photo], name: str) -> Outcome:
    try:
        photo = read()
        return Outcome(key, extractor(photo), "", photo.taken, tones=measure(photo.image))
    except PhotoError as error:
        return Outcome(key, None, str(error), lasting=not isinstance(error, AbsentError))
    except RegardError:
        raise
    except Exception as error:  # noqa: BLE001 - no photo may end the run of all others
        reason = (
            f"{name} cannot be extracted ({error!r}); it must be a photo whose regions "
            "can be told. Convert it to JPEG, or leave it out."
        )
        return Outcome(key, None, reason, lasting=False)


def workers_for(photos: int, workers: int | None = None) -> int:
    """Processes worth having for so many photos; 1 is this process.

    Args:
        workers: at most; None means one a core.
    """
    return 1 if photos < _FEW else workers or available_cores()


def extract_stream(
    photos: Iterable[tuple[str, Path]],
    extractor: str = DEFAULT_EXTRACTOR,
    workers: int | None = None,
) -> Iterator[Outcome]:
    """Outcomes of (key, path) pairs in order, decoded and extracted on several cores.

    Args:
        workers: processes; None means one a core. With 1 the work is done in this process.
    """
    workers = workers or available_cores()
    if takes_several(extractor):
        yield from extract_together(photos, load_batch_extractor(extractor), workers)
        return
    if workers == 1:
        loaded = load_extractor(extractor)
        for key, path in photos:
            yield extract_one(loaded, key, path)
        return
    yield from _extract_in_pool(iter(photos), extractor, workers)


def extract_together(
    photos: Iterable[tuple[str, Path]], extractor: BatchExtractor, threads: int
) -> Iterator[Outcome]:
    """Outcomes in order; threads decode ahead of a network that takes several photos at once."""
    waiting: deque[tuple[str, Future[Photo]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for key, path in photos:
            waiting.append((key, pool.submit(read_photo, path, extractor.short_side)))
            if len(waiting) == 2 * extractor.at_once:
                batch = [waiting.popleft() for _ in range(extractor.at_once)]
                yield from _see_together(batch, extractor)
        while waiting:
            size = min(len(waiting), extractor.at_once)
            yield from _see_together([waiting.popleft() for _ in range(size)], extractor)


def _see_together(
    batch: Sequence[tuple[str, Future[Photo]]], extractor: BatchExtractor
) -> Iterator[Outcome]:
    """Outcomes of some photos, one by one where together they cannot be extracted."""
    photos = [future.result() for _, future in batch if future.exception() is None]
    try:
        regions = extractor.several(photos) if photos else []
    except Exception as error:
        if isinstance(error, RegardError) and not isinstance(error, PhotoError):
            raise
        regions = []  # whose photo it is of is found below
    seen = iter(zip(regions, photos, strict=bool(regions)))
    for key, future in batch:
        if regions and future.exception() is None:
            found, photo = next(seen)
            yield Outcome(key, found, "", photo.taken, tones=measure(photo.image))
        else:
            yield _outcome(extractor, key, future.result, key)


def _extract_in_pool(
    photos: Iterator[tuple[str, Path]], extractor: str, workers: int
) -> Iterator[Outcome]:
    """Outcomes in order. When a process dies, what it may have died of is tried photo by photo."""
    waiting: deque[_Waiting] = deque()
    over = False
    while not over:
        with _pool(extractor, workers) as pool:
            try:
                for key, path in photos:
                    waiting.append(_Waiting(key, path))
                    waiting[-1].future = pool.submit(_work, key, path)
                    if len(waiting) >= workers * _LOOK_AHEAD:
                        yield _first(waiting)
                while waiting:
                    yield _first(waiting)
                over = True
            except BrokenProcessPool:
                pass
            finally:
                for photo in waiting:
                    photo.cancel()
        while waiting:
            photo = waiting.popleft()
            yield _extract_alone(photo.key, photo.path, extractor)


@dataclass
class _Waiting:
    """A photo under way."""

    key: str
    path: Path
    future: Future[Outcome] | None = None

    def cancel(self) -> None:
        """Do not begin it if it has not begun."""
        if self.future is not None:
            self.future.cancel()


def _first(waiting: deque[_Waiting]) -> Outcome:
    """Outcome of the photo that waits longest; it leaves the queue only when it has one."""
    future = waiting[0].future
    assert future is not None
    outcome = future.result()
    waiting.popleft()
    return outcome


def _pool(extractor: str, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start_worker, (extractor,))


def _extract_alone(key: str, path: Path, extractor: str) -> Outcome:
    """Outcome of one photo in a process of its own, which it may take down.

    Raises:
        ConfigError: processes cannot be started at all.
    """
    with _pool(extractor, 1) as pool:
        try:
            pool.submit(available_cores).result()
        except BrokenProcessPool:
            raise ConfigError(
                "worker processes end as soon as they are started; they must be able to run. "
                "In a script, put what is run under `if __name__ == '__main__':`, or ask for "
                "one worker, which needs no process."
            ) from None
        try:
            return pool.submit(_work, key, path).result()
        except BrokenProcessPool:
            return Outcome(
                key,
                None,
                f"{path} ended the process that was reading it; it must be a photo that can be "
                "decoded in the memory there is. Reduce it, or leave it out.",
            )


def extract_to_store(
    photos: Sequence[tuple[str, Path]],
    store: RegionStore,
    extractor: str = DEFAULT_EXTRACTOR,
    workers: int | None = None,
    progress: Progress = silent,
) -> ExtractionReport:
    """Add the photos a store lacks, a shard of 128 at a time.

    Args:
        photos: (key, path) pairs; a key already stored is left as it is.
        progress: called after every photo.
    """
    wanted = [(key, path) for key, path in photos if key not in store]
    already = len(photos) - len(wanted)
    skipped: dict[str, str] = {}
    batch: list[tuple[str, Regions]] = []
    outcomes = extract_stream(wanted, extractor, workers_for(len(wanted), workers))
    for done, outcome in enumerate(outcomes, 1):
        if outcome.regions is None:
            skipped[outcome.key] = outcome.reason
            store.skip(outcome.key, outcome.reason)
        else:
            batch.append((outcome.key, outcome.regions))
        if len(batch) == _SHARD_PHOTOS:
            store.append(batch)
            batch = []
        progress(already + done, len(photos))
    store.append(batch)
    return ExtractionReport(len(wanted) - len(skipped), already, skipped)

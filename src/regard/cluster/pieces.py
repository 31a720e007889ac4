"""What one worker does: some photos in, one shard and what is to be told of it out.

A pure function of its job and its unit, whose results have names that follow from these: done
again, by whomever, it finds what is done or makes the same. Knows nothing of Ray.
"""

import hashlib
import io
import json
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from regard.cluster.places import Location
from regard.errors import CheckpointError, StoreError
from regard.kernels import set_threads
from regard.model.model import Model, load
from regard.photos.find import PhotoFile
from regard.photos.tones import Tones
from regard.regions.extractor import load_extractor
from regard.regions.pipeline import Outcome, extract_one, extract_stream
from regard.store.shards import Regions, check_regions, make_shard, shard_bytes

_READERS, _LOOK_AHEAD = 4, 8  # files read at once, and ahead of the one that is extracted
_EMBEDDED_AT_ONCE = 128  # photos


class Unit(NamedTuple):
    """Photos of one shard."""

    name: str
    """Follows from the files and from what is done with them."""
    files: tuple[PhotoFile, ...]
    keys: tuple[str, ...]
    """Of the photos; empty where they are the sha256 of the files' bytes."""

    def to_json(self) -> str:
        """As text, to be sent."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str) -> "Unit":
        """From such text."""
        name, files, keys = json.loads(text)
        return cls(name, tuple(PhotoFile(*file) for file in files), tuple(keys))


class FileOutcome(NamedTuple):
    """What became of one file of a unit, in the unit's order."""

    key: str
    """Empty where no key is known, as the file could not be opened."""
    rows: int
    """Rows it has in the shard; 0 for a photo that failed or one whose content came before."""
    width: int
    height: int
    taken: str
    """ISO time by the camera's clock; empty where the photo does not say."""
    reason: str
    """Why it could not be read; empty when it could."""
    passing: bool
    """Whether the reason may be gone next time."""
    tones: Tones | None
    """The colours of the whole photo; None where it could not be read."""

    def date(self) -> datetime | None:
        """When the photo was taken, where it says so."""
        return datetime.fromisoformat(self.taken) if self.taken else None


def _tones(parts: Sequence[Any] | None) -> Tones | None:
    """Colours from JSON, which knows no names."""
    return Tones(parts[0], tuple(parts[1])) if parts else None


class Piece(NamedTuple):
    """What became of a unit."""

    sha256: str
    """Of the shard's file; empty where no photo could be read and there is none."""
    photos: tuple[FileOutcome, ...]

    def file(self, unit: Unit) -> str:
        """Name of the shard's file: other contents, as of another processor, have another."""
        return f"{unit.name}-{self.sha256[:16]}.safetensors"

    def to_json(self) -> str:
        """As text, to be kept and sent."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Piece":
        """From such text."""
        sha256, photos = json.loads(text)
        told = (FileOutcome(*photo) for photo in photos)
        return cls(sha256, tuple(one._replace(tones=_tones(one.tones)) for one in told))


class Job(NamedTuple):
    """What every worker is told at its start: names and places, no weights."""

    photos: Location
    incoming: Location
    """Where pieces are put until the one writer takes them."""
    extractor: str
    model: str
    """Name or folder of the model whose vectors are kept; empty keeps raw features."""
    identity: str
    """Producer of the vectors: what every worker must have as well."""
    compressed: bool


def plan(job: Job, files: Sequence[PhotoFile], keys: Sequence[str], size: int) -> list[Unit]:
    """Cut files into units; the same files always give units of the same names.

    Args:
        keys: of the photos; empty where they are to be the sha256 of the bytes.
    """
    units = []
    for start in range(0, len(files), size):
        part, named = tuple(files[start : start + size]), tuple(keys[start : start + size])
        known = json.dumps([job.identity, job.compressed, part, named])
        units.append(Unit(hashlib.sha256(known.encode()).hexdigest()[:24], part, named))
    return units


def unit_size(files: int) -> int:
    """Photos of a unit: enough units to go round, and shards that need not be put together."""
    return max(64, min(1280, files // 64))


class PieceMaker:
    """Turns units into pieces; keeps the model between them.

    Raises:
        StoreError: the photos' folder is not on this machine.
        CheckpointError: the model is another here.
    """

    def __init__(self, job: Job) -> None:
        set_threads(1)
        self._job = job
        if job.photos.is_folder and not Path(job.photos.inside).is_dir():
            raise StoreError(
                f"photo folder is {job.photos.inside!r}; it must be there on every machine of the "
                "cluster. Mount it everywhere, or use object storage."
            )
        self._model = load_same(job.model, job.identity) if job.model else None
        self._extractor = load_extractor(job.extractor)

    def __call__(self, text: str) -> bytes:
        """Make the piece of a unit, or find it made.

        Args:
            text: the unit in JSON.

        Returns:
            The piece in JSON.
        """
        unit, incoming = Unit.from_json(text), self._job.incoming
        earlier = incoming.get(f"{unit.name}.json")
        if earlier is not None and self._is_whole(unit, Piece.from_json(earlier)):
            return earlier
        begun = incoming.exists(f"{unit.name}.begun")
        if not begun:
            incoming.put(f"{unit.name}.begun", b"")
        outcomes = self._carefully(unit) if begun else self._at_once(unit)
        piece, contents = self._assemble(unit, outcomes)
        if contents:
            incoming.put(piece.file(unit), contents)
        written = piece.to_json().encode()
        incoming.put(f"{unit.name}.json", written)  # last: it says that all is there
        return written

    def _is_whole(self, unit: Unit, piece: Piece) -> bool:
        """Whether a piece still has its shard: a writer that was killed may have moved it."""
        return not piece.sha256 or self._job.incoming.exists(piece.file(unit))

    def _at_once(self, unit: Unit) -> Iterator[Outcome]:
        """Outcomes of a unit's files, read ahead by threads and extracted here."""
        for file, fresh in self._fresh(unit):
            if isinstance(fresh, Outcome):
                yield fresh
            else:
                key, contents = fresh
                yield extract_one(self._extractor, key, io.BytesIO(contents), file.path)

    def _fresh(self, unit: Unit) -> Iterator[tuple[PhotoFile, Outcome | tuple[str, bytes]]]:
        """A unit's files in order, with key and bytes, or with the outcome of those known by now.

        Of a content that came before nothing is told but its key.
        """
        seen: set[str] = set()
        for row, (file, contents) in enumerate(self._contents(unit)):
            if isinstance(contents, OSError):
                yield file, _unopened(file, contents)
                continue
            key = unit.keys[row] if unit.keys else hashlib.sha256(contents).hexdigest()
            yield file, Outcome(key, None, "") if key in seen else (key, contents)
            seen.add(key)

    def _contents(self, unit: Unit) -> Iterator[tuple[PhotoFile, bytes | OSError]]:
        """Bytes of a unit's files in order, some of them read ahead."""

        def read(file: PhotoFile) -> bytes | OSError:
            try:
                return self._job.photos.read(file.path)
            except OSError as error:
                return error

        waiting: deque[tuple[PhotoFile, Future[bytes | OSError]]] = deque()
        with ThreadPoolExecutor(_READERS) as pool:
            for file in unit.files:
                waiting.append((file, pool.submit(read, file)))
                if len(waiting) >= _LOOK_AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()

    def _carefully(self, unit: Unit) -> Iterator[Outcome]:
        """The same in processes of their own: who was at this unit before has not finished it.

        Perhaps a photo ended that process; then it ends such a one again, and is named.
        """
        with tempfile.TemporaryDirectory() as folder:
            names: dict[str, str] = {}  # of files, by key
            paths: list[tuple[str, Path]] = []
            outcomes: list[Outcome | None] = []  # none where it is still to come
            for file, fresh in self._fresh(unit):
                outcomes.append(fresh if isinstance(fresh, Outcome) else None)
                if not isinstance(fresh, Outcome):
                    key, contents = fresh
                    names[key] = file.path
                    paths.append((key, Path(folder) / str(len(paths))))
                    paths[-1][1].write_bytes(contents)
            coming = zip(paths, extract_stream(paths, self._job.extractor, 2), strict=True)
            for outcome in outcomes:
                if outcome is not None:
                    yield outcome
                    continue
                (key, path), extracted = next(coming)
                yield extracted._replace(reason=extracted.reason.replace(str(path), names[key]))

    def _assemble(self, unit: Unit, outcomes: Iterator[Outcome]) -> tuple[Piece, bytes]:
        """A piece and the bytes of its shard."""
        entries: list[FileOutcome] = []
        reasons: dict[str, tuple[str, str]] = {}  # of failed photos, with the path in them
        kept: list[tuple[str, Regions]] = []
        waiting: list[tuple[str, Regions]] = []
        for file, outcome in zip(unit.files, outcomes, strict=True):
            if outcome.reason:
                reasons.setdefault(outcome.key, (outcome.reason, file.path))
            elif outcome.regions is None and outcome.key in reasons:  # a copy of a failed one
                reason, path = reasons[outcome.key]
                outcome = outcome._replace(reason=reason.replace(path, file.path))
            entries.append(_file_outcome(outcome))
            if outcome.regions is not None:
                waiting.append((outcome.key, outcome.regions))
            if len(waiting) == _EMBEDDED_AT_ONCE:
                kept += self._vectors(waiting)
                waiting = []
        kept += self._vectors(waiting)
        for key, regions in kept:
            check_regions(key, regions, regions.vectors.shape[1])
        if not kept:
            return Piece("", tuple(entries)), b""
        shard = make_shard([regions for _, regions in kept], compressed=self._job.compressed)
        contents = shard_bytes(shard)
        return Piece(hashlib.sha256(contents).hexdigest(), tuple(entries)), contents

    def _vectors(self, photos: list[tuple[str, Regions]]) -> list[tuple[str, Regions]]:
        """Regions as the store keeps them: raw, or in the model's joint space."""
        regions = [part for _, part in photos]
        kept = self._model.embed(regions) if self._model else regions
        return [(key, vectors) for (key, _), vectors in zip(photos, kept, strict=True)]


def load_same(model: str, identity: str) -> Model:
    """Load a model by name or folder on another machine than the one that named it.

    Raises:
        CheckpointError: it cannot be loaded here, or has other weights.
    """
    loaded = load(model)
    if loaded.identity != identity:
        raise CheckpointError(
            f"model {model!r} is {loaded.identity} on this machine of the cluster; it must be "
            f"{identity} as on the one that asks. Install the same version of regard everywhere, "
            "or name a folder that every machine sees."
        )
    return loaded


def _unopened(file: PhotoFile, error: OSError) -> Outcome:
    return Outcome(
        "",
        None,
        f"{file.path} cannot be opened ({str(error).splitlines()[0][:200]}); it must be a file "
        "every machine of the cluster may read. Check permissions and mounts, and run again.",
    )


def _file_outcome(outcome: Outcome) -> FileOutcome:
    taken = outcome.taken.isoformat() if isinstance(outcome.taken, datetime) else ""
    regions, key = outcome.regions, outcome.key
    if regions is None:
        return FileOutcome(key, 0, 0, 0, taken, outcome.reason, passing=not key, tones=None)
    rows, width, height = len(regions.vectors), regions.width, regions.height
    return FileOutcome(key, rows, width, height, taken, "", passing=False, tones=outcome.tones)

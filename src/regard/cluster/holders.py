"""Actors that hold shards of an index, and the one that asks them all.

A holder answers with the best of its own photos, found as a single machine finds them; the best
of all are among these, so putting the answers together is exact. Ray rebuilds a lost holder on
another machine from the shards' files. One that does not answer in time is named with its shards.
"""

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.cluster.session import plain
from regard.core.scoring import Scoring
from regard.errors import ClusterError, StoreError
from regard.kernels import set_threads
from regard.model.background import Background
from regard.model.model import Model
from regard.search.catalog import Catalog
from regard.search.scoring import PhotoScorer
from regard.search.shortlist import Queries
from regard.search.snapshot import list_keys
from regard.store.region_store import RegionStore

Ranked = list[tuple[str, float]]
"""Keys of photos and their similarities, best first."""


class Part(NamedTuple):
    """What one holder holds."""

    number: int
    """From 1."""
    shards: dict[int, str]
    """Files of shards by their numbers."""
    photos: int
    checksum: str
    """Of the photos' keys in their order."""


class Missing(NamedTuple):
    """A part of the index that did not answer."""

    part: Part
    reason: str


class Holder:
    """Scores the photos of some shards; the body of an actor.

    Raises:
        StoreError: the shards cannot be read here, or are no longer those that were asked for.
    """

    def __init__(
        self, folder: str, part: Part, scoring: Scoring, background: Background | None = None
    ) -> None:
        set_threads(1)
        store = RegionStore(folder, only=part.shards)
        used = Catalog(store.database, store.folder).contents(shards=part.shards)
        self._keys = [key for key in store if key in used]
        if part_of(store, part.number, self._keys, part.shards) != part:
            raise StoreError(
                f"index {folder} has changed since it was opened; its parts must be those of one "
                "state. Open it again."
            )
        for number in part.shards:
            store.shard(number)  # damage is told now
        self._scorer = PhotoScorer(store, scoring, background)

    def best(
        self, queries: Queries, k: int, keys: list[str] | None, portion: float = 0.0
    ) -> Ranked:
        """The k best of this part.

        Args:
            keys: photos to look among; None means all.
            portion: as in `Scorer.best`.
        """
        own = [(weight, np.array(vectors)) for weight, vectors in queries]  # Ray's are read-only
        return self._scorer.best(self._keys if keys is None else keys, own, k, portion)


def part_of(store: RegionStore, number: int, keys: Iterable[str], shards: Iterable[int]) -> Part:
    """The part that some shards are, `keys` being all photos of theirs."""
    known = hashlib.sha256()
    photos = 0
    for key in keys:
        known.update(f"{key}\n".encode())
        photos += 1
    files = {shard: store.file(shard) for shard in sorted(shards)}
    return Part(number, files, photos, known.hexdigest())


def share_out(store: RegionStore, keys: Sequence[str], holders: int) -> list[Part]:
    """Divide the shards of an index into parts of about as many photos each.

    Args:
        keys: its photos.
    """
    of_shard: dict[int, list[str]] = {}
    for key in keys:
        of_shard.setdefault(store.place(key).shard, []).append(key)
    hands: list[list[int]] = [[] for _ in range(min(holders, len(of_shard)))]
    loads = [0] * len(hands)
    for shard in sorted(of_shard, key=lambda shard: -len(of_shard[shard])):
        least = loads.index(min(loads))
        hands[least].append(shard)
        loads[least] += len(of_shard[shard])
    holder_of = {shard: number for number, hand in enumerate(hands) for shard in hand}
    held: list[list[str]] = [[] for _ in hands]
    for key in keys:
        held[holder_of[store.place(key).shard]].append(key)
    return [part_of(store, n, held[n - 1], hand) for n, hand in enumerate(hands, 1)]


def merge(answers: Iterable[Ranked], order: Mapping[str, int], k: int) -> Ranked:
    """The k best of several answers, best first; equals in the order given, as on one machine.

    Args:
        order: place of every photo among all.
    """
    every = [hit for part in answers for hit in part]
    return sorted(every, key=lambda hit: (-hit[1], order[hit[0]]))[:k]


class ClusterScorer:
    """A `search.scoring.Scorer` whose work is done by holders on the connected cluster.

    Args:
        holders: how many at most.
        patience: seconds to wait for answers, lost holders being rebuilt meanwhile.

    Raises:
        ClusterError: the model is a backbone, whose photos are not scored by their regions.
    """

    def __init__(
        self,
        store: RegionStore,
        model: Model,
        *,
        holders: int,
        patience: float,
    ) -> None:
        if model.ranks_wholes:
            raise ClusterError(
                f"model is the backbone {model.source!r}; on a cluster it must be one of Regard's "
                "own. Search here, with `regard search`."
            )
        self._scoring, self._background = model.scoring, model.background
        self._holders, self._patience = holders, patience
        self._lock = threading.RLock()
        self._actors: dict[int, Any] = {}
        self.missing: list[Missing] = []
        """Parts that did not answer the last query."""
        self.over(store)

    def over(self, store: RegionStore) -> "ClusterScorer":
        """The same one: its holders let go of the state before and hold this one."""
        with self._lock:
            self.close()
            self._store = store
            self._keys = list_keys(store, Catalog(store.database, store.folder))
            self._order = {key: place for place, key in enumerate(self._keys)}
            self.parts = share_out(self._store, self._keys, self._holders)
            self._part_of_shard = {s: part.number for part in self.parts for s in part.shards}
            self._actors = {part.number: self._start(part) for part in self.parts}
        return self

    def close(self) -> None:
        """Let the holders go."""
        import ray

        for actor in self._actors.values():
            ray.kill(actor)
        self._actors = {}

    def _start(self, part: Part) -> Any:
        """A new holder of a part, wherever there is a free CPU; Ray moves it when that is lost."""
        import ray

        options = {
            "num_cpus": 1,
            "max_restarts": -1,
            "max_task_retries": -1,
            "scheduling_strategy": "SPREAD",
        }
        folder = str(Path(self._store.folder).absolute())
        return (
            ray.remote(Holder)
            .options(**options)
            .remote(folder, part, self._scoring, self._background)
        )

    def best(self, keys: Sequence[str], queries: Queries, k: int, portion: float = 0.0) -> Ranked:
        """The k most similar photos of all parts that answer; `missing` names the others."""
        with self._lock:
            asked = self._ask(self._among(keys), queries, k, portion)
            return merge(asked, self._order, k)

    def _among(self, keys: Sequence[str]) -> dict[int, list[str] | None]:
        """Which photos each part is to look among; None means all it has."""
        if len(keys) == len(self._keys):  # they are always some of these
            return {part.number: None for part in self.parts}
        chosen: dict[int, list[str] | None] = {}
        for key in keys:
            number = self._part_of_shard[self._store.place(key).shard]
            part = chosen.setdefault(number, [])
            assert part is not None
            part.append(key)
        return chosen

    def _ask(
        self, among: dict[int, list[str] | None], queries: Queries, k: int, portion: float
    ) -> list[Ranked]:
        """Answers of all parts that give one before patience ends."""
        import ray

        deadline = time.monotonic() + self._patience

        def ask(number: int) -> Any:
            return self._actors[number].best.remote(queries, k, among[number], portion)

        asked = {number: ask(number) for number in among}
        answers, failed = self._collect(asked, deadline)
        if failed:  # holders that Ray has given up are replaced, and asked once more
            parts = {part.number: part for part in self.parts}
            for number in failed:
                self._actors[number] = self._start(parts[number])
            again = {number: ask(number) for number in failed}
            more, failed = self._collect(again, deadline)
            answers |= more
        self.missing = [
            Missing(part, failed.get(part.number) or f"no answer within {self._patience:g} s")
            for part in self.parts
            if part.number in among and part.number not in answers
        ]
        for number, future in asked.items():
            if number not in answers:
                ray.cancel(future, force=False)
        return list(answers.values())

    def _collect(
        self, asked: Mapping[int, Any], deadline: float
    ) -> tuple[dict[int, Ranked], dict[int, str]]:
        """Answers that come before the deadline, and reasons of those that failed."""
        import ray

        wait = max(0.0, deadline - time.monotonic())
        ready, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=wait)
        answers: dict[int, Ranked] = {}
        failed: dict[int, str] = {}
        for number, future in asked.items():
            if future not in ready:
                continue
            try:
                answers[number] = ray.get(future)
            except ray.exceptions.RayError as error:
                failed[number] = str(plain(error))
        return answers, failed

"""Scores of models that rank whole photos with whole sentences (`regard.backbones`).

A photo's similarity is one inner product with its first row, so the first rows of all photos are
kept together and every photo is scored. Where words count besides, the photos that come near by
the whole are scored again with them.
"""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regard.backbones.model import BackboneModel
from regard.backbones.scores import asked_for
from regard.core.padding import some_of
from regard.model.model import Model
from regard.search.shortlist import Queries
from regard.shapes import Float
from regard.store.region_store import RegionStore

_READ = 256  # photos whose rows are read at a time
_AGAIN, _AGAIN_A_HIT = 1000, 20  # photos scored again with words, and more for every hit


class WholeScorer:
    """Scores the photos of a store by their first rows; a `search.scoring.Scorer`.

    Args:
        store: of embedded regions.
    """

    def __init__(self, store: RegionStore, model: Model) -> None:
        assert isinstance(model, BackboneModel)
        self._store, self._model = store, model
        self._wholes: dict[str, Float[np.ndarray, " dim"]] = {}  # float16, by photo
        self._lists: tuple[Sequence[str], Float[np.ndarray, "photo dim"]] | None = None
        self._lock = threading.Lock()

    def over(self, store: RegionStore) -> "WholeScorer":
        """One for a later state of the store, which keeps the rows of photos that stayed."""
        later = WholeScorer(store, self._model)
        with self._lock:
            later._wholes = dict(self._wholes)
        return later

    def best(
        self,
        keys: Sequence[str],
        queries: Queries,
        k: int,
        sentences: float = 0.0,  # noqa: ARG002 - these similarities are not lowered
    ) -> list[tuple[str, float]]:
        """The k most similar photos with their similarities, best first; ties as in `keys`."""
        if not keys:
            return []
        sizes = sum(abs(weight) for weight, _ in queries)
        asked = np.zeros(self._model.dim, np.float32)
        for weight, vectors in queries:
            asked += weight / sizes * asked_for(vectors)
        similarities = self._of_all(keys) @ asked
        rows = np.argsort(-similarities, kind="stable")
        if self._model.words_join:
            near = np.sort(rows[: _AGAIN + _AGAIN_A_HIT * k])
            similarities[near] = self._with_words([keys[row] for row in near.tolist()], queries)
            rows = near[np.argsort(-similarities[near], kind="stable")]
        return [(keys[row], float(similarities[row])) for row in rows[:k].tolist()]

    def _of_all(self, keys: Sequence[str]) -> Float[np.ndarray, "photo dim"]:
        """First rows of photos in float32; the last list asked for is kept."""
        with self._lock:
            if self._lists is None or self._lists[0] is not keys:
                self._read([key for key in keys if key not in self._wholes])
                rows = np.stack([self._wholes[key] for key in keys]).astype(np.float32)
                self._lists = keys, rows
            return self._lists[1]

    def _read(self, keys: Sequence[str]) -> None:
        for part in some_of(len(keys), _READ):
            vectors, _ = self._store.gather(keys[part])
            self._wholes.update(zip(keys[part], vectors[:, 0].astype(np.float16), strict=True))

    def _with_words(self, keys: Sequence[str], queries: Queries) -> npt.NDArray[np.float32]:
        """Similarities in which words count."""
        sizes = sum(abs(weight) for weight, _ in queries)
        out = np.zeros(len(keys), np.float32)
        for part in some_of(len(keys), _READ):
            vectors, counts = self._store.gather(keys[part])
            regions = np.asarray(vectors, np.float32)
            real = np.arange(regions.shape[1]) < counts[:, None]
            for weight, rows in queries:
                words = np.asarray(rows, np.float32)[None]
                mask = np.ones(words.shape[:2], bool)
                scoring = self._model.scoring
                shares = self._model.word_shares(regions, words, real, mask, scoring)
                out[part] += np.float32(weight / sizes) * shares.sum(1)
        return out

"""The similarity matrix of a split, its tiles computed by the workers of a cluster.

Every worker opens the split and the model from where they are and embeds the photos and captions
of its tiles. Knows tiles; what is done with the matrix is `evaluation`'s matter.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.cluster.pieces import load_same
from regard.cluster.session import stream
from regard.datasets.dataset import Dataset, open_dataset
from regard.errors import DataError
from regard.evaluation.protocols import galleries
from regard.evaluation.similarity import check_features, embed_photos, score_tile
from regard.kernels import set_threads
from regard.model.encoded import EncodedCaptions
from regard.model.model import Model
from regard.progress import Progress
from regard.shapes import Float

_PHOTOS, _CAPTIONS = 1024, 1024  # of a tile
_KEPT = 4  # blocks of embedded photos that a worker keeps


class Split(NamedTuple):
    """Where a split is, on every machine of the cluster."""

    data: str
    split: str
    regions: str
    """Region store; empty where the data brings its features."""
    protocol: str

    def open(self) -> list[Dataset]:
        """Its galleries.

        Raises:
            DataError: files are missing on this machine, or malformed.
            StoreError: the region store cannot be opened here.
        """
        data = Path(self.data)
        dataset = open_dataset(data, self.split, Path(self.regions) if self.regions else None)
        return list(galleries(self.protocol, dataset, data, self.split))


class _Job(NamedTuple):
    split: Split
    gallery: int
    model: str
    identity: str


class _Tile(NamedTuple):
    first: int
    """Photo."""
    last: int
    """Photo after the last one."""
    captions: list[int]


class TileScorer:
    """Scores tiles; keeps the photos and captions it embedded last.

    Raises:
        RegardError: the split or the model cannot be opened on this machine.
    """

    def __init__(self, job: _Job) -> None:
        set_threads(1)
        self._model = load_same(job.model, job.identity)
        self._dataset = job.split.open()[job.gallery]
        check_features(self._model, self._dataset)
        self._photos = lru_cache(_KEPT)(
            lambda first, last: embed_photos(self._model, self._dataset, range(first, last))
        )
        self._captions = lru_cache(1)(self._embed_captions)

    def _embed_captions(self, *rows: int) -> EncodedCaptions:
        sentences = [self._dataset.captions.sentences[row] for row in rows]
        return self._model.encode_captions(sentences)

    def __call__(self, text: str) -> bytes:
        """Similarities of a tile in float32, row after row.

        Args:
            text: the tile in JSON.
        """
        tile = _Tile(*json.loads(text))
        photos = self._photos(tile.first, tile.last)
        return score_tile(self._model, *photos, self._captions(*tile.captions)).tobytes()


class ClusterSimilarity:
    """`evaluation.dataset_similarity` on the cluster this process is connected to.

    Args:
        split: what every machine sees at the same place.
        galleries: of the split, as `Judge` will ask for them.
        workers: at most; None takes all CPUs but one a machine.
    """

    def __init__(self, split: Split, workers: int | None = None) -> None:
        self._split, self._workers = split, workers
        self._galleries = [gallery.captions for gallery in split.open()]

    def __call__(
        self, model: Model, dataset: Dataset, progress: Progress
    ) -> Float[np.ndarray, "image cap"]:
        """Similarity of every photo with every caption of a gallery, in float32.

        Raises:
            CheckpointError: the model was trained on features of another kind.
            ClusterError: the cluster cannot do its part.
        """
        check_features(model, dataset)
        sentences, images = dataset.captions.sentences, len(dataset.captions.photos)
        job = _Job(self._split, self._gallery(dataset), model.source, model.identity)
        order = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))
        tiles = [
            _Tile(first, min(images, first + _PHOTOS), order[start : start + _CAPTIONS])
            for start in range(0, len(order), _CAPTIONS)
            for first in range(0, images, _PHOTOS)
        ]
        scores, captions = np.empty((images, len(sentences)), np.float32), 0
        done = stream(TileScorer, job, [json.dumps(tile) for tile in tiles], self._workers)
        for tile, contents in zip(tiles, done, strict=True):
            similarities = np.frombuffer(contents, np.float32).reshape(-1, len(tile.captions))
            scores[tile.first : tile.last, tile.captions] = similarities
            if tile.last == images:
                captions += len(tile.captions)
                progress(captions, len(order))
        return scores

    def _gallery(self, dataset: Dataset) -> int:
        """Which gallery of the split this is."""
        for number, captions in enumerate(self._galleries):
            if captions.sentences == dataset.captions.sentences:
                return number
        raise DataError(
            "the data set is none of the split's galleries; it must be one. "
            "Name the same data, split and protocol."
        )

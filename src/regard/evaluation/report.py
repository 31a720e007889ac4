"""A model, or several as one, judged on a split by a protocol."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regard.core.metrics import Retrieval, Ties, retrieval_tree
from regard.datasets.dataset import Dataset
from regard.evaluation.ensemble import SimilarityCache, combine
from regard.evaluation.protocols import galleries
from regard.evaluation.ranking import Intervals, Ranks, figures, intervals, rank
from regard.evaluation.similarity import dataset_similarity
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.shapes import Float


class Report(NamedTuple):
    """What an evaluation found, and how it was done."""

    retrieval: Retrieval
    intervals: Intervals
    images: int
    captions: int
    protocol: str
    split: str
    ties: str
    models: int
    combine: str

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        tree = retrieval_tree(self.retrieval)
        return {
            **tree,
            "images": self.images,
            "captions": self.captions,
            "protocol": self.protocol,
            "split": self.split,
            "ties": self.ties,
            "models": self.models,
            "combine": self.combine,
            "intervals": {
                "image_to_text": _named(self.intervals.caption_retrieval),
                "text_to_image": _named(self.intervals.image_retrieval),
                "rsum": list(self.intervals.rsum),
            },
        }


def _named(by_depth: dict[int, tuple[float, float]]) -> dict[str, list[float]]:
    return {f"R@{k}": list(interval) for k, interval in by_depth.items()}


class Judge(NamedTuple):
    """How models are judged."""

    protocol: str = "all"
    ties: Ties = "pessimistic"
    combine: str = "raw"
    """How similarities of several models are averaged: raw or zscore."""
    cache: SimilarityCache | None = None
    """Where similarities are kept for another time."""
    similarity: Callable[[Model, Dataset, Progress], np.ndarray] = dataset_similarity
    """What scores every photo with every caption."""

    def evaluate(
        self,
        members: Sequence[Model],
        dataset: Dataset,
        data: Path,
        split: str,
        progress: Progress = silent,
    ) -> Report:
        """Retrieval figures of one model, or of several averaged.

        Args:
            data: what the data set was opened from.
            split: which split it is.
            progress: told how many captions are scored of how many, over all models.

        Raises:
            DataError: the protocol is not meant for this split.
            ShapeError: a similarity is not finite.
            CheckpointError: a model was trained on features of another kind.
        """
        ranks = self.ranks(members, dataset, data, split, progress)
        return self.report(ranks, dataset, split, len(members))

    def ranks(
        self,
        members: Sequence[Model],
        dataset: Dataset,
        data: Path,
        split: str,
        progress: Progress = silent,
    ) -> list[Ranks]:
        """Ranks in every gallery of the protocol, by one model or several averaged; as `evaluate`.

        Raises:
            DataError, ShapeError, CheckpointError: as there.
        """
        steps = _Steps(len(members) * len(dataset.captions.sentences), progress)
        return [
            rank(
                self._similarities(members, gallery, steps),
                gallery.captions.photo_of_caption,
                self.ties,
            )
            for gallery in galleries(self.protocol, dataset, data, split)
        ]

    def report(self, ranks: Sequence[Ranks], dataset: Dataset, split: str, models: int) -> Report:
        """The report of ranks found in the galleries of a data set."""
        captions = dataset.captions
        return Report(
            figures(ranks),
            intervals(ranks),
            len(captions.photos),
            len(captions.sentences),
            self.protocol,
            split,
            self.ties,
            models,
            self.combine,
        )

    def similarities(
        self,
        members: Sequence[Model],
        dataset: Dataset,
        progress: Progress = silent,
    ) -> Float[np.ndarray, "image cap"]:
        """Similarities of one model, or the mean of several."""
        steps = _Steps(len(members) * len(dataset.captions.sentences), progress)
        return self._similarities(members, dataset, steps)

    def _similarities(
        self, members: Sequence[Model], dataset: Dataset, steps: "_Steps"
    ) -> Float[np.ndarray, "image cap"]:
        return combine([self._scores(model, dataset, steps) for model in members], self.combine)

    def _scores(
        self, model: Model, dataset: Dataset, steps: "_Steps"
    ) -> Float[np.ndarray, "image cap"]:
        """Similarities, from the cache where they are in it."""
        path = self.cache.path(model, dataset) if self.cache else None
        scores = self.cache.load(path) if self.cache and path else None
        if scores is None:
            scores = self.similarity(model, dataset, steps)
            if self.cache and path:
                self.cache.save(path, scores)
        steps.finish(len(dataset.captions.sentences))
        return scores


class _Steps:
    """Progress over several matrices, told as one."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self._before = total, progress, 0

    def __call__(self, done: int, _all: int) -> None:
        self._progress(self._before + done, self._total)

    def finish(self, captions: int) -> None:
        """A matrix is done."""
        self._before += captions
        self._progress(self._before, self._total)

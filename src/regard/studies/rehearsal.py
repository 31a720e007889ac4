"""A recipe tried out on random features of its true shapes: trains, is stopped, resumes, evaluates.

Nothing is learned; it shows that a recipe runs here, and how long it would take on real data.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.datasets.dataset import Dataset, open_dataset
from regard.errors import CheckpointError
from regard.evaluation.report import Judge
from regard.evaluation.similarity import dataset_similarity, embed_photos
from regard.model.checkpoint import load_checkpoint
from regard.model.model import Model
from regard.official.files import OfficialSet
from regard.training.config import Recipe
from regard.training.loop import Progress, train
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

_STEPS = 3
_CAPTIONS_EACH = 5
_WORDS = (8, 19)  # Flickr30K's captions have 13 or 14 words on average
_LETTERS = "abcdefghij"
VOCABULARY_SIZE = 8481  # Flickr30K's


class Rehearsal(NamedTuple):
    """What a rehearsal found."""

    steps_per_epoch: int
    """On the real data."""
    seconds_per_step: float
    """Measured, the median of a few."""
    seconds_to_validate: float
    """Scaled from the rehearsal's few photos to the real dev split."""
    resumed_at: int
    """Epoch that the second start began with, from 1."""
    rsum: float
    """Of the rehearsed model on random data; only shows that there is one."""

    @property
    def seconds_per_epoch(self) -> float:
        """Estimate for the real data."""
        return self.steps_per_epoch * self.seconds_per_step + self.seconds_to_validate


class _Stopped(Exception):  # noqa: N818 - a stand-in for being killed, not an error
    """Raised in the middle of the second epoch."""


class _Watch:
    """Times steps and notes where each start begins; stops the first in its second epoch."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.begins: list[int] = []
        self.stop = True
        self._last = time.monotonic()

    def start(self) -> None:
        self._last = time.monotonic()
        self.begins.append(0)

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self.begins[-1]:
            self.begins[-1] = progress.epoch
        elif progress.validation is None and progress.step > 1:
            self.steps.append(now - self._last)
        self._last = now
        if self.stop and progress.epoch == 2:
            self.stop = False
            raise _Stopped


def write_random_set(folder: Path, photos: int, feature_dim: int, regions: int) -> Vocabulary:
    """Write train (one row a photo) and dev (five equal rows a photo) in SCAN's layout.

    Returns:
        A vocabulary of Flickr30K's size that knows every word.
    """
    random = np.random.default_rng(0)
    words = np.array([_word(n) for n in range(VOCABULARY_SIZE - len(SPECIAL))])
    folder.mkdir(parents=True, exist_ok=True)
    for split, each in (("train", 1), ("dev", _CAPTIONS_EACH)):
        features = random.random((photos, regions, feature_dim), np.float32)
        np.save(folder / f"{split}_ims.npy", np.repeat(features, each, axis=0))
        lines = (
            " ".join(random.choice(words, random.integers(*_WORDS)))
            for _ in range(photos * _CAPTIONS_EACH)
        )
        (folder / f"{split}_caps.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Vocabulary((*SPECIAL, *words.tolist()))


def _word(number: int) -> str:
    return "w" + "".join(_LETTERS[int(digit)] for digit in str(number))


def rehearse(recipe: Recipe, size: OfficialSet, folder: Path, regions: int = 36) -> Rehearsal:
    """Train two epochs of three steps, stopped in the second and resumed, then evaluate.

    Args:
        size: the data set whose epoch is estimated.
        folder: for the random data and the run; about 250 MB at SCAN's shapes.

    Raises:
        CheckpointError: the run did not go on where it was stopped.
    """
    photos = max(2, -(-_STEPS * recipe.training.batch_size // _CAPTIONS_EACH))
    vocabulary = write_random_set(folder / "data", photos, recipe.model.feature_dim, regions)
    short = replace(recipe, training=replace(recipe.training, epochs=2))
    train_set = open_dataset(folder / "data", "train")
    dev_set = open_dataset(folder / "data", "dev")
    watch = _Watch()
    for _ in range(2):
        watch.start()
        try:
            best = train(
                short, train_set, dev_set, folder / "run", watch, vocabulary=vocabulary
            ).best
        except _Stopped:
            continue
    if watch.begins != [1, 2]:
        raise CheckpointError(
            f"run began at epochs {watch.begins}; after a stop in epoch 2 it must go on there. "
            "Look at the run's state folder."
        )
    model = Model(load_checkpoint(best))
    report = Judge().evaluate([model], dev_set, folder / "data", "dev")
    return Rehearsal(
        size.train.captions // recipe.training.batch_size,
        statistics.median(watch.steps),
        _validation_seconds(model, dev_set, size.dev.captions),
        watch.begins[1],
        report.retrieval.rsum,
    )


def _validation_seconds(model: Model, dev_set: Dataset, captions: int) -> float:
    """Estimate for the real dev split: embedding grows with captions, scoring with pairs."""
    started = time.monotonic()
    embed_photos(model, dev_set)
    model.encode_captions(dev_set.captions.sentences)
    embedded = time.monotonic()
    dataset_similarity(model, dev_set)
    scoring = time.monotonic() - embedded - (embedded - started)
    larger = captions / len(dev_set.captions.sentences)
    return (embedded - started) * larger + max(0.0, scoring) * larger**2

"""The training loop: epochs of steps, validation, the best model kept, resumable at any step.

Every random choice of a step comes from the seed and the step's number, so a run that was
killed and resumed gives the same weights as one that was not.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from regard.config import to_tree
from regard.core.metrics import Retrieval, retrieval, retrieval_tree
from regard.datasets.dataset import Dataset
from regard.datasets.fingerprint import fingerprint
from regard.device import peak_memory, pinned
from regard.errors import ConfigError, ShapeError
from regard.evaluation.similarity import dataset_similarity
from regard.model.checkpoint import Checkpoint, save_checkpoint
from regard.model.labels import LabelClasses
from regard.model.model import Model
from regard.model.network import checkpoint_of, network_of
from regard.training.batches import Batch, PairBatches
from regard.training.config import Recipe
from regard.training.heads import check_heads
from regard.training.learner import Learner
from regard.training.machine import DEFAULT_MACHINE, Machine
from regard.training.ranks import Ranks
from regard.training.run import Position, Run
from regard.training.text import read_by
from regard.words.vocabulary import Vocabulary

_SAVE_EVERY = 200  # steps between two saved states within an epoch


class Progress(NamedTuple):
    """What the loop tells after every step and every epoch."""

    epoch: int
    """Counted from 1."""
    epochs: int
    step: int
    """Steps done in this epoch."""
    steps: int
    loss: float = 0.0
    """Mean over the steps of this epoch so far."""
    seconds: float = 0.0
    """Spent in this epoch so far, validation included."""
    validation: Retrieval | None = None
    """Result on val; only at an epoch's end."""
    is_best: bool = False
    """Whether that result is the best so far."""
    memory: int = 0
    """Most bytes taken so far, of the graphics card where there is one; at an epoch's end."""

    def logged(self) -> dict[str, Any]:
        """What the log keeps of an epoch."""
        spent = {"seconds": round(self.seconds, 2), "peak_memory": self.memory}
        return {"epoch": self.epoch, "loss": self.loss, **spent}


class Outcome(NamedTuple):
    """What a run came to."""

    best: Path
    """Folder of the best model."""
    rsum: float
    """Its rSum on val."""
    epoch: int
    """The epoch it is of, from 1."""


def train(
    recipe: Recipe,
    train_set: Dataset,
    val_set: Dataset,
    folder: str | Path,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    vocabulary: Vocabulary | None = None,
    start: Checkpoint | None = None,
    machine: Machine = DEFAULT_MACHINE,
) -> Outcome:
    """Train a model and keep the best on val.

    Args:
        recipe: sizes, scoring and training settings.
        folder: of the run; a run found there is continued.
        progress: told after every step and epoch.
        vocabulary: words to know; None takes those of `start`, or of train and val captions.
        start: a model to go on from; None begins with random weights.
        machine: what it learns and is validated on.

    Raises:
        ConfigError: features or labels do not fit the recipe.
        CheckpointError: the folder holds a run of another recipe or on other data, the features
            of val come from another extractor than those of train, or the transformer that is to
            read captions is not on this machine.
    """
    _check_features(recipe, train_set, val_set)
    recipe, reading = read_by(recipe, start)
    vocabulary = vocabulary or _vocabulary(recipe, train_set, val_set, start)
    classes, ranks = _classes(recipe, start), machine.ranks
    with ranks.leader_first():
        run = Run(Path(folder), recipe, machine.cache)
        run.claim(_digests(train_set, val_set, vocabulary, classes) | reading.digests)
        first = network_of(start) if start else None
        known = recipe, run, vocabulary, train_set, first
        learner = Learner(*known, classes=classes, reading=reading, machine=machine)
        position = run.restore(learner.restore)
        batches = _batches(recipe, learner, vocabulary, train_set)
        val_states = learner.states(val_set, "val")

    def judged() -> tuple[Retrieval, Checkpoint]:
        best = checkpoint_of(
            learner.finished(), vocabulary, train_set.producer, {}, classes, reading.tokenizer
        )
        return validate(Model(best, states=val_states, device=machine.device), val_set), best

    loop = _Loop(recipe, run, learner, batches, ranks)
    loop.tell = progress if ranks.leads else lambda _: None
    if ranks.leads:
        begun = {"epoch": position.epoch, "step": position.step, "processes": ranks.count}
        run.start(device=machine.device, **begun)
    while position.epoch < recipe.training.epochs:
        position = loop.whole_epoch(position, judged)
    return Outcome(run.best, position.best_rsum, position.best_epoch)


def _batches(
    recipe: Recipe, learner: Learner, vocabulary: Vocabulary, train_set: Dataset
) -> PairBatches:
    config = recipe.training
    return PairBatches(
        learner.dataset,
        vocabulary,
        config.batch_size,
        captions_per_photo=config.captions_per_photo,
        states=learner.states(train_set, "train"),
    )


def _check_features(recipe: Recipe, *sets: Dataset) -> None:
    for dataset in sets:
        if dataset.feature_dim != recipe.model.feature_dim:
            raise ConfigError(
                f"features have {dataset.feature_dim} numbers; the recipe's "
                f"model.feature_dim is {recipe.model.feature_dim} and must be the same. "
                f"Add --set model.feature_dim={dataset.feature_dim}."
            )
    if recipe.model.backbone:
        check_heads(recipe, *sets)
    rank = recipe.training.feature_rank
    if rank and recipe.model.labels:
        raise ConfigError(
            f"training.feature_rank is {rank} and model.labels {recipe.model.labels}; labels are "
            "read off whole features. Set training.feature_rank to 0."
        )
    if rank > recipe.model.feature_dim:
        raise ConfigError(
            f"training.feature_rank is {rank}; it must be at most {recipe.model.feature_dim}, the "
            "numbers that features have. Lower training.feature_rank, or set it to 0 to take "
            "features whole."
        )


def _classes(recipe: Recipe, start: Checkpoint | None) -> LabelClasses | None:
    """What regions may be taken for, by the recipe or by the model to go on from."""
    if not recipe.model.labels:
        return None
    folder = recipe.training.label_classes
    classes = start.labels if start else None
    if folder:
        classes = LabelClasses.load(Path(folder))
    if classes is None:
        raise ConfigError(
            f"training.label_classes is {folder!r}; it must be a folder with labels.safetensors, "
            "or --start must name a model that has labels. Make them with making/label_classes.py."
        )
    return classes


def _vocabulary(
    recipe: Recipe, train_set: Dataset, val_set: Dataset, start: Checkpoint | None
) -> Vocabulary:
    if start is not None:
        return start.vocabulary
    sentences = train_set.captions.sentences + val_set.captions.sentences
    return Vocabulary.build(sentences, recipe.training.min_count)


def _digests(
    train_set: Dataset, val_set: Dataset, vocabulary: Vocabulary, classes: LabelClasses | None
) -> dict[str, str]:
    labels = {} if classes is None else {"label classes": classes.digest}
    words = hashlib.sha256(json.dumps(list(vocabulary.words)).encode()).hexdigest()
    sets = {"training set": fingerprint(train_set), "validation set": fingerprint(val_set)}
    return {**sets, **labels, "vocabulary": words}


def validate(model: Model, val_set: Dataset) -> Retrieval:
    """Retrieval on val, in float32 as in any evaluation."""
    scores = dataset_similarity(model, val_set)
    return retrieval(scores, val_set.captions.photo_of_caption)


class _Loop:
    """The parts of an epoch, sharing model, optimizer and batches."""

    tell: Callable[[Progress], None]

    def __init__(
        self, recipe: Recipe, run: Run, learner: Learner, batches: PairBatches, ranks: Ranks
    ) -> None:
        self.recipe, self.run, self.ranks = recipe, run, ranks
        self.learner, self.batches = learner, batches

    def whole_epoch(
        self, position: Position, judged: Callable[[], tuple[Retrieval, Checkpoint]]
    ) -> Position:
        """Steps, validation by the leading process, and all that is kept of them."""
        started = time.monotonic()
        at = Progress(position.epoch + 1, self.recipe.training.epochs, 0, len(self.batches))
        for step, loss in self._steps(position):
            at = at._replace(step=step, loss=loss, seconds=time.monotonic() - started)
            self.tell(at)
        if self.ranks.leads:
            on_val, model = judged()
            position = self._finish(position, on_val, model)
            is_best, seconds = position.best_epoch == position.epoch, time.monotonic() - started
            at = at._replace(validation=on_val, seconds=seconds, is_best=is_best)
            at = at._replace(memory=peak_memory(self.learner.device))
            self.run.log(rsum=on_val.rsum, **at.logged())
            self.tell(at)
        epoch, done, best_rsum, best_epoch = self.ranks.told(position)
        return Position(int(epoch), int(done), best_rsum, int(best_epoch))

    def _save(self, position: Position) -> None:
        """Save where the run stands."""
        if self.ranks.leads:
            self.run.save(self.learner.state(), position)

    def _steps(self, position: Position) -> Iterator[tuple[int, float]]:
        """Run the steps of an epoch that are not done yet; gives their numbers and mean loss."""
        config = self.recipe.training
        order = self.batches.order(config.seed, position.epoch)
        order = order[:, self.ranks.part(order.shape[1])]
        first = position.epoch * len(order)
        losses: list[float] = []
        self.learner.model.train()
        remaining = order[position.step :]

        def prepare(batch: Batch, number: int) -> Batch:
            generator = torch.Generator().manual_seed(self._seed(first + position.step + number))
            batch = self.batches.augment(
                batch, config.word_dropout, config.region_dropout, generator
            )
            return batch.moved(lambda part: pinned(part, self.learner.device))

        for step, batch in enumerate(self.batches.stream(remaining, prepare), position.step + 1):
            rate = config.rate(first + step - 1, len(order))
            torch.manual_seed(self._seed(first + step - 1))
            how = {
                "warming_up": position.epoch < config.contrastive_epochs,
                "all_negatives": position.epoch < config.sum_epochs,
            }
            try:
                losses.append(self.learner.step(batch, rate, **how))
            except ShapeError:
                self.batches.check(order[step - 1])  # names the photo or caption, if it is one's
                raise
            self.learner.average(first + step - 1)
            if step % _SAVE_EVERY == 0 and step < len(order):
                self._save(position._replace(step=step))
            yield step, sum(losses) / len(losses)

    def _finish(self, position: Position, on_val: Retrieval, model: Checkpoint) -> Position:
        """Keep the model if it is the best, and save where the run stands."""
        position = position._replace(epoch=position.epoch + 1, step=0)
        if on_val.rsum > position.best_rsum:
            position = position._replace(best_rsum=on_val.rsum, best_epoch=position.epoch)
            info = {
                "recipe": to_tree(self.recipe),
                "epoch": position.epoch,
                "validation": retrieval_tree(on_val),
            }
            save_checkpoint(self.run.best, replace(model, info=info))
        self._save(position)
        return position

    def _seed(self, step: int) -> int:
        """Of a step's random choices; every process has its own."""
        return (self.recipe.training.seed * 1_000_003 + step + self.ranks.rank * 7_368_787) % 2**31

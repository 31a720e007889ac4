"""The training loop: epochs of steps, validation, the best model kept, resumable at any step.

Every random choice of a step comes from the seed and the step's number, so a run that was
killed and resumed gives the same weights as one that was not.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from regard.checkpoint import Checkpoint, save_checkpoint
from regard.config import to_tree
from regard.core.metrics import Retrieval, retrieval, retrieval_tree
from regard.core.model import MatchingModel
from regard.data.batches import Batch, PairBatches
from regard.data.dataset import Dataset
from regard.data.vocab import Vocabulary
from regard.errors import ConfigError
from regard.evaluation.similarity import dataset_similarity
from regard.matcher import Matcher
from regard.training.config import Recipe
from regard.training.runstate import Position, Run
from regard.training.schedule import learning_rate
from regard.training.step import batch_loss

_SAVE_EVERY = 200  # steps between two saved states within an epoch
_STATISTICS_PHOTOS = 2000  # photos whose features give the mean and the deviation


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
    vocabulary: Vocabulary | None = None,
) -> Outcome:
    """Train a model and keep the best on val.

    Args:
        recipe: sizes, scoring and training settings.
        folder: of the run; a run found there is continued.
        progress: told after every step and epoch.
        vocabulary: words to know; None builds it from train and val captions, as SCAN does.

    Raises:
        ConfigError: the features have another width than the recipe's.
        CheckpointError: the folder holds a run of another recipe.
    """
    _check_features(recipe, train_set, val_set)
    run = Run(Path(folder), recipe)
    vocabulary = vocabulary or Vocabulary.build(
        train_set.captions.sentences + val_set.captions.sentences, recipe.training.min_count
    )
    torch.manual_seed(recipe.training.seed)
    model = MatchingModel(recipe.model, len(vocabulary))
    if recipe.training.standardize:
        standardize(model, train_set)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=recipe.training.weight_decay)
    position = run.restore(model, optimizer)
    batches = PairBatches(train_set, vocabulary, recipe.training.batch_size)
    loop = _Loop(recipe, run, model, optimizer, batches)
    while position.epoch < recipe.training.epochs:
        started = time.monotonic()
        at = Progress(position.epoch + 1, recipe.training.epochs, 0, len(batches))
        for step, loss in loop.epoch(position):
            at = at._replace(step=step, loss=loss, seconds=time.monotonic() - started)
            progress(at)
        found = loop.validate(val_set, vocabulary)
        position = loop.finish_epoch(position, found, vocabulary, train_set.producer)
        at = at._replace(
            validation=found,
            seconds=time.monotonic() - started,
            is_best=position.best_epoch == position.epoch,
        )
        run.log(epoch=at.epoch, loss=at.loss, rsum=found.rsum, seconds=round(at.seconds, 2))
        progress(at)
    return Outcome(run.best, position.best_rsum, position.best_epoch)


def _check_features(recipe: Recipe, *sets: Dataset) -> None:
    for dataset in sets:
        if dataset.feature_dim != recipe.model.feature_dim:
            raise ConfigError(
                f"features have {dataset.feature_dim} numbers; the recipe's "
                f"model.feature_dim is {recipe.model.feature_dim} and must be the same. "
                f"Add --set model.feature_dim={dataset.feature_dim}."
            )


def standardize(model: MatchingModel, dataset: Dataset) -> None:
    """Set the region encoder's mean and deviation to those of a data set's features."""
    count = len(dataset.captions.photos)
    rows = torch.linspace(0, count - 1, min(count, _STATISTICS_PHOTOS)).long()
    total = torch.zeros(dataset.feature_dim, dtype=torch.float64)
    square, number = total.clone(), 0
    for part in rows.split(64):
        features, counts = dataset.gather(part.numpy())
        mask = torch.arange(features.shape[1])[None] < torch.from_numpy(counts)[:, None]
        real = torch.from_numpy(features).double()[mask]
        total += real.sum(0)
        square += real.pow(2).sum(0)
        number += len(real)
    mean = total / number
    model.regions.mean.copy_(mean)
    model.regions.deviation.copy_((square / number - mean.pow(2)).clamp_min(1e-12).sqrt())


class _Loop:
    """The parts of an epoch, sharing model, optimizer and batches."""

    def __init__(
        self,
        recipe: Recipe,
        run: Run,
        model: MatchingModel,
        optimizer: torch.optim.Optimizer,
        batches: PairBatches,
    ) -> None:
        self.recipe, self.run, self.model = recipe, run, model
        self.optimizer, self.batches = optimizer, batches

    def epoch(self, position: Position) -> Iterator[tuple[int, float]]:
        """Run the steps of an epoch that are not done yet; gives their numbers and mean loss."""
        config = self.recipe.training
        order = self.batches.order(config.seed, position.epoch)
        first = position.epoch * len(order)
        losses: list[float] = []
        self.model.train()
        remaining = order[position.step :]

        def prepare(batch: Batch, number: int) -> Batch:
            generator = torch.Generator().manual_seed(
                _step_seed(config.seed, first + position.step + number)
            )
            return self.batches.augment(
                batch, config.word_dropout, config.region_dropout, generator
            )

        for step, batch in enumerate(self.batches.stream(remaining, prepare), position.step + 1):
            rate = learning_rate(first + step - 1, len(order), config)
            torch.manual_seed(_step_seed(config.seed, first + step - 1))
            losses.append(self._step(batch, rate, position.epoch < config.contrastive_epochs))
            if step % _SAVE_EVERY == 0 and step < len(order):
                self.run.save(self.model, self.optimizer, position._replace(step=step))
            yield step, sum(losses) / len(losses)

    def _step(self, batch: Batch, rate: float, warming_up: bool) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = batch_loss(self.model, batch, self.recipe.training, warming_up=warming_up)
        loss.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.training.clip_norm)
        self.optimizer.step()
        return float(loss.total.detach())

    def validate(self, val_set: Dataset, vocabulary: Vocabulary) -> Retrieval:
        """Retrieval on val with the model as it is."""
        self.model.eval()
        matcher = Matcher(Checkpoint(self.model, vocabulary, val_set.producer, {}))
        scores = dataset_similarity(matcher, val_set)
        return retrieval(
            torch.from_numpy(scores), torch.from_numpy(val_set.captions.photo_of_caption)
        )

    def finish_epoch(
        self, position: Position, found: Retrieval, vocabulary: Vocabulary, producer: str
    ) -> Position:
        """Keep the model if it is the best, and save where the run stands."""
        position = position._replace(epoch=position.epoch + 1, step=0)
        if found.rsum > position.best_rsum:
            position = position._replace(best_rsum=found.rsum, best_epoch=position.epoch)
            info = {
                "recipe": to_tree(self.recipe),
                "epoch": position.epoch,
                "validation": retrieval_tree(found),
            }
            save_checkpoint(self.run.best, Checkpoint(self.model, vocabulary, producer, info))
        self.run.save(self.model, self.optimizer, position)
        return position


def _step_seed(seed: int, step: int) -> int:
    return (seed * 1_000_003 + step) % 2**31

"""What learns: the model in training, its optimizer, its averaged weights, and the step.

Knows nothing of epochs, validation or how a run is kept.
"""

import copy
from dataclasses import replace

import torch
from torch import Tensor

from regard.core.network import MatchingModel
from regard.core.transformer import TransformerEncoder
from regard.datasets.dataset import Dataset
from regard.device import put, read
from regard.errors import ConfigError
from regard.model.captions import word_source
from regard.model.labels import LabelClasses
from regard.model.network import install
from regard.training import saved_state
from regard.training.batches import Batch
from regard.training.config import Recipe
from regard.training.gradients import clip
from regard.training.heads import begin_as_identity
from regard.training.machine import DEFAULT_MACHINE, Machine
from regard.training.precision import scaler_of
from regard.training.projection import ProjectedDataset, mean_and_deviation, widened
from regard.training.ranks import Ranks
from regard.training.run import Run
from regard.training.state_tables import StateTable
from regard.training.step import batch_loss
from regard.training.text import WORDS_ALONE, PieceTable, Reading, begin_as_pretrained, by_rate
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary


class Learner:
    """A model in training.

    Args:
        recipe: sizes, scoring and training settings.
        run: its cache keeps what is made once from the data.
        vocabulary: words of the model.
        train_set: gives the statistics of features, and their components where the recipe asks.
        start: a model to go on from, with its statistics; None begins with random weights.
        classes: what regions may look like; None keeps those of the model to go on from.
        reading: what reads captions, where a transformer does.
        machine: what it learns on.

    Raises:
        ConfigError: the model to go on from has other sizes, there is nothing to compile, or
            several processes cannot train this recipe together.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: Run,
        vocabulary: Vocabulary,
        train_set: Dataset,
        start: MatchingModel | None = None,
        *,
        classes: LabelClasses | None = None,
        reading: Reading = WORDS_ALONE,
        machine: Machine = DEFAULT_MACHINE,
    ) -> None:
        _check_gates(recipe, machine.ranks)
        self.recipe, self._run, self.device = recipe, run, machine.device
        self._ranks, self.tokenizer = machine.ranks, reading.tokenizer
        config = recipe.training
        self.dataset: Dataset = train_set
        """What to take batches from."""
        self._projected: ProjectedDataset | None = None
        model_config = recipe.model
        if config.feature_rank:
            self._projected = ProjectedDataset(train_set, config.feature_rank, run.cache)
            self.dataset = self._projected
            model_config = replace(model_config, feature_dim=config.feature_rank)
        torch.manual_seed(config.seed)
        self.model = MatchingModel(model_config, len(vocabulary))
        if model_config.backbone:
            begin_as_identity(self.model)
        if reading.folder is not None:
            assert isinstance(self.model.words, TransformerEncoder)  # as the recipe says
            begin_as_pretrained(self.model.words, reading.folder)
        if start is not None:
            _go_on_from(self.model, start)
        elif config.standardize and self._projected is None:
            mean, deviation = mean_and_deviation(train_set)
            self.model.regions.mean.copy_(mean)
            self.model.regions.deviation.copy_(deviation)
        if classes is not None:
            install(self.model, classes)
        self.model = put(self.model, self.device)
        self.averaged = copy.deepcopy(self.model) if config.average_decay else self.model
        machine.prepare(self.model, config.precision)
        self._scaler = scaler_of(config.precision, torch.device(self.device))
        self.optimizer = torch.optim.AdamW(
            by_rate(self.model, config), weight_decay=config.weight_decay, fused=True
        )

    def states(self, dataset: Dataset, split: str) -> StateTable | PieceTable | None:
        """Word states of a split's captions, kept in the run, or pieces; None for other models."""
        if not self.model.needs_states:
            return None
        captions = [tokenize(sentence) for sentence in dataset.captions.sentences]
        if self.tokenizer:
            return PieceTable(captions, self.tokenizer, self.recipe.model.text.places)
        source = word_source(self.recipe.model)
        return StateTable(captions, self._run.cache, f"states-{split}", source)

    def step(
        self, batch: Batch, rate: float, *, warming_up: bool, all_negatives: bool = False
    ) -> float:
        """Change the weights by one batch; gives its loss.

        Args:
            warming_up: use the contrastive loss alone.
            all_negatives: use all of the batch, whatever the recipe says.

        Raises:
            ShapeError: a vector, the loss or its gradient is not finite; nothing is changed.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.zero_grad(set_to_none=True)
        here = batch.moved(lambda part: put(part, self.device))
        config, ranks = self.recipe.training, self._ranks
        config = replace(config, negatives="sum") if all_negatives else config
        loss = batch_loss(self.model, here, config, warming_up=warming_up, ranks=ranks).total
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        whole = loss.detach().clone()
        gradients = [weight.grad for weight in self.model.parameters()]
        ranks.add_up([whole, *(one for one in gradients if one is not None)])
        self._scaler.unscale_(self.optimizer)
        total = float(read(whole))
        skips = self._scaler.get_scale() > _LEAST_SCALE
        clip(self.model.parameters(), config.clip_norm, total, skips=skips)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return total

    def state(self) -> dict[str, Tensor]:
        """All that changes while learning, as tensors by name."""
        state = saved_state.parts(**self._modules()) | saved_state.moments(self.optimizer)
        if self._scaler.is_enabled():
            state[_SCALE] = torch.tensor([float(self._scaler.state_dict()[n]) for n in _SCALER])
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go back to what `state` gave."""
        saved_state.put(state, **self._modules())
        saved_state.put_moments(state, self.optimizer)
        if self._scaler.is_enabled():
            scale, steps = state[_SCALE].tolist()
            found = dict(zip(_SCALER, (scale, int(steps)), strict=True))
            self._scaler.load_state_dict(self._scaler.state_dict() | found)

    def _modules(self) -> dict[str, MatchingModel]:
        own = {"model": self.model}
        return own if self.averaged is self.model else own | {"averaged": self.averaged}

    @torch.no_grad()
    def average(self, step: int) -> None:
        """Move the averaged weights towards the model's; faster in the first steps."""
        if self.averaged is self.model:
            return
        decay = min(self.recipe.training.average_decay, (1 + step) / (10 + step))
        pairs = zip(self.averaged.parameters(), self.model.parameters(), strict=True)
        for average, weight in pairs:
            average.lerp_(weight, 1 - decay)

    def finished(self) -> MatchingModel:
        """The model to validate and keep, as it would read whole features."""
        if self._projected is None:
            return self.averaged.eval()
        return widened(self.averaged, self._projected.projection).eval()


_SCALE, _SCALER = "scaler", ("scale", "_growth_tracker")
_LEAST_SCALE = 1.0  # a loss that is scaled down to this and still has no finite gradient has none
_FRESH = {"words.weigh.weight", "regions.labels.gain"}
"""Weights that a model may begin with although the one it goes on from has none."""


def _check_gates(recipe: Recipe, ranks: Ranks) -> None:
    """SAF normalises its gates over the pairs of a batch, which no process has all of."""
    config = recipe.training
    of_all = config.negatives == "sum" or config.sum_epochs or config.attention_weight
    if ranks.count > 1 and recipe.model.scoring.scorer == "saf" and of_all:
        raise ConfigError(
            "model.scoring.scorer=saf with a loss over all pairs of a batch trains in one process "
            "only. Use training.negatives=hardest, training.sum_epochs=0 and "
            "training.attention_weight=0, or train without torchrun."
        )


def _go_on_from(model: MatchingModel, start: MatchingModel) -> None:
    """Take over all weights of a model of the same sizes."""
    state = start.state_dict()
    fresh = {name: own for name, own in model.state_dict().items() if name in _FRESH - set(state)}
    try:
        model.load_state_dict(fresh | state)
    except RuntimeError:
        raise ConfigError(
            "the model to start from has other sizes than the recipe's; they must be the same, and "
            "training.feature_rank must be 0. Choose the recipe it was trained with."
        ) from None

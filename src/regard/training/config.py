"""What a training run is made of: sizes and scoring of the model, and how it is trained.

Order of precedence: the defaults here, then a recipe file, then `--set section.name=value`.
"""

import importlib.resources
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from regard.config import apply_settings, build, read_toml
from regard.core.model_config import ModelConfig
from regard.core.scoring import Negatives
from regard.errors import ConfigError

DEFAULT_RECIPE = "flickr8k"
_COSINE_FLOOR = 0.02  # the cosine schedule ends at this share of the learning rate


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained. The one place where these defaults stand: SCAN's own."""

    epochs: int = 30
    batch_size: int = 128
    """Pairs of a photo and a caption in a step; each pair's negatives come from its batch."""
    learning_rate: float = 2e-4
    text_rate: float = 0.1
    """Factor of the learning rate for a transformer that reads captions; 0 keeps it frozen."""
    layer_decay: float = 1.0
    """A further factor, from each of its layers to the one below."""
    schedule: Literal["step", "cosine"] = "step"
    """step: a tenth after every `decay_epochs`; cosine: down to a fiftieth at the end."""
    decay_epochs: int = 15
    warmup_steps: int = 0
    """Steps over which the learning rate rises from zero."""
    weight_decay: float = 0.0
    """Decoupled (AdamW); with 0 the optimizer is Adam."""
    clip_norm: float = 2.0
    """Largest norm of the whole gradient."""
    margin: float = 0.2
    negatives: Negatives = "hardest"
    mask_same_photo: bool = False
    """Never use a caption of the same photo as a negative; the official code does."""
    triplet_weight: float = 1.0
    """Factor of the triplet loss, which is summed over the batch."""
    contrastive_weight: float = 0.0
    """Factor of the contrastive loss of the mean-pooled vectors, a mean over the batch."""
    attention_weight: float = 0.0
    """Factor of the contrastive loss of the model's own similarities, of all pairs of a batch."""
    attention_temperature: float = 0.05
    """What these similarities are divided by."""
    contrastive_epochs: int = 0
    """First epochs with the contrastive loss alone, so that hardest negatives cannot collapse
    the space."""
    sum_epochs: int = 0
    """First epochs with all negatives of a batch in the triplet loss, for the same reason."""
    word_dropout: float = 0.0
    """Share of words replaced by <unk> while training."""
    region_dropout: float = 0.0
    """Share of regions left out while training."""
    standardize: bool = False
    """Subtract the training features' mean and divide by their deviation."""
    feature_rank: int = 0
    """Principal components of the standardised features to train on; 0 uses whole features.
    The saved model reads whole features either way."""
    label_classes: str = ""
    """Folder of the classes that regions are labelled with, for models with labels; empty keeps
    those of the model that training starts from."""
    captions_per_photo: int = 1
    """Captions of a photo in the same batch, which share its embedded regions."""
    average_decay: float = 0.0
    """Validate and keep a running average of the weights with this decay; 0 keeps the weights."""
    precision: Literal["float32", "tf32", "bfloat16", "float16", "fast"] = "float32"
    """Precision of the encoders and of finding hardest negatives; fast is whichever is faster on
    this machine. The rest is float32. tf32 is for graphics cards. float16 scales the loss."""
    min_count: int = 4
    """A word must be seen this often in train and val captions to enter the vocabulary."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges; names are those of the recipe."""
        for name in ("epochs", "batch_size", "decay_epochs", "min_count", "captions_per_photo"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "clip_norm", "attention_temperature"):
            self._require(name, getattr(self, name) > 0, "above 0")
        self._require("layer_decay", 0 < self.layer_decay <= 1, "above 0 and at most 1")
        for name in ("word_dropout", "region_dropout", "average_decay"):
            self._require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        for name in (
            "text_rate",
            "warmup_steps",
            "weight_decay",
            "margin",
            "triplet_weight",
            "contrastive_weight",
            "attention_weight",
            "contrastive_epochs",
            "sum_epochs",
            "feature_rank",
            "seed",
        ):
            self._require(name, getattr(self, name) >= 0, "at least 0")
        self._require("batch_size", self.batch_size >= 2, "at least 2, for there to be negatives")
        if self.contrastive_epochs:
            self._require("contrastive_weight", self.contrastive_weight > 0, "above 0 to warm up")

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Learning rate of a step, counted from 0 over the whole run."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if self.schedule == "step":
            decays = (step // steps_per_epoch) // self.decay_epochs
            return float(self.learning_rate * warm * 0.1**decays)
        cosine = 0.5 * (1 + math.cos(math.pi * step / (steps_per_epoch * self.epochs)))
        return self.learning_rate * warm * (_COSINE_FLOOR + (1 - _COSINE_FLOOR) * cosine)

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise ConfigError(
                f"training.{name} is {getattr(self, name)!r}; it must be {wanted}. "
                "Correct the recipe or the --set option."
            )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named way to train a model."""

    about: str = ""
    """What it is for, in a sentence."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        """Refuse what cannot stand on a backbone."""
        model = self.model
        sizes = {model.embed_dim, model.state_dim, model.feature_dim - 1}
        fits = model.word_encoding == "states" and not model.labels and len(sizes) == 1
        if model.backbone and not fits:
            raise ConfigError(
                f"model.backbone is {model.backbone!r}; with one, model.word_encoding must be "
                "'states', model.labels false, and model.embed_dim, model.state_dim and "
                "model.feature_dim - 1 the same. Correct the recipe or the --set option."
            )


def recipe_names() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = importlib.resources.files("regard") / "recipes"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name[-5:] == ".toml")


def load_recipe(name_or_file: str = DEFAULT_RECIPE, settings: Sequence[str] = ()) -> Recipe:
    """A shipped recipe by name, or one from a TOML file, with settings laid over it.

    Raises:
        ConfigError: no such recipe, or something in it is unknown or out of range.
    """
    path = Path(name_or_file)
    if not path.suffix:
        path = Path(str(importlib.resources.files("regard"))) / "recipes" / f"{name_or_file}.toml"
        if not path.is_file():
            raise ConfigError(
                f"recipe is {name_or_file!r}; it must be a .toml file or one of "
                f"{', '.join(recipe_names())}. Choose one."
            )
    return build(Recipe, apply_settings(read_toml(path), settings))

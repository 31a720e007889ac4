"""Sizes of the network, and how it scores. Knows numbers only: no framework, no files."""

from dataclasses import dataclass, field
from typing import Literal

from regard.core.scoring import Scoring
from regard.errors import ConfigError

LIKELIEST = 10
"""Labels of a region that are kept: the likeliest ones."""


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """A transformer that reads captions; all but name and dropout follow from its folder."""

    name: str = "google-bert/bert-base-uncased"
    """Folder in the hub's layout, name on the hub (`regard models get`), or minilm, which comes
    with `regard[train]`; of kind bert."""
    dim: int = 768
    """Numbers of a piece's state."""
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    """Width of the layers' inner half."""
    pieces: int = 30522
    """Pieces of words it knows."""
    places: int = 512
    """Most pieces of a caption."""
    kinds: int = 2
    """Kinds of sentences, of which captions are the first."""
    dropout: float = 0.1
    """Share of states and attention weights that are dropped while it learns."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of the network and how it scores. The one place where these defaults stand."""

    feature_dim: int = 2048
    """F, numbers a region brings from its extractor."""
    embed_dim: int = 1024
    """D, size of the joint space."""
    word_dim: int = 300
    """Size of the learned word embeddings the GRU reads."""
    bidirectional: bool = True
    """Read captions both ways and average the two states (eq. 8 of section 3.2)."""
    word_encoding: Literal["gru", "last", "states", "transformer"] = "gru"
    """gru: learned embeddings read by a GRU (SCAN); last: the GRU's last state stands for every
    word (VSE++, with the pooled scorer); states: frozen states of a pretrained sentence encoder,
    projected, beside a learned embedding; transformer: states of one that is fine-tuned
    (`[model.text]`), the mean of a word's pieces, projected."""
    state_dim: int = 384
    """Numbers of a word's state in the sentence encoder."""
    backbone: str = ""
    """Name or folder of a pretrained backbone whose frozen regions and words the model uses:
    its words are the states, and linear maps begin as the identity, perceptrons at zero. Sizes
    follow from it (`regard train --backbone`)."""
    word_hidden: int = 768
    """Hidden units of the perceptron on those states."""
    word_weights: bool = False
    """Leave out words that name nothing; needs states. In t2i the others are weighted by a learned
    form of their states, and a caption's vectors sum to one of length 1 (pooling: weighted)."""
    whole_weight: float = 0.0
    """Weight of the whole sentence, which attends as one more word before the others; theirs sum
    to the rest. Needs `word_weights`."""
    labels: bool = False
    """Add to regions the names of what a fixed classifier takes them for; needs states."""
    label_dropout: float = 0.0
    """Share of photos that lose their labels while training."""
    region_mlp: bool = False
    """Add a two-layer perceptron beside the linear map of regions (as in VSE-infinity)."""
    gpo: bool = False
    """Pool regions and words by learned weights of their values in order of size (VSE-infinity);
    each comes as its part of the pooled vector. Needs the pooled scorer."""
    aspects: int = 256
    """Numbers of a similarity vector (sgr, saf)."""
    reasoning_steps: int = 3
    """How often similarity vectors inform each other (sgr)."""
    dropout: float = 0.0
    """Share of word embedding entries dropped while training."""
    feature_dropout: float = 0.0
    """Share of region feature entries dropped before the perceptron while training."""
    text: TextConfig = field(default_factory=TextConfig)
    """The transformer that reads captions, where one does."""
    scoring: Scoring = field(default_factory=Scoring)
    """How regions and words become a similarity."""

    def __post_init__(self) -> None:
        """Refuse sizes no network can have."""
        sizes = ("feature_dim", "embed_dim", "word_dim", "state_dim", "word_hidden")
        for name in (*sizes, "aspects", "reasoning_steps"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("dropout", "feature_dropout", "label_dropout", "whole_weight"):
            self._require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        if self.word_encoding != "states":
            self._require("labels", not self.labels, "false without word_encoding='states'")
            self._require("word_weights", not self.word_weights, "false without these states")
        if self.gpo:
            wanted = "false but with scoring.scorer='pooled', without labels and word_weights"
            plain = self.word_encoding != "last" and not (self.labels or self.word_weights)
            self._require("gpo", self.scoring.scorer == "pooled" and plain, wanted)
        if not self.word_weights:
            self._require("whole_weight", not self.whole_weight, "0 without word_weights")

    @property
    def weighs_words(self) -> bool:
        """Whether words have learned weights."""
        return self.word_weights and self.scoring.direction == "t2i"

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise ConfigError(
                f"model.{name} is {getattr(self, name)}; it must be {wanted}. "
                "Correct the recipe or the --set option."
            )

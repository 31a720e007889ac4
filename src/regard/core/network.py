"""The network: regions and words embedded in one space (Lee et al. 2018, sections 3.2-3.3).

Knows tensors of features and word ids. Knows nothing of photos, tokenisation, training or files.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.core.attention import l2norm
from regard.core.model_config import LIKELIEST, ModelConfig
from regard.core.pooling import Pooler
from regard.core.reasoner import Reasoner
from regard.core.scoring import EPS
from regard.core.transformer import TransformerEncoder
from regard.device import put
from regard.shapes import Bool, Float, Int


class RegionEncoder(nn.Module):
    """Region features to unit vectors: standardise, project, normalise."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.feature_dim, config.embed_dim)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.mlp = (
            nn.Sequential(
                nn.Dropout(config.feature_dropout),
                nn.Linear(config.feature_dim, config.embed_dim),
                nn.ReLU(),
                nn.Linear(config.embed_dim, config.embed_dim),
            )
            if config.region_mlp
            else None
        )
        self.register_buffer("mean", torch.zeros(config.feature_dim))
        self.register_buffer("deviation", torch.ones(config.feature_dim))
        self.labels = Labels(config) if config.labels else None
        self.pooler = Pooler() if config.gpo else None

    def forward(
        self,
        features: Float[Tensor, "*batch feature"],
        names: Float[Tensor, "label dim"] | None = None,
        counts: Int[Tensor, " photo"] | None = None,
    ) -> Float[Tensor, "*batch dim"]:
        """Embed raw features; a vector that embeds to exactly zero stays zero.

        Args:
            names: word vectors of the labels' names, where the model has labels.
            counts: regions of each photo, where the model pools them; on the processor.
        """
        standard = (features - self.mean) / self.deviation
        embedded = self.project(standard).float()
        if self.pooler is not None:
            parts: Tensor = self.pooler(embedded, counts)
            return parts
        unit: Tensor = l2norm(embedded, -1)
        return unit if names is None else self.label(unit, standard, names)

    def label(
        self,
        vectors: Float[Tensor, "*batch dim"],
        standard: Float[Tensor, "*batch feature"],
        names: Float[Tensor, "label dim"],
    ) -> Float[Tensor, "*batch dim"]:
        """Unit vectors of regions with the names of what they look like."""
        assert self.labels is not None
        labelled: Tensor = l2norm(vectors + self.labels(standard, names), -1)
        return labelled

    def project(self, standard: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch dim"]:
        """Standardised features into the joint space, not yet of length 1."""
        embedded: Tensor = self.linear(standard)
        return embedded if self.mlp is None else embedded + self.mlp(standard)


class Labels(nn.Module):
    """What a fixed classifier takes regions for, in the words of its classes.

    A region gets the sum of p_c e_c over its ten likeliest classes c, e_c being the word vector of
    the class's name less the mean of all (ConSE: Norouzi et al. 2013), times a learned gain.
    """

    weight: Tensor
    bias: Tensor
    states: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))
        self.dropout = config.label_dropout
        weight, states = (torch.zeros(1, n) for n in (config.feature_dim, config.state_dim))
        self.classify(weight, torch.zeros(1), states)

    def classify(
        self,
        weight: Float[Tensor, "label feature"],
        bias: Float[Tensor, " label"],
        states: Float[Tensor, "label state"],
    ) -> None:
        """Take a classifier of standardised features and the word states of its classes' names.

        They are the extractor's and kept beside a model, not among its weights.
        """
        for name, values in (("weight", weight), ("bias", bias), ("states", states)):
            self.register_buffer(name, values, persistent=False)

    def forward(
        self, standard: Float[Tensor, "*batch feature"], names: Float[Tensor, "label dim"]
    ) -> Float[Tensor, "*batch dim"]:
        """The part that labels add to regions, of standardised features."""
        logits = F.linear(standard, self.weight.to(standard.dtype)).float() + self.bias
        likely, which = torch.softmax(logits, -1).topk(min(LIKELIEST, logits.shape[-1]), -1)
        weights = torch.zeros_like(logits).scatter_(-1, which, likely)
        part = weights @ (self.gain * (names - names.mean(0)))
        if self.training and self.dropout:  # of whole photos: the first axis
            kept = torch.rand(len(part), device=part.device) >= self.dropout
            part = part * kept.view(-1, *[1] * (part.dim() - 1))
        return part


class WordEncoder(nn.Module):
    """Word ids to unit vectors, one a word, each aware of its sentence.

    With `word_encoding="last"` all words of a caption have the same vector, that of the caption.
    """

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, config.word_dim)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        self.dropout = nn.Dropout(config.dropout)
        both, self.last = config.bidirectional, config.word_encoding == "last"
        self.rnn = nn.GRU(config.word_dim, config.embed_dim, batch_first=True, bidirectional=both)
        self.pooler = Pooler() if config.gpo else None

    def forward(
        self,
        word_ids: Int[Tensor, "cap word"],
        lengths: Int[Tensor, " cap"],
        states: None = None,  # noqa: ARG002 - what the other encoder of words takes
        naming: Bool[Tensor, "cap word"] | None = None,  # noqa: ARG002 - likewise
    ) -> Float[Tensor, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros.

        Args:
            lengths: on the processor, wherever the rest lies.
        """
        inputs = self.dropout(self.embed(word_ids))
        order = lengths.argsort(descending=True, stable=True)  # longest first, as it is packed
        by, back = (put(places, inputs.device) for places in (order, order.argsort()))
        read, final = self.rnn(pack_padded_sequence(inputs[by], lengths[order], batch_first=True))
        read, _ = pad_packed_sequence(read, batch_first=True, total_length=word_ids.shape[1])
        if self.last:
            read = final.mean(0)[:, None] * read.any(-1, keepdim=True)  # where a word is real
        elif self.rnn.bidirectional:
            onwards, backwards = read.chunk(2, dim=-1)
            read = (onwards + backwards) / 2
        if self.pooler is not None:
            parts: Tensor = self.pooler(read.float()[back], lengths)
            return parts
        unit: Tensor = l2norm(read.float(), dim=-1)[back]
        return unit


class StateEncoder(nn.Module):
    """Word states of a pretrained sentence encoder to unit vectors, one a word.

    The states know their sentence already, so nothing here reads along it; a word the
    vocabulary lacks still has its state.
    """

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, config.embed_dim)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(config.state_dim, config.embed_dim)
        self.mlp = nn.Sequential(
            nn.Linear(config.state_dim, config.word_hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.word_hidden, config.embed_dim),
        )
        self.pooler = Pooler() if config.gpo else None
        self.names_only, self.whole_weight = config.word_weights, config.whole_weight
        self.weigh = nn.Linear(config.state_dim, 1, bias=False) if config.weighs_words else None
        if self.weigh is not None:
            nn.init.zeros_(self.weigh.weight)

    def forward(
        self,
        word_ids: Int[Tensor, "cap word"],
        lengths: Int[Tensor, " cap"],
        states: Float[Tensor, "cap word state"],
        naming: Bool[Tensor, "cap word"] | None = None,
    ) -> Float[Tensor, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros.

        Args:
            lengths: on the processor, wherever the rest lies.
            naming: words that name something, where only these count; the rest become zeros.
        """
        there = torch.arange(word_ids.shape[1]) < lengths[:, None]
        real = put(there.flatten().nonzero()[:, 0], word_ids.device)
        inputs = states.flatten(0, 1)[real].float()  # (real words, state): padding costs nothing
        learned = self.dropout(self.embed(word_ids.flatten()[real]))
        embedded: Tensor = self.linear(inputs) + self.mlp(inputs) + learned
        found: Tensor = embedded.float()
        found = found if self.pooler else l2norm(found, dim=-1)
        units = found.new_zeros(word_ids.numel(), found.shape[1]).index_copy(0, real, found)
        units = units.view(*word_ids.shape, -1)
        if self.pooler is not None:
            parts: Tensor = self.pooler(units, lengths)
            return parts
        if not self.names_only:
            return units
        assert naming is not None  # models that leave words out are given it
        first = torch.zeros_like(naming)
        first[:, 0] = True  # where a caption starts, the state is of all of it
        if self.weigh is None:
            return units * (naming | (first & (self.whole_weight > 0)))[..., None]
        logits = self.weigh(states.float())[..., 0].float().masked_fill(~naming, -torch.inf)
        weights = torch.softmax(logits, -1) * (1 - self.whole_weight) + first * self.whole_weight
        weighted = units * weights[..., None]
        lengths = torch.linalg.vector_norm(weighted.sum(1), dim=-1).clamp_min(EPS)
        return weighted / lengths[:, None, None]

    def names(self, states: Float[Tensor, "label state"]) -> Float[Tensor, "label dim"]:
        """Unit vectors of what has a state and no place in a sentence."""
        unit: Tensor = l2norm((self.linear(states) + self.mlp(states)).float(), dim=-1)
        return unit


class MatchingModel(nn.Module):
    """Both encoders; the configuration says how their vectors are scored."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.regions = RegionEncoder(config)
        self.words: WordEncoder | StateEncoder | TransformerEncoder
        if config.word_encoding == "transformer":
            self.words = TransformerEncoder(config)
        else:
            kind = StateEncoder if self.needs_states else WordEncoder
            self.words = kind(config, vocab_size)
        self.reasoner = Reasoner(config) if config.scoring.is_learned else None

    def label_names(self) -> Float[Tensor, "label dim"] | None:
        """Word vectors of the labels' names; None without labels."""
        if self.regions.labels is None:
            return None
        assert isinstance(self.words, StateEncoder)
        return self.words.names(self.regions.labels.states)

    @property
    def needs_states(self) -> bool:
        """Whether captions come with states of the sentence encoder, or with pieces."""
        return self.config.word_encoding in ("states", "transformer")

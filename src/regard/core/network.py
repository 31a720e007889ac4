"""The network: regions and words embedded in one space (Lee et al. 2018, sections 3.2-3.3).

Knows tensors of features and word ids. Knows nothing of photos, tokenisation, training or files.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.core.attention import l2norm
from regard.core.model_config import ModelConfig


class RegionEncoder(nn.Module):
    """Region features to unit vectors: standardise, project, normalise."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.feature_dim, config.embed_dim)
        bound = math.sqrt(6.0 / (config.feature_dim + config.embed_dim))
        nn.init.uniform_(self.linear.weight, -bound, bound)
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

    def forward(self, features: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch dim"]:
        """Embed raw features; a vector that embeds to exactly zero stays zero."""
        unit: Tensor = l2norm(self.project((features - self.mean) / self.deviation).float(), -1)
        return unit

    def project(self, standard: Float[Tensor, "*batch feature"]) -> Float[Tensor, "*batch dim"]:
        """Standardised features into the joint space, not yet of length 1."""
        embedded: Tensor = self.linear(standard)
        return embedded if self.mlp is None else embedded + self.mlp(standard)


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

    def forward(
        self,
        word_ids: Int[Tensor, "cap word"],
        lengths: Int[Tensor, " cap"],
        states: None = None,  # noqa: ARG002 - what the other encoder of words takes
    ) -> Float[Tensor, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros."""
        inputs = self.dropout(self.embed(word_ids))
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        read, final = self.rnn(packed)
        read, _ = pad_packed_sequence(read, batch_first=True, total_length=word_ids.shape[1])
        if self.last:
            read = final.mean(0)[:, None] * read.any(-1, keepdim=True)  # where a word is real
        elif self.rnn.bidirectional:
            onwards, backwards = read.chunk(2, dim=-1)
            read = (onwards + backwards) / 2
        unit: Tensor = l2norm(read.float(), dim=-1)
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

    def forward(
        self,
        word_ids: Int[Tensor, "cap word"],
        lengths: Int[Tensor, " cap"],
        states: Float[Tensor, "cap word state"],
    ) -> Float[Tensor, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros."""
        positions = torch.arange(word_ids.shape[1], device=word_ids.device)
        real = positions[None, :] < lengths[:, None]
        inputs = states[real].float()  # (real words, state): padding costs nothing
        learned = self.dropout(self.embed(word_ids[real]))
        embedded: Tensor = self.linear(inputs) + self.mlp(inputs) + learned
        found = embedded.new_zeros((*real.shape, embedded.shape[-1]), dtype=torch.float32)
        return found.masked_scatter(real[..., None], l2norm(embedded.float(), dim=-1))


class MatchingModel(nn.Module):
    """Both encoders; the configuration says how their vectors are scored."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.regions = RegionEncoder(config)
        words = StateEncoder if self.needs_states else WordEncoder
        self.words = words(config, vocab_size)

    @property
    def needs_states(self) -> bool:
        """Whether captions come with states of the sentence encoder."""
        return self.config.word_encoding == "states"

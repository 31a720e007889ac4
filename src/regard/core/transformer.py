"""Captions read by a pretrained transformer that learns along (BERT: Devlin et al. 2019)."""

from typing import Any

import torch
from torch import Tensor, nn

from regard.core.attention import l2norm
from regard.core.model_config import ModelConfig, TextConfig
from regard.core.pooling import Pooler
from regard.extras import bring
from regard.shapes import Bool, Float, Int


class TransformerEncoder(nn.Module):
    """Pieces of captions to unit vectors, one a word: the mean of its pieces' states, projected.

    <start> and <end> are [CLS] and [SEP]. The transformer begins with random weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.bert: nn.Module = _bert(config.text)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(config.text.dim, config.embed_dim)
        self.pooler = Pooler() if config.gpo else None

    def train(self, mode: bool = True) -> "TransformerEncoder":
        """To learn, or not; a transformer that does not learn drops nothing either."""
        super().train(mode)
        self.bert.train(mode and any(weight.requires_grad for weight in self.bert.parameters()))
        return self

    def forward(
        self,
        word_ids: Int[Tensor, "cap word"],
        lengths: Int[Tensor, " cap"],
        states: Int[Tensor, "cap piece 2"],
        naming: Bool[Tensor, "cap word"] | None = None,  # noqa: ARG002 - as other encoders
    ) -> Float[Tensor, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros.

        Args:
            word_ids: tell how many words there are, and no more.
            lengths: on the processor, wherever the rest lies.
            states: of each piece its number and which word it is of, -1 past a caption's end.
        """
        ids, of_word = states.long().unbind(-1)
        real = of_word >= 0
        read = self.bert(input_ids=ids, attention_mask=real[:, None, None]).last_hidden_state
        words = torch.arange(word_ids.shape[1], device=ids.device)
        mine = of_word[:, None] == words[:, None]  # (cap, word, piece)
        count = mine.sum(-1, keepdim=True)
        means = mine.to(read.dtype) @ read / count.clamp_min(1)
        embedded = self.linear(self.dropout(means)).float() * (count > 0)
        if self.pooler is not None:
            parts: Tensor = self.pooler(embedded, lengths)
            return parts
        unit: Tensor = l2norm(embedded, dim=-1)
        return unit


def _bert(text: TextConfig) -> Any:
    """Transformers' own network of these sizes.

    Raises:
        ConfigError: transformers is missing.
    """
    transformers = bring("transformers", "backbones", "a model whose captions a transformer reads")
    config = transformers.BertConfig(
        vocab_size=text.pieces,
        hidden_size=text.dim,
        num_hidden_layers=text.layers,
        num_attention_heads=text.heads,
        intermediate_size=text.inner,
        max_position_embeddings=text.places,
        type_vocab_size=text.kinds,
        hidden_dropout_prob=text.dropout,
        attention_probs_dropout_prob=text.dropout,
        attn_implementation="sdpa",
    )
    return transformers.BertModel(config, add_pooling_layer=False)

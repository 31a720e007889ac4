"""Sentences, as people write them, to embedded words.

Joins the tokenizer, a vocabulary, a sentence encoder's states and the encoder of words.
"""

import importlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from regard.core.model_config import ModelConfig
from regard.errors import DataError
from regard.kernels.workers import one_product_a_thread
from regard.model.encoded import EncodedCaptions
from regard.model.encoders import StateEncoder, WordEncoder
from regard.model.recurrence import Weights
from regard.model.transformer import TransformerEncoder
from regard.progress import Progress
from regard.words.pieces import CaptionPieces, Pieces
from regard.words.special import END, START, WHOLE
from regard.words.states import OWN, WordSource, padded_states
from regard.words.tokens import tokenize
from regard.words.vocabulary import Vocabulary

States = Callable[[Sequence[Sequence[str]]], np.ndarray]
"""Gives word states of tokenised sentences, padded."""
_FEW = 16  # sentences that are not worth a second thread


def word_source(config: ModelConfig) -> WordSource:
    """What knows a model's words in their sentence.

    Raises:
        CheckpointError: the backbone that the model stands on is not on this machine.
    """
    if not config.backbone:
        return OWN
    above: Any = importlib.import_module("regard.backbones.states")  # a room above this one
    source: WordSource = above.load_states(config.backbone)
    return source


def states_for(config: ModelConfig, tokenizer: str) -> States:
    """Padded states of captions for a model, or pieces where a transformer reads them.

    What gives states is loaded when they are asked for.

    Args:
        tokenizer: of such a model, as its checkpoint keeps it.
    """
    if config.word_encoding == "transformer":
        return CaptionPieces(Pieces(tokenizer), config.text.places)
    return lambda captions: padded_states(captions, word_source(config))


class CaptionEncoder:
    """What turns sentences into embedded words.

    Args:
        states: asked only by models that need them.
        encoder: of words; None takes the one without a framework.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        vocabulary: Vocabulary,
        states: States,
        encoder: Callable[..., np.ndarray] | None = None,
    ) -> None:
        self._vocabulary, self._states, self._dim = vocabulary, states, config.embed_dim
        self._whole = config.whole_weight > 0
        self._needs_states = config.word_encoding in ("states", "transformer")
        self._encoder = encoder or _encoder_of(config, weights)

    def __call__(
        self, sentences: Sequence[str], batch_size: int, progress: Progress
    ) -> EncodedCaptions:
        """Embed sentences, those of like length together.

        Raises:
            DataError: there is no sentence, or one has no word.
        """
        words = [tokenize(sentence) for sentence in sentences]
        ids, lengths, naming = self._vocabulary.encode(words)
        if not len(lengths):
            raise DataError("sentences are empty; there must be at least one. Give a sentence.")
        vectors = np.zeros((*ids.shape, self._dim), np.float32)
        order = lengths.argsort(kind="stable")
        with one_product_a_thread() if len(words) <= _FEW else nullcontext():
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                longest = int(lengths[rows].max())
                part = ids[rows, :longest], lengths[rows]
                if self._needs_states:
                    states = self._states([words[row] for row in rows])
                    vectors[rows, :longest] = self._encoder(*part, states, naming[rows, :longest])
                else:
                    vectors[rows, :longest] = self._encoder(*part)
                progress(start + len(rows), len(order))
        first = WHOLE if self._whole else START
        full = tuple((first, *row, END) for row in words)
        return EncodedCaptions(vectors, lengths, full)


def _encoder_of(config: ModelConfig, weights: Weights) -> Callable[..., np.ndarray]:
    if config.word_encoding == "transformer":
        return TransformerEncoder(weights, config.text.heads)
    if config.word_encoding != "states":
        return WordEncoder(weights, last=config.word_encoding == "last")
    return StateEncoder(weights, names_only=config.word_weights, whole_weight=config.whole_weight)

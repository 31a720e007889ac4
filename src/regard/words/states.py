"""Words in the light of their sentence: frozen states of a small pretrained sentence encoder.

Each word of an already tokenised sentence gets the mean state of its pieces, <start> and <end>
those of [CLS] and [SEP]. Knows nothing of vocabularies or matching: every word in any spelling has
a state.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors.numpy import load_file

from regard.errors import CheckpointError
from regard.shapes import Float
from regard.words.encoder import DIM, MOST_PIECES, SentenceEncoder
from regard.words.function_words import lacks_article, picture_opening
from regard.words.pieces import Pieces

STATE_DIM = DIM
ENCODER = Path(__file__).parents[1] / "weights/sentence_encoder"
_AT_ONCE = 1024  # pieces encoded together, or one sentence


class WordSource(Protocol):
    """What knows words in their sentence."""

    @property
    def dim(self) -> int:
        """Numbers of a state."""

    @property
    def identity(self) -> list[str]:
        """Changes when the states do."""

    def __call__(
        self, captions: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Float[np.ndarray, "word state"]]]:
        """States of tokenised captions, <start> and <end> included, in no particular order."""


class WordStates:
    """The sentence encoder with its pieces of words.

    Words beyond the encoder's 510 pieces have zeros. So has a first "a photo of", without which
    the rest is read: it names nothing and would colour what does. A single word is read as
    "a ...", for the encoder learned sentences.

    Args:
        folder: weights.safetensors and tokenizer.json, as they come with Regard.

    Raises:
        CheckpointError: a file is missing or damaged.
    """

    def __init__(self, folder: Path = ENCODER) -> None:
        try:
            self._pieces = Pieces(folder / "tokenizer.json")
            self._encoder = SentenceEncoder(load_file(folder / "weights.safetensors"))
        except Exception as error:  # noqa: BLE001 - tokenizers and safetensors raise their own kinds
            raise CheckpointError(
                f"sentence encoder in {str(folder)!r} cannot be read ({error}); it comes with "
                "Regard and must be whole. Install Regard again."
            ) from None

    def __call__(
        self, captions: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Float[np.ndarray, "word 384"]]]:
        """States of tokenised captions, <start> and <end> included.

        Returns:
            Number of a caption and its states, float32, in no particular order.
        """
        openings = [picture_opening(words) for words in captions]
        read = [words[start:] for words, start in zip(captions, openings, strict=True)]
        articles = [["a"] * lacks_article(words) for words in read]
        pieces = [
            [self._pieces.of(word) for word in (*article, *words)]
            for article, words in zip(articles, read, strict=True)
        ]
        lengths = [min(sum(map(len, words)) + 2, MOST_PIECES) for words in pieces]
        for rows in _batches(lengths):
            ids = [self._ids(pieces[row]) for row in rows]
            counts = np.array([lengths[row] for row in rows])
            states = self._encoder(np.concatenate(ids), counts)
            for row, own in zip(rows, np.split(states, counts.cumsum()[:-1]), strict=True):
                of_words = _per_word(own, [len(word) for word in pieces[row]])
                of_words = np.delete(of_words, 1, axis=0) if articles[row] else of_words
                yield row, np.insert(of_words, [1] * openings[row], 0, axis=0)

    def _ids(self, pieces: list[list[int]]) -> list[int]:
        own = [number for word in pieces for number in word][: MOST_PIECES - 2]
        return [self._pieces.begin, *own, self._pieces.end]


class _OwnEncoder:
    """The encoder that comes with Regard, loaded when a state is asked for."""

    dim = STATE_DIM

    @property
    def identity(self) -> list[str]:
        files = sorted(ENCODER.iterdir())
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        return [*digests, "openings apart", "single words with an article"]

    def __call__(
        self, captions: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Float[np.ndarray, "word 384"]]]:
        return load_word_states()(captions)


OWN: WordSource = _OwnEncoder()


def padded_states(
    captions: Sequence[Sequence[str]], source: WordSource = OWN
) -> Float[np.ndarray, "cap word state"]:
    """States of tokenised captions in their order, padded with zeros, float32."""
    out = np.zeros((len(captions), max(map(len, captions)) + 2, source.dim), np.float32)
    for row, states in source(captions):
        out[row, : len(states)] = states
    return out


@lru_cache(maxsize=1)
def load_word_states() -> WordStates:
    """The encoder, loaded on first use and kept."""
    return WordStates()


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Rows of captions to be encoded together, the shortest first."""
    rows: list[int] = []
    total = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and total + lengths[row] > _AT_ONCE:
            yield rows
            rows, total = [], 0
        rows.append(row)
        total += lengths[row]
    if rows:
        yield rows


def _per_word(
    states: Float[np.ndarray, "piece 384"], counts: list[int]
) -> Float[np.ndarray, "word 384"]:
    """Mean state of each word's pieces, between those of [CLS] and [SEP]."""
    out = np.zeros((len(counts) + 2, STATE_DIM), np.float32)
    out[0], out[-1] = states[0], states[-1]
    start = 1
    for word, count in enumerate(counts, 1):
        own = states[start : min(start + count, len(states) - 1)]
        if len(own):
            out[word] = own.mean(axis=0)
        start += count
    return out

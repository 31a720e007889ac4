"""Word states of a data set's captions, kept on disk: training reads them again every epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from regard.store.artefact import made_once
from regard.store.shards import digest
from regard.words.states import ENCODER, STATE_DIM, load_word_states

_STATES = "states.f16"


class StateTable:
    """States of captions, made once and kept as float16.

    Args:
        captions: tokenised captions.
        folder: keeps them.
        name: what they are called there; one of that name made from other
            captions, or by another encoder, is replaced.
    """

    def __init__(self, captions: Sequence[Sequence[str]], folder: Path, name: str) -> None:
        lengths = np.array([len(words) + 2 for words in captions])
        self._starts = np.concatenate([[0], lengths.cumsum()])
        self._row_of = {tuple(words): row for row, words in enumerate(captions)}

        def make(place: Path) -> None:
            shape = (int(self._starts[-1]), STATE_DIM)
            table = np.memmap(place / _STATES, np.float16, "w+", shape=shape)
            for row, states in load_word_states()(captions):
                table[self._starts[row] : self._starts[row + 1]] = states
            table.flush()

        encoder = [digest(file) for file in sorted(ENCODER.iterdir())]
        place = made_once(folder, name, [encoder, [list(words) for words in captions]], make)
        self._states = np.memmap(place / _STATES, np.float16, "r").reshape(-1, STATE_DIM)

    def __call__(self, captions: Sequence[Sequence[str]]) -> Float[np.ndarray, "cap word 384"]:
        """States of some of its captions, found by their words; float16, padded with zeros."""
        return self.gather(np.array([self._row_of[tuple(words)] for words in captions]))

    def gather(self, rows: Int[np.ndarray, " cap"]) -> Float[np.ndarray, "cap word 384"]:
        """States of some captions, padded with zeros, float16."""
        starts, ends = self._starts[rows], self._starts[rows + 1]
        out = np.zeros((len(rows), int((ends - starts).max()), STATE_DIM), np.float16)
        for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
            out[place, : end - start] = self._states[start:end]
        return out

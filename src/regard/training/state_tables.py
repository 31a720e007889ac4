"""Word states of a data set's captions, kept on disk: training reads them again every epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from regard.core.padding import pad
from regard.shapes import Bool, Float, Int
from regard.store.artefact import made_once
from regard.words.states import OWN, WordSource

_STATES = "states.f16"


class StateTable:
    """States of captions, made once and kept as float16.

    Args:
        captions: tokenised captions.
        folder: keeps them.
        name: what they are called there; one of that name made from other
            captions, or by another encoder, is replaced.
        source: gives the states.
    """

    def __init__(
        self,
        captions: Sequence[Sequence[str]],
        folder: Path,
        name: str,
        source: WordSource = OWN,
    ) -> None:
        lengths = np.array([len(words) + 2 for words in captions])
        self._starts = np.concatenate([[0], lengths.cumsum()])
        self._row_of = {tuple(words): row for row, words in enumerate(captions)}

        def make(place: Path) -> None:
            shape = (int(self._starts[-1]), source.dim)
            table = np.memmap(place / _STATES, np.float16, "w+", shape=shape)
            for row, states in source(captions):
                table[self._starts[row] : self._starts[row + 1]] = states
            table.flush()

        made_from = [source.identity, [list(words) for words in captions]]
        place = made_once(folder, name, made_from, make)
        self._states = np.memmap(place / _STATES, np.float16, "r").reshape(-1, source.dim)

    def __call__(self, captions: Sequence[Sequence[str]]) -> Float[np.ndarray, "cap word state"]:
        """States of some of its captions, found by their words; float16, padded with zeros."""
        return self.gather(np.array([self._row_of[tuple(words)] for words in captions]))

    def without(
        self, states: Float[Tensor, "cap word state"], dropped: Bool[Tensor, "cap word"]
    ) -> Float[Tensor, "cap word state"]:
        """The same with zeros for some words."""
        return states.masked_fill(dropped[..., None], 0)

    def gather(self, rows: Int[np.ndarray, " cap"]) -> Float[np.ndarray, "cap word state"]:
        """States of some captions, padded with zeros, float16."""
        spans = (self._starts[row : row + 2] for row in rows)
        return pad([self._states[start:end] for start, end in spans], np.float16)[0]

"""Words of a backbone as the states that a model's own heads are trained on."""

from collections.abc import Iterator, Sequence

import numpy as np

from regard.backbones.extractor import identity_of
from regard.backbones.loading import Loaded, load_backbone
from regard.backbones.settings import Choice
from regard.shapes import Float

_AT_ONCE = 256  # captions


class BackboneStates:
    """A backbone as a source of word states.

    A word's state is its unit vector; <start> and <end> have that of the whole sentence, which is
    read as its words with spaces between.

    Args:
        choice: how the backbone was asked for.
        loaded: it.
    """

    def __init__(self, choice: Choice, loaded: Loaded) -> None:
        self._backbone = loaded.backbone
        self.dim = loaded.backbone.dim
        self.identity = [identity_of(choice, loaded)]

    def __call__(
        self, captions: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Float[np.ndarray, "word dim"]]]:
        """States of tokenised captions, none of them empty."""
        for start in range(0, len(captions), _AT_ONCE):
            part = captions[start : start + _AT_ONCE]
            heard = self._backbone.hear(part, [" ".join(words) for words in part])
            for row, (whole, words, _) in enumerate(heard, start):
                yield row, np.concatenate([whole[None], words, whole[None]])


def load_states(text: str) -> BackboneStates:
    """The source that a backbone's name stands for.

    Raises:
        CheckpointError: it is not on this machine, or is none.
    """
    choice = Choice.parse(text)
    return BackboneStates(choice, load_backbone(choice))


def identity_of_regions(text: str) -> str:
    """Identity of the extractor that a backbone's name stands for; as for `load_states`."""
    choice = Choice.parse(text)
    return identity_of(choice, load_backbone(choice))

"""Sentences for a photo: the other direction, over any number of sentences.

Sentences are embedded and scored some at a time, those of a length together, so that memory does
not grow with their number and a long one pads few others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from regard.errors import ConfigError, DataError
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.words.tokens import tokenize

BUILT_IN = Path(__file__).with_name("sentences.txt")
"""Everyday sentences, one per line, for whoever brings none."""
_AT_ONCE = 512


class RankedCaption(NamedTuple):
    """A sentence with its similarity to the photo."""

    sentence: str
    similarity: float
    line: int
    """Where it stands among the sentences, from 1."""
    unsupported: tuple[str, ...] = ()
    """Words that no region of the photo supports; none where the model has no curve."""
    match_probability: float | None = None
    """That one of all the sentences fits; the same for each, None without calibration."""
    probability: float | None = None
    """That this one fits, one in two fitting before looking; None without calibration."""


def rank_captions(
    model: Model,
    photo: str | Path | Image.Image,
    sentences: Sequence[str],
    k: int = 10,
    progress: Progress = silent,
) -> list[RankedCaption]:
    """The sentences most similar to a photo, best first.

    Of equal sentences the first counts; those without a word are left out.

    Raises:
        PhotoError: the photo cannot be read.
        DataError: no sentence has a word.
    """
    if k < 1:
        raise ConfigError(f"k must be at least 1, and is {k}.")
    lines: dict[str, int] = {}
    words: dict[str, int] = {}
    for line, sentence in enumerate(map(str.strip, sentences), 1):
        if sentence and sentence not in lines and (count := len(tokenize(sentence))):
            lines[sentence], words[sentence] = line, count
    if not lines:
        raise DataError(
            f"there are {len(sentences)} sentences and none has a word; there must be at least "
            "one. Write one sentence per line."
        )
    wanted = sorted(lines, key=words.__getitem__)
    image = model.encode_images([photo])
    regions = image.photo(0)
    scores = np.empty(len(wanted), np.float32)
    for start in range(0, len(wanted), _AT_ONCE):
        part = model.encode_captions(wanted[start : start + _AT_ONCE])
        scores[start : start + len(part.lengths)] = model.similarity(image, part)[0]
        progress(start + len(part.lengths), len(wanted))
    best = np.argsort(-scores, kind="stable")[:k]
    similarities = scores[best].tolist()
    chosen = [wanted[row] for row in best]
    encoded = model.encode_captions(chosen)
    captions = [encoded.caption(row) for row in range(len(chosen))]
    judgements = model.judge(similarities, [regions], captions, "sentences", len(wanted))
    unsupported = model.unsupported(regions, encoded)
    return [
        RankedCaption(
            sentence,
            similarity,
            lines[sentence],
            tuple(words),
            judgements[0].match_probability,
            judgement.probability,
        )
        for sentence, similarity, words, judgement in zip(
            chosen, similarities, unsupported, judgements, strict=True
        )
    ]

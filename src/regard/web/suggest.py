"""Sentences one could search for here: those of the server's list that fit some photo best.

A general sentence is similar to every photo; what counts is how much more similar it is to one
photo than to the others of the sample.
"""

from typing import NamedTuple

import numpy as np

from regard.shapes import Float
from regard.words.tokens import tokenize

_MARGIN = 0.05  # least lead over the mean photo; below it a sentence fits nothing in particular

_SMALL = {"a", "an", "the", "in", "on", "at", "of", "to", "by", "with", "from", "and", "two", "is"}


class Suggested(NamedTuple):
    """A sentence and a photo, as rows of what was compared."""

    photo: int
    sentence: int


def spread_out(count: int, most: int) -> list[int]:
    """At most `most` places of a list, evenly spaced over all of it."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def suggest(
    similarity: Float[np.ndarray, "photo sentence"], sentences: list[str], k: int
) -> list[Suggested]:
    """Up to k pairs, best first, no photo and hardly a word twice.

    Args:
        similarity: of a sample of the photos with all sentences.
    """
    lead = similarity - similarity.mean(0)
    words = [{word for word in tokenize(text) if word not in _SMALL} for text in sentences]
    chosen: list[Suggested] = []
    said: set[str] = set()
    for flat in np.argsort(-lead, axis=None, kind="stable"):
        photo, sentence = (int(place) for place in np.unravel_index(flat, lead.shape))
        if len(chosen) == k or lead[photo, sentence] < _MARGIN:
            break
        if any(pair.photo == photo for pair in chosen) or words[sentence] & said:
            continue
        chosen.append(Suggested(photo, sentence))
        said |= words[sentence]
    return chosen

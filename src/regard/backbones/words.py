"""Which pieces of a tokenizer each word of a sentence is made of.

Words are Regard's own (`words.tokens`), so that a sentence has the same words whatever reads it.
Knows places in a text; knows nothing of networks.
"""

from collections.abc import Sequence

import numpy as np

from regard.shapes import Int

Span = tuple[int, int]


def word_spans(words: Sequence[str], text: str) -> list[Span]:
    """Where each word stands in a lower-cased text; nowhere, (n, n), where it was rewritten."""
    spans, place = [], 0
    for word in words:
        found = text.find(word, place)
        if found < 0:
            spans.append((place, place))
        else:
            place = found + len(word)
            spans.append((found, place))
    return spans


def word_of_piece(words: Sequence[Span], pieces: Sequence[Span]) -> Int[np.ndarray, " piece"]:
    """The word each piece is part of: the one it shares most with, else the one before it.

    Args:
        pieces: where they stand in the text, in order.
    """
    owners = np.zeros(len(pieces), np.int64)
    for number, (start, end) in enumerate(pieces):
        shared = [min(end, last) - max(start, first) for first, last in words]
        best = int(np.argmax(shared)) if shared else 0
        if shared and shared[best] > 0:
            owners[number] = best
        else:
            before = [place for place, (first, _) in enumerate(words) if first <= start]
            owners[number] = before[-1] if before else 0
    return owners

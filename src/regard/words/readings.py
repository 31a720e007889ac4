"""Words of a sentence beside words that were read in photos: whether they are the same.

Capitals and accents make no difference, nor does where a reader saw a space: "t-shirt" is read in
"T SHIRT", "air france" in "AIRFRANCE". One letter of a long word may have been misread.
"""

import re
import string
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+")
_SIGNS = string.ascii_lowercase + string.digits
_LONG = 6  # letters of a word that is known by all but one: shorter ones are too many others


class Forms(NamedTuple):
    """A word as it may stand in a photo."""

    exact: frozenset[str]
    nearly: frozenset[str]
    """With one letter missing, too many, or another one."""

    def are_in(self, text: str) -> bool:
        """Whether the word was read in a text."""
        found = written_in(text)
        return not (self.exact.isdisjoint(found) and self.nearly.isdisjoint(found))


@lru_cache(maxsize=4096)
def written_in(text: str) -> frozenset[str]:
    """The words of a text, and each two neighbours as one."""
    words = _words(text)
    return frozenset((*words, *(first + second for first, second in pairwise(words))))


def forms_of(tokens: Sequence[str]) -> list[Forms]:
    """How each word of a sentence may stand in a photo; a sign without letters nowhere."""
    words = ["".join(_words(token)) for token in tokens]
    forms = []
    for place, word in enumerate(words):
        joined = (word + after for after in words[place + 1 : place + 2] if word and after)
        before = (one + word for one in words[max(place, 1) - 1 : place] if word and one)
        exact = frozenset(filter(None, (word, *joined, *before)))
        forms.append(Forms(exact, _nearly(word) - exact))
    return forms


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(sign for sign in plain if not unicodedata.combining(sign)))


@lru_cache(maxsize=256)
def _nearly(word: str) -> frozenset[str]:
    """All that a long word may be misread as, by one letter."""
    if len(word) < _LONG:
        return frozenset()
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    return frozenset(_misread(parts))


def _misread(parts: Iterable[tuple[str, str]]) -> Iterable[str]:
    for start, end in parts:
        yield start + end[1:]
        for sign in _SIGNS:
            yield start + sign + end
            yield start + sign + end[1:]

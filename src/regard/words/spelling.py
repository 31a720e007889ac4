"""What a word that English does not have was most likely meant to be.

Likeliest is what is spelt nearly the same, is often written, is a word of the model, and is seen in
the photos at hand. Words of English stay as they are, however rare.
"""

import math
import re
from collections.abc import Callable, Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING

from regard.words.function_words import names_something

if TYPE_CHECKING:
    from spellchecker import SpellChecker

_WORD = re.compile(r"(?<![\w'’-])[A-Za-z][a-z]{3,}(?![\w'’-])")
_LITERAL = re.compile(r"""["“”„«»]""")
_RARE = 100  # times a word was counted; below this nobody is thought to have meant it
_LONG = 6  # letters of a word from which on two of them may be wrong
_NAMED, _SHOWN = 3.0, 3.0  # what a word of the model, and of the photos, is worth in powers of ten
_LETTER = 2.5  # what a wrong letter costs, where the word would be said otherwise
_MISTAKEN = 0.5  # what a letter for another costs more than one too many, too few or out of turn
_SOUNDS = (("ph", "f"), ("ck", "k"), ("c", "k"), ("y", "i"), ("z", "s"))


@lru_cache(maxsize=1)
def _english() -> "SpellChecker":
    """Words with how often they are written; read when a word is not known otherwise."""
    from spellchecker import SpellChecker

    return SpellChecker(language="en", distance=1)


def is_english(word: str) -> bool:
    """Whether English has a word, in lower case, as it is written on either side of the ocean."""
    return word in _english() or word.replace("our", "or") in _english()


def nearest(word: str, names: Set[str], shown: Callable[[], Mapping[str, int]] = dict) -> list[str]:
    """Words that one was perhaps meant to be, likeliest first; none for a word of English.

    Args:
        word: in lower case.
        names: words of the model.
        shown: gives what photos at hand show, with their number.
    """
    if word in names or is_english(word):
        return []
    english, seen = _english(), shown()
    if word in seen:  # a name that is written in a photo
        return []
    named = names | {one for one in seen if is_english(one)}
    near = english.known(english.edit_distance_1(word))
    near |= {name for name in named if name[:1] == word[0] and _may_be(word, name)}
    worth = {}
    for one in near:
        written = english.word_frequency[one]
        if names_something(one) and (one in named or written >= _RARE):
            worth[one] = math.log10(written + 1) - _cost(word, one) + _NAMED * (one in named)
            worth[one] += _SHOWN + math.log10(seen[one]) if seen.get(one) else 0
    return sorted(worth, key=lambda one: (-worth[one], one))


def _may_be(word: str, name: str) -> bool:
    """Whether a word may be a name with two wrong letters, or with the same sound."""
    is_near = len(word) >= _LONG and wrong_letters(word, name) <= 2
    return is_near or _sound(word) == _sound(name)


def _cost(word: str, one: str) -> float:
    """How unlikely it is to write a word for another."""
    if _sound(word) == _sound(one):
        return 0.0
    swapped = sorted(word) == sorted(one)
    mistaken = _MISTAKEN * (len(word) == len(one) and not swapped)
    return _LETTER * wrong_letters(word, one) + mistaken


def _sound(word: str) -> str:
    """Alike for words that are said alike, or nearly."""
    for written, said in _SOUNDS:
        word = word.replace(written, said)
    return re.sub(r"(.)\1+", r"\1", word)


def correct(text: str, names: Set[str], shown: Callable[[], Mapping[str, int]] = dict) -> str:
    """A query with its misspelt words put right, or as it is where none is.

    What stands in quotation marks is left as it is, and so is a capital within a sentence: it
    begins a name.

    Args:
        names, shown: as for `nearest`.
    """
    if _LITERAL.search(text):
        return text

    def put_right(match: re.Match[str]) -> str:
        word = match[0]
        if word[0].isupper() and text[: match.start()].strip():
            return word
        best = nearest(word.lower(), names, shown)
        return (best[0].capitalize() if word[0].isupper() else best[0]) if best else word

    return _WORD.sub(put_right, text)


def wrong_letters(one: str, other: str) -> int:
    """How many letters are left out, put in, mistaken, or changed with the next; 3 for more."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, a in enumerate(one):
        last, row, before = row, [i + 1], row if not i else before
        for j, b in enumerate(other):
            cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a != b))
            if i and j and a == other[j - 1] and one[i - 1] == b:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before = last
    return row[-1]

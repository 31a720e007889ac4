"""Kinds of sentences, told by their words: several objects, attributes, relations.

A rule by word lists, not by grammar, so it errs at times; but it is the same for every model that
is compared. A sentence may be of several kinds or of none.

several objects   three or more noun phrases, counted by what begins one: an article, a possessive
                  or a number
attributes        a word of colour, pattern, size, age or material
relations         a word that says where one thing is to another, or what holds it
"""

from collections.abc import Sequence

import numpy as np

from regard.shapes import Bool
from regard.words.tokens import tokenize

_BEGIN_TEXT = """
a an the his her its their some several many one two three four five six seven eight nine
ten another both each every
"""
_ATTRIBUTE_TEXT = """
red green blue yellow black white brown grey gray orange purple pink tan beige golden gold
silver blond blonde dark bright colorful colored multicolored
striped spotted plaid checkered furry fluffy muddy snowy grassy sandy rocky wet
big large small little tiny huge tall short long young old older elderly
wooden metal plastic leather brick concrete stone
"""
_RELATION_TEXT = """
behind under underneath beneath above over below between beside against inside outside
near next around across through into onto along atop toward towards past
holding carrying wearing riding pulling pushing throwing catching chasing
holds carries wears rides pulls pushes throws catches chases
"""
_PHRASE_BEGINS = frozenset(_BEGIN_TEXT.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_TEXT.split())
_RELATIONS = frozenset(_RELATION_TEXT.split())
_SEVERAL = 3
KINDS = ("several objects", "attributes", "relations")


def kinds_of(sentence: str) -> frozenset[str]:
    """The kinds a sentence is of."""
    words = tokenize(sentence)
    holds = (
        sum(word in _PHRASE_BEGINS for word in words) >= _SEVERAL,
        not _ATTRIBUTES.isdisjoint(words),
        not _RELATIONS.isdisjoint(words),
    )
    return frozenset(kind for kind, held in zip(KINDS, holds, strict=True) if held)


def masks(sentences: Sequence[str]) -> dict[str, Bool[np.ndarray, " cap"]]:
    """Which sentences are of each kind, and which of none."""
    kinds_of_each = [kinds_of(sentence) for sentence in sentences]
    by_kind = {kind: np.array([kind in kinds for kinds in kinds_of_each]) for kind in KINDS}
    return {**by_kind, "none of these": np.array([not kinds for kinds in kinds_of_each])}

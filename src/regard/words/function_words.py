"""Words that tie a sentence together and name nothing one could point at.

English articles, auxiliaries, pronouns, conjunctions and prepositions, as in captions; and what
only says that a photo is meant, as "a photo of" in "a photo of a zebra".
"""

from collections.abc import Sequence
from itertools import takewhile

from regard.words.special import MARKERS

_TEXT = """
a an the this that these those some any each every all both another other
and or but while as if than then so because also just very too not no
is are was were be been being am has have had having do does did doing can could will would
may might must should
i you he she it we they me him her us them my your his its our their himself herself itself
themselves one's who whom whose which what where when how there here
of in on at to with without for from by into onto out off over under above below up down
through across along around about after before behind beside between among near next against
during towards toward inside outside upon within 's
"""
FUNCTION_WORDS = frozenset(_TEXT.split())
ARTICLES = frozenset({"a", "an", "the", "some"})
_PICTURES = frozenset({"photo", "photograph", "picture", "image", "snapshot", "view"})
_OF = frozenset({"of", "showing", "with"})


def names_something(word: str) -> bool:
    """Whether a token is a word that could be seen in a photo.

    That is no function word, no punctuation, and none of the marks as <start>.
    """
    if word in MARKERS or word.lower() in FUNCTION_WORDS:
        return False
    return any(sign.isalnum() for sign in word)


def naming_words(words: Sequence[str]) -> list[bool]:
    """Whether each token of a sentence names something that could be seen in its photo.

    A first "a photo of" does not, if something follows it.
    """
    opening = picture_opening(words)
    return [row >= opening and names_something(word) for row, word in enumerate(words)]


def lacks_article(words: Sequence[str]) -> bool:
    """Whether this is a single word that people mean as "a ..."; a plural needs none."""
    if len(words) != 1 or not names_something(words[0]):
        return False
    word = words[0].lower()
    return not word.endswith("s") or word.endswith("ss")


def picture_opening(words: Sequence[str]) -> int:
    """How many first tokens only say that a photo is meant; 0 where nothing else is named."""
    start = sum(1 for _ in takewhile(MARKERS.__contains__, words))
    place = start + (len(words) > start and words[start].lower() in ARTICLES)
    opening = [word.lower() for word in words[place : place + 2]]
    if len(opening) < 2 or opening[0] not in _PICTURES or opening[1] not in _OF:
        return 0
    return place + 2 if any(map(names_something, words[place + 2 :])) else 0

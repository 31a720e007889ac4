"""What a sentence asks for, however it is put.

"zebra", "a zebra" and "a photo of a zebra" ask for the same.
"""

from regard.words.function_words import ARTICLES, picture_opening
from regard.words.tokens import tokenize

_THERE = ("is", "are")


def gist_of(sentence: str) -> str:
    """A sentence without "a photo of", "there is", a first article and a full stop.

    It is never empty, if the sentence has a word.
    """
    words = tokenize(sentence)
    rest = words[picture_opening(words) :]
    if rest[0] == "there" and rest[1:2] and rest[1] in _THERE:
        rest = rest[2:]
    rest = _without_article(rest) if rest else words
    while len(rest) > 1 and not any(sign.isalnum() for sign in rest[-1]):
        rest = rest[:-1]
    return " ".join(rest)


def is_put_otherwise(sentence: str) -> bool:
    """Whether a sentence that has a word is more than its gist."""
    words = tokenize(sentence)
    return bool(words) and gist_of(sentence) != " ".join(words)


def _without_article(words: list[str]) -> list[str]:
    return words[1:] if len(words) > 1 and words[0] in ARTICLES else words

"""Sentences to words, as SCAN's official code did: lower case, Punkt, NLTK's word tokenizer.

The rules are those of NLTK's tokenizer of 2018, after the Penn Treebank's, for lower case;
published vocabularies were made with it. Plain captions take a shorter way to the same words. The
work grows with the length of a text, whatever is in it.
"""

import re
from functools import lru_cache

from regard.words.sentences import sentences

# Letters, single commas and hyphens, a last full stop: no rule but those for , and . applies.
_PLAIN = re.compile(r"(?:[a-z\s]|,(?!,)|(?<!-)-(?!-))*+\.?")
_CONTRACTED = re.compile(r"cannot|gimme|gonna|gotta|lemme|wanna|whaddya|whatcha")
_BEFORE_SPACES = (  # opening quotes, then punctuation
    (r"([«“‘„])", r" \1 "),
    (r'^"', "``"),
    (r"(``)", r" \1 "),
    (r"([ (\[{<])(?:\"|'')", r"\1 `` "),
    (r"(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", "' "),
    (r"([^.])\.([\])}>\"' »”’]*+)\s*$", r"\1 . \2 "),
    (r"([:,])(\D)", r" \1 \2"),
    (r"([:,])$", r" \1 "),
    (r"(\.{2,}|[;@#$%&\u2012-\u2015])", r" \1 "),
    (r"([^.])\.([\])}>\"']*+)\s*$", r"\1 .\2 "),
    (r"([?!])", r" \1 "),
    (r"([^'])' ", r"\1 ' "),
    (r"([*\]\[(){}<>]|--)", r" \1 "),
)
_BETWEEN_SPACES = (  # closing quotes, then contractions
    (r"([»”’])", r" \1 "),
    (r"''|\"", " '' "),
    (r"\s+", " "),
    (r"([^' ])('[smd]?) ", r"\1 \2 "),
    (r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 "),
    (r"\b(can)(not)\b", r" \1 \2 "),
    (r"\b(d)('ye)\b", r" \1 \2 "),
    (r"\b(gim|lem)(me)\b", r" \1 \2 "),
    (r"\b(gon)(na)\b", r" \1 \2 "),
    (r"\b(got)(ta)\b", r" \1 \2 "),
    (r"\b(more)('n)\b", r" \1 \2 "),
    (r"\b(wan)(na)(?=\s)", r" \1 \2 "),
    (r" ('t)(is|was)\b", r" \1 \2 "),
)


def tokenize(sentence: str) -> list[str]:
    """Words and punctuation of a sentence, lower-cased.

    "A man's dog." becomes a, man, 's, dog, and the full stop.
    """
    text = sentence.strip().lower()
    if _PLAIN.fullmatch(text) and not _CONTRACTED.search(text):
        return text.replace(",", " , ").replace(".", " . ").split()
    return _tokenize_fully(text)


def _tokenize_fully(text: str) -> list[str]:
    """Every rule, for any text; lower case is expected."""
    if not any(sign in word for word in text.split()[:-1] for sign in ".?!"):
        return _words(text)  # there is but one sentence
    return [word for sentence in sentences(text) for word in _words(sentence)]


def _words(text: str) -> list[str]:
    before, between = _rules()
    for pattern, replacement in before:
        text = pattern.sub(replacement, text)
    text = f" {text} "
    for pattern, replacement in between:
        text = pattern.sub(replacement, text)
    return text.split()


@lru_cache(maxsize=1)
def _rules() -> list[list[tuple[re.Pattern[str], str]]]:
    """The rules, compiled when a text first needs them."""
    tables = (_BEFORE_SPACES, _BETWEEN_SPACES)
    return [[(re.compile(pattern), by) for pattern, by in table] for table in tables]

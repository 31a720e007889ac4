"""What people mean beside what they say: dates become filters, "without a leash" is unwanted.

Misspelt words are put right first. What stands in quotation marks, or has weights, is taken as it
stands. Knows text, the calendar and the words of a model.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from regard.model.model import Model
from regard.photos.tones import COLOURS
from regard.search.moments import Span, find_moment
from regard.search.tones import GREY
from regard.words.function_words import names_something
from regard.words.languages import other_language
from regard.words.special import SPECIAL
from regard.words.spelling import correct
from regard.words.tokens import tokenize

_LITERAL = re.compile(r"""[;:"“”„«»]|^\s*[-+]""")
_UNWANTED = re.compile(
    r"(?<![\w-])(?:but\s+)?(?:without|with\s+no|no|except\s+for|except)\s+(?:any\s+)?"
    r"(?P<what>[\w'-]+(?:\s+(?!(?:and|or|but|in|on|at|with|near|by|under|over|from)\b)[\w'-]+){0,3})",
    re.IGNORECASE,
)
_PICTURE = r"(?:photos?|pictures?|images?|pics|shots?|portraits?|photographs?)"
_GREY = r"black[\s-]and[\s-]white|b\s?&\s?w|monochrome|gr[ae]y-?scale"
_TONED = re.compile(
    rf"(?<![\w-])(?:(?:in\s+)(?:{_GREY})(?![\w-])|(?:{_GREY})(?=\s+{_PICTURE}\b|\s*$)"
    rf"|(?:monochrome|gr[ae]y-?scale|b\s?&\s?w)(?![\w-])"
    rf"|(?:mostly|mainly)\s+(?P<mostly>{'|'.join(COLOURS)})(?![\w-])"
    rf"|(?P<whole>{'|'.join(COLOURS)})(?=\s+{_PICTURE}\s*$))",
    re.IGNORECASE,
)
_SIGNS = {"parking", "smoking", "entry", "stopping", "exit", "swimming", "trespassing", "longer"}
_ANY_PHOTO = {
    *("photo", "photos", "picture", "pictures", "image", "images", "pics", "everything"),
    *("shot", "shots", "photograph", "photographs"),
}


def _names(model: Model) -> frozenset[str]:
    """Words that a model learned from captions, or calls regions by; in lower case."""
    called = " ".join(model.labels.names).lower().split() if model.labels else ()
    return frozenset((*model.vocabulary.words[len(SPECIAL) :], *called))


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
    tone: str | None = None
    """The colour of the whole photo: "black and white", or one that most of it has."""
    tone_said: str = ""
    """The words that named that."""
    untoned: str = ""
    """The query as it was typed, without those."""
    read_as: str = ""
    """The query as it was typed, with misspelt words put right."""
    language: str = ""
    """The language it seems to be in, where that is not the model's."""


def read(
    text: str,
    model: Model,
    today: date,
    shown: Callable[[], Mapping[str, int]] = dict,
    *,
    toned: bool = True,
) -> Understood:
    """Put misspelt words right, or tell that a query is in another language; then understand it.

    Args:
        shown: gives what the photos show, with their number; asked for where a word is unknown.
        toned: as for `understand`.
    """
    language = other_language(text) if model.reads_english_alone else ""
    if model.reads_english_alone and not language:
        text = correct(text, _names(model), shown)
    return understand(text, today, toned=toned)._replace(language=language)


def understand(text: str, today: date, *, toned: bool = True) -> Understood:
    """Read a query: its time as a filter, what it does not want as a part that counts against.

    Args:
        toned: whether colours of whole photos are known, and so can be a filter.
    """
    if _LITERAL.search(text):
        return Understood(text, rest=text, untoned=text, read_as=text)
    named = _TONED.search(text) if toned else None
    tone = (named["mostly"] or named["whole"] or GREY).lower() if named else None
    untoned = _cut(text, *named.span()) if named else text
    moment = find_moment(text, today)
    rest = _cut(text, moment.start, moment.end) if moment else text
    meant = untoned
    if moment and (in_rest := find_moment(untoned, today)):
        meant = _cut(untoned, in_rest.start, in_rest.end)
    return Understood(
        _split(meant),
        moment.span if moment else Span(None, None),
        text[moment.start : moment.end].strip() if moment else "",
        rest,
        tone,
        named[0] if named else "",
        untoned,
        text,
    )


def _cut(text: str, start: int, end: int) -> str:
    """A query without some words of it; empty where what is left names nothing but photos."""
    rest = _tidy(f"{text[:start]} {text[end:]}")
    return rest if _names_more(rest) else ""


def _names_more(text: str) -> bool:
    """Whether it names anything but photos."""
    return any(names_something(word) and word not in _ANY_PHOTO for word in tokenize(text))


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

"""What people ask: sentences with weights, photos, or both.

    a dog on a beach                 one sentence
    2: a dog; grass                  a dog counts twice as much as grass
    a dog; -1: a leash               photos like the first and unlike the second
    a dog; -leash                    the same, shorter

Parts stand apart by semicolons. A part may begin with its weight and a colon, or with a minus.
Quotation marks around a query or a part are dropped: people put them there by habit, and the model
would look for them in the photo. What stood in them is what is looked for in the text of photos.
Knows text only; what a part looks like as vectors is the model's matter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

from PIL import Image

from regard.errors import DataError
from regard.search.part import Embedded
from regard.words.function_words import naming_words
from regard.words.readings import Forms, forms_of
from regard.words.tokens import tokenize

Like = str | Path | Image.Image | Embedded

# A weight is a number and a colon; "12:30" is a time of day. A lone minus is -1.
_WEIGHT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*:(?!\d)|([+-])\s*:?(?![\d.])")
# What stands between two quotation marks and holds none itself; an apostrophe is none.
_QUOTED = re.compile(r"""["“”„«»'‘]((?:[^"“”„«»'‘’]|(?<=\w)['’](?=\w))+)["“”«»'’]""")
_SPOKEN = re.compile(r"""["“”„«»]([^"“”„«»]+)["“”«»]""")
_MOST = 1000  # of a weight


@dataclass(frozen=True)
class Sentence:
    """A sentence with how much it counts; photos like it are pushed down if it is negative."""

    text: str
    """What photos are to show."""
    weight: float = 1.0
    """Other than 0."""
    quoted: str = field(default="", compare=False)
    """What of it stands in quotation marks."""

    @property
    def to_read(self) -> list[Forms]:
        """Words that all stand on a photo which comes first: those quoted, else all that name."""
        tokens = tokenize(self.quoted or self.text)
        asked = [True] * len(tokens) if self.quoted else naming_words(tokens)
        return [forms for forms in compress(forms_of(tokens), asked) if forms.exact]


@dataclass(frozen=True)
class Query:
    """Everything one search asks for. The similarity is the weighted mean of its parts'."""

    sentences: tuple[Sentence, ...] = ()
    """Each with its weight."""
    like: tuple[Like, ...] = ()
    """Photos to look like, as paths, pictures or parts of them (`part_of`); each counts as much as
    a sentence of weight 1."""

    def __post_init__(self) -> None:
        """Refuse a query that asks for nothing."""
        if not self.like and not any(part.weight > 0 for part in self.sentences):
            said = "says only what is unwanted" if self.sentences else "is empty"
            raise DataError(
                f"the query {said}; it must have a sentence with a positive weight or a photo. "
                "Say what you look for."
            )

    @property
    def to_read(self) -> list[Forms]:
        """Words that all stand on a photo which comes first; none where a photo is asked by."""
        wanted = [part for part in self.sentences if part.weight > 0]
        return [] if self.like else [forms for part in wanted for forms in part.to_read]

    @classmethod
    def parse(cls, *texts: str, like: Sequence[Like] = ()) -> "Query":
        """Read what people type.

        Raises:
            DataError: nothing is asked for, or a part has a weight but no words.
        """
        several = (_unquoted(text) if ";" in text else text for text in texts)
        parts = [part for text in several for part in text.split(";")]
        return cls(tuple(_parse_part(part) for part in parts if part.strip()), tuple(like))


def _parse_part(text: str) -> Sentence:
    quoted = " ".join(_SPOKEN.findall(text))
    text = _unquoted(text)
    prefix = _WEIGHT.match(text)
    if prefix is None:
        return Sentence(text, quoted=quoted)
    words = _unquoted(text[prefix.end() :])
    weight = float(prefix[1] or f"{prefix[2]}1")
    if not words or not 0 < abs(weight) <= _MOST:
        raise DataError(
            f"query part is {text!r}; it must be words, with a weight other than 0 and of at most "
            f"{_MOST} if it has one, as in '2: a dog; -1: a leash'. Correct it."
        )
    return Sentence(words, weight, quoted)


def _unquoted(text: str) -> str:
    quoted = _QUOTED.fullmatch(text.strip())
    return (quoted[1] if quoted else text).strip()

"""What people ask: sentences with weights, photos, or both.

    a dog on a beach                 one sentence
    2: a dog; grass                  a dog counts twice as much as grass
    a dog; -1: a leash               photos like the first and unlike the second
    a dog; -leash                    the same, shorter

Parts stand apart by semicolons. A part may begin with its weight and a colon, or with a minus.
Quotation marks around a query or a part are dropped: people put them there by habit, and the model
would look for them in the photo.
Knows text only; what a part looks like as vectors is the model's matter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from regard.errors import DataError
from regard.search.part import Embedded

Like = str | Path | Image.Image | Embedded

# A weight is a number and a colon; "12:30" is a time of day. A lone minus is -1.
_WEIGHT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*:(?!\d)|([+-])\s*:?(?![\d.])")
# What stands between two quotation marks and holds none itself; an apostrophe is none.
_QUOTED = re.compile(r"""["“”„«»'‘]((?:[^"“”„«»'‘’]|(?<=\w)['’](?=\w))+)["“”«»'’]""")
_MOST = 1000  # of a weight


@dataclass(frozen=True)
class Sentence:
    """A sentence with how much it counts; photos like it are pushed down if it is negative."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """Everything one search asks for. The similarity is the weighted mean of its parts'."""

    sentences: tuple[Sentence, ...] = ()
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

    @classmethod
    def parse(cls, *texts: str, like: Sequence[Like] = ()) -> "Query":
        """Read what people type.

        Raises:
            DataError: nothing is asked for, or a part has a weight but no words.
        """
        parts = [part for text in texts for part in _unquoted(text).split(";")]
        return cls(tuple(_parse_part(part) for part in parts if part.strip()), tuple(like))


def _parse_part(text: str) -> Sentence:
    text = _unquoted(text)
    prefix = _WEIGHT.match(text)
    if prefix is None:
        return Sentence(text)
    words = _unquoted(text[prefix.end() :])
    weight = float(prefix[1] or f"{prefix[2]}1")
    if not words or not 0 < abs(weight) <= _MOST:
        raise DataError(
            f"query part is {text!r}; it must be words, with a weight other than 0 and of at most "
            f"{_MOST} if it has one, as in '2: a dog; -1: a leash'. Correct it."
        )
    return Sentence(words, weight)


def _unquoted(text: str) -> str:
    quoted = _QUOTED.fullmatch(text.strip())
    return (quoted[1] if quoted else text).strip()

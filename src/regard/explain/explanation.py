"""Why a photo and a sentence match: what every word saw, and its share of the similarity.

Knows numbers and words. Knows nothing of models, nor of pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from regard.core.scoring import EPS
from regard.shapes import Float
from regard.store.shards import Text
from regard.words.function_words import naming_words
from regard.words.readings import forms_of
from regard.words.special import MARKERS

UNSUPPORTED = 0.3  # below this probability a word is said to be shown by no region
UNSCORED = "Words show where they look and are no part of the score."


class Label(NamedTuple):
    """What a region looks like to the backbone's classifier."""

    name: str
    """Of the class."""
    probability: float


class WordLabel(NamedTuple):
    """What the region that fits a word best looks like to the backbone's classifier."""

    name: str
    """Of that class, of the region's ten likeliest, whose name adds most to the word's cosine."""
    probability: float
    cosine: float
    """How much of the word's cosine with the region comes of the region's labels."""


def is_lacking(support: float | None, read: Sequence[Text] = ()) -> bool:
    """Whether a photo lacks a word: it more likely does, and the word was not read in it."""
    return support is not None and support < UNSUPPORTED and not read


@dataclass(frozen=True)
class WordExplanation:
    """One word's part in a similarity."""

    word: str
    """As it was read; markers are <start>, <end> and <sentence>."""
    relevance: float
    """Cosine of the word with what it attended to; in i2t, of the regions that speak for it."""
    share: float
    """What the word adds to the similarity; the shares of all words sum to it."""
    attention: Float[np.ndarray, " region"]
    """Weight of every region, summing to 1; all zeros where no region attends to the word."""
    cosines: Float[np.ndarray, " region"]
    """Cosine of the word with every region, before any attention."""
    support: float | None = None
    """Probability that the photo shows what the word names, one in two doing so before looking,
    from its largest cosine; None for words that name nothing and models without a curve."""
    pointing: Float[np.ndarray, " region"] | None = None
    """Where the word points, as the model's pointer scores every region; None without one, and
    for words that name nothing."""
    label: WordLabel | None = None
    """What its best region looks like; None where nobody kept that, for words that name nothing
    and models without labels."""
    read: tuple[Text, ...] = ()
    """Lines of text in the photo in which the word was read."""

    @property
    def is_unsupported(self) -> bool:
        """Whether no region shows what the word names, nor was it read."""
        return is_lacking(self.support, self.read)

    @property
    def is_found_by_label(self) -> bool:
        """Whether most of its best cosine comes of the labels of that region, and supports it."""
        if self.label is None or self.is_unsupported:
            return False
        return 2 * self.label.cosine > float(self.cosines.max()) > 0

    @property
    def is_sentence_end(self) -> bool:
        """Whether this is <start>, <end> or <sentence>, which count but are no words to show."""
        return self.word in MARKERS


@dataclass(frozen=True)
class Explanation:
    """A similarity of one photo with one sentence, taken apart."""

    similarity: float
    """To which the shares of all words sum."""
    words: tuple[WordExplanation, ...]
    """In the order of the sentence, <start> and <end> included."""
    boxes: Float[np.ndarray, "region 4"]
    """x1, y1, x2, y2 in pixels of the original photo; no rows where unknown."""
    size: tuple[int, int]
    """Width and height of the original photo in pixels."""
    looks: tuple[Label, ...] = ()
    """What each region looks like most; none where that is not known."""

    @property
    def sentence_words(self) -> tuple[WordExplanation, ...]:
        """The words a reader sees: all but <start>, <end> and <sentence>."""
        return tuple(word for word in self.words if not word.is_sentence_end)

    @property
    def unsupported(self) -> list[str]:
        """Words that no region supports, each once."""
        return list(dict.fromkeys(word.word for word in self.words if word.is_unsupported))

    @property
    def words_read(self) -> list[str]:
        """Words that were read in the photo, each once."""
        return list(dict.fromkeys(word.word for word in self.words if word.read))

    @property
    def words_by_label(self) -> dict[str, list[str]]:
        """Words that were found by what a region looks like, by that and how likely it is."""
        words: dict[str, list[str]] = {}
        for word in self.words:
            if word.is_found_by_label and word.label is not None:
                label = f"{word.label.name}, {100 * word.label.probability:.0f} %"
                words[label] = list(dict.fromkeys([*words.get(label, []), word.word]))
        return words

    @property
    def sentence_ends_share(self) -> float:
        """What <start>, <end> and <sentence> add to the similarity."""
        return sum(word.share for word in self.words if word.is_sentence_end)

    @property
    def words_are_scored(self) -> bool:
        """Whether words add to the similarity, rather than only show where they look."""
        return any(word.share for word in self.sentence_words)

    @property
    def importance(self) -> Float[np.ndarray, " word"]:
        """Share of each of the `sentence_words` relative to the largest; 0 for negative ones.

        Where words are not scored, all count alike.
        """
        if not self.words_are_scored:
            return np.ones(len(self.sentence_words))
        shares = np.array([word.share for word in self.sentence_words]).clip(0)
        importance: Float[np.ndarray, " word"] = shares / max(float(shares.max(initial=0)), EPS)
        return importance

    def to_tree(self) -> dict[str, Any]:
        """Plain values for JSON: similarity, words, which of them no region supports, labels.

        A region is [x1, y1, x2, y2, attention] in pixels of the original photo; `looks_like` has
        the name and the probability of each region's likeliest class. What was `read` is
        [text, x1, y1, x2, y2].
        """
        boxes = np.asarray(self.boxes, np.float64).round(2).tolist()
        return {
            "similarity": self.similarity,
            "words": [
                {
                    "word": word.word,
                    "relevance": word.relevance,
                    "share": word.share,
                    "support": word.support,
                    "label": None
                    if word.label is None
                    else {**word.label._asdict(), "found": word.is_found_by_label},
                    "read": [[line.text, *line.box] for line in word.read],
                    "regions": [
                        [*box, round(float(weight), 6)]
                        for box, weight in zip(boxes, word.attention, strict=False)
                    ],
                }
                for word in self.words
            ],
            "unsupported": self.unsupported,
            "looks_like": looks_tree(self.looks),
        }


def with_texts(explanation: Explanation, texts: Sequence[Text]) -> Explanation:
    """An explanation that says which words that name something were read in the photo."""
    if not texts:
        return explanation
    words = explanation.words
    found = readings([word.word for word in words], texts)
    read = tuple(replace(word, read=lines) for word, lines in zip(words, found, strict=True))
    return replace(explanation, words=read)


def readings(tokens: Sequence[str], texts: Sequence[Text]) -> list[tuple[Text, ...]]:
    """Lines of text in which each word of a sentence that names something is written."""
    if not texts:
        return [()] * len(tokens)
    columns = zip(forms_of(tokens), naming_words(tokens), strict=True)
    return [
        tuple(text for text in texts if names and forms.are_in(text.text))
        for forms, names in columns
    ]


def looks_tree(looks: Iterable[Label]) -> list[list[str | float]]:
    """Plain values for JSON: name and probability."""
    return [[name, round(likely, 3)] for name, likely in looks]


def strongest_words(explanations: Iterable[Explanation], count: int) -> list[WordExplanation]:
    """The words with the largest shares, largest first: of those that name something, each once.

    Where none names something, all of the sentences' words count. Of equal shares, as of words
    that are not scored, those come first that fit what they look at best.
    """
    sentences = [explanation.sentence_words for explanation in explanations]
    words = [word for sentence in sentences for word in sentence]
    names = [one for sentence in sentences for one in naming_words([w.word for w in sentence])]
    naming = list(compress(words, names)) or words
    strongest: dict[str, WordExplanation] = {}
    for word in sorted(naming, key=lambda word: (-word.share, -word.relevance)):
        strongest.setdefault(word.word, word)
    return list(strongest.values())[:count]

"""Vocabulary: words to ids and back, in SCAN's JSON form."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.errors import DataError
from regard.shapes import Bool, Int
from regard.words.function_words import naming_words
from regard.words.special import END, SPECIAL, START, UNKNOWN
from regard.words.spelling import nearest
from regard.words.tokens import tokenize

MIN_COUNT = 4  # a word must be seen this often to enter a vocabulary (SCAN's threshold)
_NEAREST = 3  # spellings told


class CaptionIds(NamedTuple):
    """Captions ready for the word encoder."""

    ids: Int[np.ndarray, "cap word"]
    """Word ids, <start> and <end> included, padded with 0."""
    lengths: Int[np.ndarray, " cap"]
    """True words of each caption, <start> and <end> included."""
    naming: Bool[np.ndarray, "cap word"]
    """Words that name something; all but <start> and <end> of a caption that has none."""


@dataclass(frozen=True)
class Vocabulary:
    """Words by id; the first four are <pad>, <start>, <end> and <unk>."""

    words: tuple[str, ...]
    index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the special words and number the rest."""
        if self.words[:4] != SPECIAL:
            raise DataError(
                f"vocabulary begins with {self.words[:4]}; it must begin with {SPECIAL}. "
                "Build it with `Vocabulary.build`, or use SCAN's own JSON."
            )
        object.__setattr__(self, "index", {word: i for i, word in enumerate(self.words)})
        if len(self.index) != len(self.words):
            raise DataError(
                "vocabulary holds a word twice; every word must be there once. Remove the copy."
            )

    @classmethod
    def build(cls, sentences: Iterable[str], min_count: int = MIN_COUNT) -> "Vocabulary":
        """Words seen at least `min_count` times, in order of first appearance."""
        counts = Counter(word for sentence in sentences for word in tokenize(sentence))
        frequent = (word for word, n in counts.items() if n >= min_count and word not in SPECIAL)
        return cls((*SPECIAL, *frequent))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read SCAN's JSON: {"word2idx": {word: id}, "idx2word": {"id": word}, "idx": size}.

        Raises:
            DataError: the file is missing or not of that form, or ids have gaps.
        """
        try:
            index = json.loads(path.read_text(encoding="utf-8-sig"))["word2idx"]
            return cls.of_ids(index, str(path))
        except DataError:  # a ValueError too, and says already what is wrong
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"vocabulary {str(path)!r} cannot be read ({error}); it must be JSON with "
                "word2idx, as SCAN's are. Check the path and the file."
            ) from None

    @classmethod
    def of_ids(cls, index: dict[str, int], where: str) -> "Vocabulary":
        """Words in the order of their ids.

        Args:
            where: the file they are from, for messages.

        Raises:
            DataError: ids are not 0, 1, 2, ...
        """
        words = sorted(index, key=index.__getitem__)
        if [index[word] for word in words] != list(range(len(words))):
            raise DataError(
                f"ids of vocabulary {where!r} have gaps or come twice; they must be 0, 1, 2, ... "
                "Use the file the model was trained with."
            )
        return cls(tuple(words))

    def save(self, path: Path) -> None:
        """Write SCAN's JSON."""
        tree = {
            "word2idx": self.index,
            "idx2word": {str(i): word for i, word in enumerate(self.words)},
            "idx": len(self.words),
        }
        path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")

    def __len__(self) -> int:
        """Number of words, the four special ones included."""
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether a word is known."""
        return word in self.index

    def encode(self, captions: Sequence[Sequence[str]]) -> CaptionIds:
        """Ids of tokenised captions, padded; unknown words become <unk>.

        Raises:
            DataError: a caption has no word.
        """
        lengths = np.array([len(words) + 2 for words in captions], np.int64)
        if (lengths == 2).any():
            raise DataError(
                f"caption {int((lengths == 2).argmax())} is empty; it must have at least one "
                "word. Write a sentence, or remove the line."
            )
        ids = np.zeros((len(captions), int(lengths.max(initial=0))), np.int64)
        naming = np.zeros(ids.shape, bool)
        unknown, index = self.index[UNKNOWN], self.index
        for row, words in enumerate(captions):
            ids[row, 0] = index[START]
            ids[row, 1 : len(words) + 1] = [index.get(word, unknown) for word in words]
            ids[row, len(words) + 1] = index[END]
            inner = naming[row, 1 : len(words) + 1]
            inner[:] = naming_words(words)
            inner |= not inner.any()
        return CaptionIds(ids, lengths, naming)

    def unknown(self, words: Iterable[str]) -> dict[str, list[str]]:
        """Words this vocabulary lacks, each with those it may have been meant to be."""
        names = frozenset(self.words[len(SPECIAL) :])
        return {
            word: [near for near in nearest(word, names) if near in names][:_NEAREST]
            for word in words
            if word not in names
        }

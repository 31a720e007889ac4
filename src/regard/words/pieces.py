"""Words into the pieces that the sentence encoder knows, by the `tokenizers` library.

A word loses its case and accents, is cut at punctuation and ideographs, and then into the longest
pieces known. Knows nothing of sentences.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from regard.shapes import Int

_KEPT = 50_000  # words whose pieces are remembered


def for_words(text: str) -> str:
    """A tokenizer.json, for words rather than texts: no frame, no padding, no limit.

    Words that look like one of BERT's signs ("[MASK]") are words here.
    """
    tree = json.loads(text)
    tree |= {"truncation": None, "padding": None, "post_processor": None, "added_tokens": []}
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


class Pieces:
    """Numbers of pieces.

    Args:
        source: a tokenizer.json that adds nothing to a word, or its text.

    Raises:
        OSError, ValueError: the file is missing, or not such a file.
    """

    def __init__(self, source: Path | str) -> None:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        self._tokenizer = Tokenizer.from_str(text)
        self.begin, self.end, self._unknown = map(self._number, ("[CLS]", "[SEP]", "[UNK]"))
        self.of = lru_cache(_KEPT)(self._of)

    def _of(self, word: str) -> list[int]:
        """Pieces of a word, the longest known first; [UNK] where there are none."""
        text = word.encode(errors="ignore").decode()  # bytes of a broken name are no letters
        return self._tokenizer.encode(text).ids or [self._unknown]

    def _number(self, sign: str) -> int:
        number = self._tokenizer.token_to_id(sign)
        if number is None:
            raise ValueError(f"{sign} is not among its pieces")
        return number

    @property
    def masked(self) -> int:
        """The number of a piece that is hidden."""
        return self._number("[MASK]")


class CaptionPieces:
    """Pieces of captions as a transformer reads them: of each its number, and which word it is of.

    Args:
        pieces: the transformer's own.
        most: pieces it can read, [CLS] and [SEP] included; what is beyond them is left out.
    """

    def __init__(self, pieces: Pieces, most: int) -> None:
        self.pieces, self._most = pieces, most

    def __call__(self, captions: Sequence[Sequence[str]]) -> Int[np.ndarray, "cap piece 2"]:
        """Pieces of tokenised captions, -1 past each one's end."""
        rows = [self._of(words) for words in captions]
        out = np.full((len(rows), max(map(len, rows)), 2), -1, np.int32)
        out[..., 0] = 0
        for row, own in zip(out, rows, strict=True):
            row[: len(own)] = own
        return out

    def _of(self, words: Sequence[str]) -> list[tuple[int, int]]:
        inner = [(n, place) for place, word in enumerate(words, 1) for n in self.pieces.of(word)]
        begin, end = (self.pieces.begin, 0), (self.pieces.end, len(words) + 1)
        return [begin, *inner[: self._most - 2], end]

"""Words into the pieces that the sentence encoder knows, by the `tokenizers` library.

A word loses its case and accents, is cut at punctuation and ideographs, and then into the longest
pieces known. Knows nothing of sentences.
"""

from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

_KEPT = 50_000  # words whose pieces are remembered


class Pieces:
    """Numbers of pieces.

    Args:
        path: a tokenizer.json that adds nothing to a word.

    Raises:
        OSError, ValueError: the file is missing, or not such a file.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
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

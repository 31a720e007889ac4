"""Words fall into BERT's pieces."""

import pytest

from regard.words.pieces import Pieces
from regard.words.states import ENCODER

UNKNOWN = [100]


@pytest.fixture(scope="module")
def pieces():
    return Pieces(ENCODER / "tokenizer.json")


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        ("dog", [3899]),
        ("snowmobiler", [4586, 17751, 2099]),
        ("Dog", [3899]),
        ("'s", [1005, 1055]),
        ("n't", [1050, 1005, 1056]),
        ("t-shirt", [1056, 1011, 3797]),
        ("3,000", [1017, 1010, 2199]),
        ("``", [1036, 1036]),
        ("naïve", [15743]),
        ("cafe\u0301", [7668]),
        ("日本", [1864, 1876]),
        ("😀", UNKNOWN),
        ("\u200b", UNKNOWN),
        ("\udcff", UNKNOWN),
        ("", UNKNOWN),
        ("a" * 101, UNKNOWN),
        ("[MASK]", [1031, 7308, 1033]),
    ],
)
def test_words_fall_into_bert_s_pieces(pieces, word, numbers):
    assert pieces.of(word) == numbers


def test_bytes_of_a_broken_name_are_no_letters(pieces):
    assert pieces.of("do\udcffg") == pieces.of("dog")


def test_a_file_without_bert_s_signs_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    text = (ENCODER / "tokenizer.json").read_text(encoding="utf-8")
    path.write_text(text.replace("[CLS]", "[NOT]"), encoding="utf-8")
    with pytest.raises(ValueError, match="CLS"):
        Pieces(path)

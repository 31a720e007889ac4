"""Words of a sentence in what was read in photos."""

import pytest

from regard.words.readings import forms_of


def reads(sentence, text):
    """Which words of a sentence stand in a text."""
    tokens = sentence.split()
    return [t for t, forms in zip(tokens, forms_of(tokens), strict=True) if forms.are_in(text)]


@pytest.mark.parametrize(
    ("sentence", "text", "found"),
    [
        ("exit", "EXIT", ["exit"]),
        ("an exit sign", "Exit 12 →", ["exit"]),
        ("cafe", "Café", ["cafe"]),
        ("café", "CAFE", ["café"]),
        ("air france", "AIRFRANCE", ["air", "france"]),
        ("airfrance", "Air France", ["airfrance"]),
        ("t-shirt", "T SHIRT", ["t-shirt"]),
        ("t-shirt", "T-SHIRTS", ["t-shirt"]),
        ("12", "Platform 12", ["12"]),
        ("bakery", "Bakerv", ["bakery"]),  # one letter misread
        ("bakery", "Bakry", ["bakery"]),
        ("bakery", "Baakery", ["bakery"]),
        ("bakery", "Bakrv", []),  # two
        ("beach", "BENCH", []),  # short words are too many others
        ("exit", "exits", []),
        ("? !", "? !", []),
        ("exit", "", []),
    ],
)
def test_a_word_stands_in_a_text(sentence, text, found):
    assert reads(sentence, text) == found

"""Tokens are those of SCAN's official code."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.words.tokens import _tokenize_fully, tokenize


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("A man's dog.", ["a", "man", "'s", "dog", "."]),
        ("Two dogs , one ball .", ["two", "dogs", ",", "one", "ball", "."]),
        ("A man. A dog runs.", ["a", "man", ".", "a", "dog", "runs", "."]),
        ("She can't see; he cannot.", ["she", "ca", "n't", "see", ";", "he", "can", "not", "."]),
        ("  A T-shirt -- red ", ["a", "t-shirt", "--", "red"]),
        ('A sign says "stop"', ["a", "sign", "says", "``", "stop", "''"]),
        ("Men on a building .`", ["men", "on", "a", "building", ".`"]),  # as in 2018
        ("ein Café, 3,000 m", ["ein", "café", ",", "3,000", "m"]),
        ("red,, blue,,a", ["red", ",", ",", "blue", ",", ",a"]),  # NLTK splits off one of two
        ("", []),
    ],
)
def test_known_sentences(sentence, words):
    assert tokenize(sentence) == words


@given(st.text(alphabet="ab cgnotywm,.-'", max_size=30))
def test_the_short_way_gives_the_same_words(text):
    assert tokenize(text) == _tokenize_fully(text.strip().lower())


def test_recorded_tokens(golden):
    for run in ("run_t2i_mean", "run_i2t_lse"):
        recorded = json.loads((golden / run / "run.json").read_text())["tokens"]
        assert len(recorded) >= 40
        for sentence, words in recorded.items():
            assert tokenize(sentence) == words

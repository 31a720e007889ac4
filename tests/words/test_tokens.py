"""Tokens are those of SCAN's official code."""

import json
import re
import time

import pytest
from hypothesis import example, given, settings
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


WORDS = """
a man mr. st. u.s. mining-co. e.g. no. b b. j. levine smith aron 3. 3,000 -3. .5. 4 who notable
z-holiday b-week administrators can cannot gonna wanna gimme more'n d'ye 's n't 'll 're 'tis é ß
' '' ` `` " “ ” ‘ ’ « » „ . .. ... ? ! ?! , ,, : ; - -- --- – — ( ) [ ] { } < > * & $ % # @ / _
日本 ª 𝑎.
"""
PARTS = (*WORDS.split(), " ", "  ", "\n", "\t", "\u3000", ". . .", "\r\n")
TEXTS = st.lists(st.sampled_from(PARTS) | st.just(" "), max_size=16).map("".join)


@pytest.fixture(scope="module")
def of_nltk():
    """The words by NLTK's tokenizer with the quotes of 2018, sentences by its Punkt."""
    punkt = pytest.importorskip("punkt")
    words = pytest.importorskip("nltk.tokenize.destructive").NLTKWordTokenizer()
    words.STARTING_QUOTES = [(re.compile("([«“‘„])"), r" \1 "), *words.STARTING_QUOTES[1:]]
    splitter = punkt.PunktSentenceTokenizer(punkt.load_model("english"))

    def tokenized(text):
        if not re.search(r"[.?!]\S*\s+\S", text):
            return words.tokenize(text)
        return [word for part in splitter.tokenize(text) for word in words.tokenize(part)]

    return tokenized


@settings(max_examples=500, deadline=None)
@given(text=TEXTS | st.text(alphabet="ab.?!'\" ,;:-()`1", max_size=20))
@example('!"?" :')
@example("a b. levine and 3. who. b-week")
@example("end. . . . more")
def test_words_are_those_of_nltk(of_nltk, text):
    text = text.strip().lower()
    assert tokenize(text) == of_nltk(text)


@pytest.mark.parametrize(
    "repeated",
    [
        *".?'\"`“(-,:*é",
        "a ",
        ". ",
        "! ",
        "a. ",
        "a.) ",
        "mr. ",
        "1.",
        ".)",
        '."',
        ". .",
        "? \n",
        "n't ",
    ],
)
def test_work_grows_with_the_length_of_a_text(repeated):
    def seconds(length):
        text = (repeated * length)[:length]
        began = time.process_time()
        tokenize(text)
        return time.process_time() - began

    tokenize("isn't it? Yes.")  # rules are compiled
    short = max(0.001, min(seconds(8_000) for _ in range(3)))
    assert seconds(64_000) < 30 * short  # 8 times the length; what grows by the square takes 64


def test_recorded_tokens(golden):
    for run in ("run_t2i_mean", "run_i2t_lse"):
        recorded = json.loads((golden / run / "run.json").read_text())["tokens"]
        assert len(recorded) >= 40
        for sentence, words in recorded.items():
            assert tokenize(sentence) == words

"""Words that name something are told from those that tie a sentence together."""

import pytest

from regard.words.function_words import names_something


@pytest.mark.parametrize("word", ["dog", "runs", "red", "two", "T-shirt", "left"])
def test_words_that_name_something(word):
    assert names_something(word)


@pytest.mark.parametrize("word", ["a", "The", ".", ",", "behind", "'s", "is", "<start>", "<end>"])
def test_words_that_do_not(word):
    assert not names_something(word)

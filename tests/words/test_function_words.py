"""Words that name something are told from those that tie a sentence together."""

import pytest

from regard.words.function_words import (
    lacks_article,
    names_something,
    naming_words,
    picture_opening,
)


@pytest.mark.parametrize("word", ["dog", "runs", "red", "two", "T-shirt", "left"])
def test_words_that_name_something(word):
    assert names_something(word)


@pytest.mark.parametrize("word", ["a", "The", ".", ",", "behind", "'s", "is", "<start>", "<end>"])
def test_words_that_do_not(word):
    assert not names_something(word)


@pytest.mark.parametrize(
    ("sentence", "lacks"),
    [
        ("zebra", True),
        ("Glass", True),
        ("zebras", False),
        ("the", False),
        (".", False),
        ("", False),
    ],
)
def test_a_single_word_lacks_an_article_but_for_a_plural(sentence, lacks):
    assert lacks_article(sentence.split()) == lacks


@pytest.mark.parametrize(
    ("sentence", "opening"),
    [
        ("a photo of a zebra", 3),
        ("Picture showing two dogs", 2),
        ("<sentence> the view of snow <end>", 4),
        ("a photo of", 0),
        ("a photo of a", 0),
        ("a photo on a wall", 0),
        ("a man takes a photo of a dog", 0),
        ("photo", 0),
        ("", 0),
    ],
)
def test_what_only_says_that_a_photo_is_meant(sentence, opening):
    words = sentence.split()
    assert picture_opening(words) == opening
    plain = [names_something(word) for word in words]
    assert naming_words(words) == [False] * opening + plain[opening:]

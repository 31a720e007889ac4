"""A query is the same however it is put."""

import pytest

from regard.words.gist import gist_of, is_put_otherwise


@pytest.mark.parametrize(
    ("sentence", "gist"),
    [
        ("zebra", "zebra"),
        ("a zebra", "zebra"),
        ("A photo of a zebra.", "zebra"),
        ("an image showing two zebras", "two zebras"),
        ("There is a red bus", "red bus"),
        ("the dog runs on the grass .", "dog runs on the grass"),
        ("a photo", "photo"),
        ("a picture of", "picture of"),
        ("a", "a"),
        ("there are", "there are"),
        ("a photo of a", "photo of a"),
        ("view", "view"),
    ],
)
def test_what_a_sentence_asks_for(sentence, gist):
    assert gist_of(sentence) == gist
    assert is_put_otherwise(sentence) == (sentence != gist)


def test_a_text_without_a_word_is_not_put_otherwise():
    assert not is_put_otherwise("  ")

"""What people type, read."""

import pytest

from regard.errors import DataError
from regard.search import Query, Sentence


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a dog on a beach", [("a dog on a beach", 1)]),
        ("dog", [("dog", 1)]),
        ("2: a dog; grass", [("a dog", 2), ("grass", 1)]),
        ("0.5: a dog", [("a dog", 0.5)]),
        (".5:a dog", [("a dog", 0.5)]),
        ("a dog; -1: a leash", [("a dog", 1), ("a leash", -1)]),
        ("a dog; -leash", [("a dog", 1), ("leash", -1)]),
        ("a dog; - a leash", [("a dog", 1), ("a leash", -1)]),
        ("+3: a dog; +grass", [("a dog", 3), ("grass", 1)]),
        ("-2.5 : leash; dog", [("leash", -2.5), ("dog", 1)]),
        ("a clock at 12:30", [("a clock at 12:30", 1)]),
        ("12:30 on a clock", [("12:30 on a clock", 1)]),
        ("3 dogs", [("3 dogs", 1)]),
        ("-3 degrees; snow", [("-3 degrees", 1), ("snow", 1)]),
        ("a dog: brown", [("a dog: brown", 1)]),
        (" ; a dog ;; ", [("a dog", 1)]),
        ('"a house"', [("a house", 1)]),
        ("“a house”", [("a house", 1)]),
        ("„ein Haus“", [("ein Haus", 1)]),
        ("« une maison »", [("une maison", 1)]),
        ("'a dog's house'", [("a dog's house", 1)]),
        ('"a dog; -1: a leash"', [("a dog", 1), ("a leash", -1)]),
        ('"a dog"; -1: "a leash"', [("a dog", 1), ("a leash", -1)]),
        ('a dog; "-1: a leash"', [("a dog", 1), ("a leash", -1)]),
        ('"stop" by a sign that says "exit"', [('"stop" by a sign that says "exit"', 1)]),
        ('a sign that says "stop"', [('a sign that says "stop"', 1)]),
        ("the dogs' house", [("the dogs' house", 1)]),
    ],
)
def test_parts_and_weights(text, parts):
    assert Query.parse(text).sentences == tuple(Sentence(*part) for part in parts)


def test_several_texts_are_several_parts():
    assert Query.parse("a dog", "-1: a leash") == Query.parse("a dog; -1: a leash")


def test_a_photo_is_enough():
    assert Query.parse(like=["a.jpg"]) == Query(like=("a.jpg",))


@pytest.mark.parametrize(
    "text", ["2:", "0: dog; cat", "dog; -", "1001: dog", "-9999999999999999999999: dog; cat"]
)
def test_a_weight_without_words_or_of_zero_is_refused(text):
    with pytest.raises(DataError, match="must be words"):
        Query.parse(text)


@pytest.mark.parametrize("text", ["", "  ;", "-1: leash"])
def test_a_query_must_ask_for_something(text):
    with pytest.raises(DataError, match="Say what you look for"):
        Query.parse(text)

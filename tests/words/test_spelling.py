"""Misspelt words: put right where it is plain what was meant, and left alone otherwise."""

import pytest

from regard.words.spelling import correct, is_english, nearest, wrong_letters

NAMES = frozenset(
    (
        *("elephant", "elegant", "garage", "grass", "beach", "bench", "dog", "door", "tree"),
        *("embraces", "kitchen", "penguin", "bicycle"),
    )
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("elefant", "elephant"),
        ("girafe", "giraffe"),
        ("skatebord", "skateboard"),
        ("bycicle", "bicycle"),
        ("umbrela", "umbrella"),
        ("mountian", "mountain"),
        ("bech", "beach"),
        ("doog", "dog"),
        ("kitchn", "kitchen"),
        ("pengiun", "penguin"),
    ],
)
def test_a_misspelt_word_is_put_right(typed, meant):
    assert correct(f"a {typed} in the sun", NAMES) == f"a {meant} in the sun"


@pytest.mark.parametrize(
    "text",
    [
        *("zebras", "a colour", "quokka", "labradoodle", "selfie", "yosemite", "kayaking", "x-ray"),
        *("dgo", "my friend Lenna", '"elefant"', "“elefant”", "IMG_2041", "dogs' beds", ""),
    ],
)
def test_what_is_no_misspelling_stays(text):
    assert correct(text, NAMES) == text


def test_a_capital_at_the_beginning_is_kept():
    assert correct("Elefant walks", NAMES) == "Elephant walks"


def test_what_the_photos_show_decides():
    assert nearest("bech", NAMES)[0] == "beach"
    assert nearest("bech", NAMES, lambda: {"bench": 7})[0] == "bench"
    assert nearest("snoboll", frozenset(), lambda: {"snowball": 1}) == ["snowball"]


def test_a_word_that_is_written_in_a_photo_stays():
    assert nearest("bech", NAMES, lambda: {"bech": 1}) == []
    assert nearest("kitchn", frozenset(), lambda: {"kitcn": 9})[0] == "kitchen"  # not a misread one


def test_no_word_of_english_has_any_nearest():
    told = [is_english(word) for word in ("zebras", "harbour", "elefant")]
    assert told == [True, True, False]
    assert nearest("zebras", NAMES) == nearest("embrace", NAMES) == []


def test_wrong_letters_are_counted_as_people_make_them():
    pairs = [("dog", "dog"), ("dgo", "dog"), ("dog", "dogs"), ("dog", "dig"), ("beach", "bleacher")]
    assert [wrong_letters(*pair) for pair in pairs] == [0, 1, 1, 1, 3]
    assert wrong_letters("a", "abcdef") == 3

"""Which language a query is in: plain ones are told, and English is never taken for another."""

import pytest

from regard.search.captions import BUILT_IN
from regard.words.languages import other_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ein roter bus", "German"),
        ("roter bus", "German"),
        ("Hund", "German"),
        ("sonnenuntergang am strand", "German"),
        ("un chien sur la plage", "French"),
        ("casa en la playa", "Spanish"),
        ("perro negro", "Spanish"),
        ("bambino in bicicletta", "Italian"),
        ("cachorro na praia", "Portuguese"),
        ("een rode fiets", "Dutch"),
        ("собака", "another language"),
        ("夕日", "another language"),
    ],
)
def test_other_languages_are_told(text, language):
    assert other_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        *("", "2019", "elefant", "rot", "a kind man", "van on the sea", "see the boom", "café"),
        *("a chat in the sun", "de Gaulle", "a naïve child", "el capitan", "boom van"),
    ],
)
def test_nothing_is_said_of_english(text):
    assert other_language(text) == ""


def test_no_sentence_of_the_list_is_taken_for_another_language():
    assert {other_language(line) for line in BUILT_IN.read_text().splitlines()} == {""}

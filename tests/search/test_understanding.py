"""Dates, spans and unwanted things in what people type."""

from datetime import date
from types import SimpleNamespace

import pytest

from regard.search.query import Query
from regard.search.understanding import read, understand
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

TODAY = date(2026, 11, 30)


def days(text):
    understood = understand(text, TODAY)
    since, until = understood.span
    return understood.text, since and since.isoformat(), until and until.isoformat()


@pytest.mark.parametrize(
    ("text", "rest", "since", "until"),
    [
        ("beach july 2019", "beach", "2019-07-01", "2019-07-31"),
        ("a dog in July 2019", "a dog", "2019-07-01", "2019-07-31"),
        ("2019-05", "", "2019-05-01", "2019-05-31"),
        ("snow 2019-02-28", "snow", "2019-02-28", "2019-02-28"),
        ("snow on 3 february 2021", "snow", "2021-02-03", "2021-02-03"),
        ("snow on feb 3rd, 2021", "snow", "2021-02-03", "2021-02-03"),
        ("snow 3.2.2021", "snow", "2021-02-03", "2021-02-03"),
        ("photos from 2018", "", "2018-01-01", "2018-12-31"),
        ("last summer", "", "2026-06-01", "2026-08-31"),
        ("children last winter", "children", "2025-12-01", "2026-02-28"),
        ("winter 2023 skiing", "skiing", "2023-12-01", "2024-02-29"),
        ("a cake this year", "a cake", "2026-01-01", "2026-12-31"),
        ("a cake last year", "a cake", "2025-01-01", "2025-12-31"),
        ("yesterday", "", "2026-11-29", "2026-11-29"),
        ("a car last week", "a car", "2026-11-23", "2026-11-29"),
        ("a car last month", "a car", "2026-10-01", "2026-10-31"),
        ("a car in the last 3 months", "a car", "2026-08-30", "2026-11-30"),
        ("a wedding 3 years ago", "a wedding", "2023-01-01", "2023-12-31"),
        ("2015-2018 mountains", "mountains", "2015-01-01", "2018-12-31"),
        ("mountains from may 2015 to july 2016", "mountains", "2015-05-01", "2016-07-31"),
        ("mountains between 2015 and 2018", "mountains", "2015-01-01", "2018-12-31"),
        ("a bridge since 2020", "a bridge", "2020-01-01", None),
        ("a bridge after 2020", "a bridge", "2021-01-01", None),
        ("a bridge before 2020", "a bridge", None, "2019-12-31"),
        ("my parents in the 1990s", "my parents", "1990-01-01", "1999-12-31"),
        ("my parents in the 90s", "my parents", "1990-01-01", "1999-12-31"),
        ("a lake in may", "a lake", "2026-05-01", "2026-05-31"),
        ("a lake in december", "a lake", "2025-12-01", "2025-12-31"),
    ],
)
def test_a_time_in_words_or_figures_becomes_a_span(text, rest, since, until):
    assert days(text) == (rest, since, until)


@pytest.mark.parametrize(
    "text",
    [
        "two dogs may march in spring",
        "a red bus",
        "the number 42",
        "a summer dress",
        "flight 1234",
        "20190",
        "2019-13",
        '"july 2019"',
        "a dog; 2: july 2019",
        "an abc-2019-x sign",
    ],
)
def test_what_is_no_time_stays_a_word(text):
    understood = understand(text, TODAY)
    assert understood.span == (None, None)
    assert understood.text == understood.rest == text


def test_the_words_that_named_the_time_are_told():
    understood = understand("a dog in July 2019 on a beach", TODAY)
    assert understood.said == "in July 2019"
    assert understood.rest == "a dog on a beach"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a beach without people", "a beach; -1: people"),
        ("a street with no cars", "a street; -1: cars"),
        ("a dog but no leash in the park", "a dog in the park; -1: leash"),
        ("no people, a mountain lake", "a mountain lake; -1: people"),
        ("a table without any food and no plates", "a table; -1: food; -1: plates"),
        ("a no parking sign", "a no parking sign"),
        ("without people", "without people"),
        ("a beach; -1: people", "a beach; -1: people"),
    ],
)
def test_what_is_not_wanted_counts_against(text, meant):
    understood = understand(text, TODAY).text
    assert understood == meant
    assert Query.parse(understood).sentences


@pytest.mark.parametrize(
    ("text", "tone", "rest"),
    [
        ("black and white", "black and white", ""),
        ("Black and white photos", "black and white", ""),
        ("a black and white photo of a dog", "black and white", "a photo of a dog"),
        ("a dog in black and white", "black and white", "a dog"),
        ("monochrome street", "black and white", "street"),
        ("b&w portraits of a man", "black and white", "portraits of a man"),
        ("greyscale", "black and white", ""),
        ("mostly blue", "blue", ""),
        ("a boat, mostly blue", "blue", "a boat"),
        ("red photos", "red", ""),
        ("a black and white dog", None, "a black and white dog"),
        ("a black and white cat on a sofa", None, "a black and white cat on a sofa"),
        ("a red bus", None, "a red bus"),
        ("red", None, "red"),
        ('"black and white"', None, '"black and white"'),
    ],
)
def test_colours_of_whole_photos_are_filters(text, tone, rest):
    understood = understand(text, TODAY)
    assert (understood.tone, understood.text) == (tone, rest)
    assert understand(text, TODAY, toned=False).text == text


def test_a_time_and_a_colour_are_taken_off_one_by_one():
    understood = understand("a dog in black and white last summer", TODAY)
    assert understood.text == "a dog"
    assert (understood.said, understood.tone_said) == ("last summer", "in black and white")
    assert understood.rest == "a dog in black and white"
    assert understood.untoned == "a dog last summer"


def reader(*words, english=True):
    vocabulary = Vocabulary((*SPECIAL, *words))
    return SimpleNamespace(reads_english_alone=english, vocabulary=vocabulary, labels=None)


@pytest.mark.parametrize(("english", "text"), [(True, "a dog"), (False, "a dogg")])
def test_only_what_reads_english_alone_has_words_put_right(english, text):
    model = reader("dog", english=english)
    assert read("a dogg", model, TODAY).text == text
    assert read("ein hund", model, TODAY).language == ("German" if english else "")


def test_what_photos_show_is_asked_for_where_a_word_is_unknown_alone():
    asked = []

    def shown():
        asked.append(1)
        return {"bench": 3}

    model = reader("beach", "bench")
    assert read("a beach", model, TODAY, shown).text == "a beach"
    assert not asked
    assert read("a bech", model, TODAY, shown).text == "a bench"

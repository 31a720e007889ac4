"""Words exchanged in captions, and how support tells them apart."""

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.evaluation.calibration.support import (
    Exchange,
    WordCases,
    draw_exchanges,
    fit_words,
    report,
    word_cases,
)
from regard.model.judgement import WordCurve
from regard.model.judging import Judging
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

CAPTIONS = Captions.of(
    {
        "one": ["a dog runs on the grass .", "the dog is fast"],
        "two": ["a red cat sleeps .", "the cat on a chair"],
        "three": ["of the and", "two boats"],
    }
)


def test_one_word_is_exchanged_for_one_the_photo_is_not_described_by():
    exchanges = draw_exchanges(CAPTIONS)
    assert len(exchanges) == 5  # one caption names nothing
    for exchange in exchanges:
        place = exchange.position
        assert exchange.said[:place] == exchange.exchanged[:place]
        assert exchange.said[place + 1 :] == exchange.exchanged[place + 1 :]
        assert names_something(exchange.said[place])
        own = np.flatnonzero(CAPTIONS.photo_of_caption == exchange.photo)
        used = {word for row in own for word in tokenize(CAPTIONS.sentences[row])}
        assert exchange.exchanged[place] not in used


def test_cases_hold_the_largest_cosine_of_the_word():
    class Reads:
        """Embeds 'dog' as the first axis and anything else as the second."""

        def encode_captions(self, sentences):
            words = [["<start>", *s.split(), "<end>"] for s in sentences]
            vectors = np.zeros((len(words), max(map(len, words)), 2))
            for row, some in enumerate(words):
                for place, word in enumerate(some):
                    vectors[row, place, int(word != "dog")] = 1
            return type("Embedded", (), {"directions": vectors})

        shown, evidence, background = Judging.shown, Judging.evidence, None

    exchange = Exchange(1, ("a", "dog", "runs"), ("a", "boat", "runs"), 1)
    vectors = np.array([[[0.2, 0.0], [0.9, 0.3], [5.0, 5.0]]] * 3)  # the last is padding
    cases = word_cases(Reads(), vectors, np.array([2, 2, 2]), [exchange])
    np.testing.assert_allclose(cases.evidence, [[0.9, 0, 0], [0.3, 0, 0]], atol=1e-6)
    assert cases.true.tolist() == [True, False]


def test_a_word_near_every_photo_must_come_nearer():
    generator = np.random.default_rng(0)
    usual, true = generator.uniform(0, 1, 4000), generator.integers(0, 2, 4000).astype(bool)
    largest = usual + 0.2 * true + generator.normal(0, 0.1, 4000)
    curve = fit_words(WordCases(np.stack([largest, usual, 0 * usual], 1), true))
    assert curve.mean == pytest.approx(-curve.slope, rel=0.1)
    assert curve.deviation == 0
    alone = fit_words(WordCases(np.stack([largest, 0 * usual, 0 * usual], 1), true))
    assert alone.slope < curve.slope / 2


def test_report_on_known_words():
    largest = np.array([0.9, 0.5, 0.1, 0.5])
    evidence = np.stack([largest, 0 * largest, 0 * largest], 1)
    cases = WordCases(evidence, np.array([True, True, False, False]))
    measured = report(WordCurve(20.0, -10.0), cases)  # 0.1 is far below, 0.5 is even
    assert measured.ranked == pytest.approx(100 * 3.5 / 4)
    assert (measured.true_flagged, measured.exchanged_flagged, measured.words) == (0, 50, 4)

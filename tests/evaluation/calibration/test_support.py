"""Words exchanged in captions, and how support tells them apart."""

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.evaluation.calibration.curve import Pairs
from regard.evaluation.calibration.support import Exchange, draw_exchanges, report, word_pairs
from regard.model.judgement import Calibration
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


def test_pairs_hold_the_largest_cosine_of_the_word():
    class Reads:
        """Embeds 'dog' as the first axis and anything else as the second."""

        def encode_captions(self, sentences):
            words = [["<start>", *s.split(), "<end>"] for s in sentences]
            vectors = np.zeros((len(words), max(map(len, words)), 2))
            for row, some in enumerate(words):
                for place, word in enumerate(some):
                    vectors[row, place, int(word != "dog")] = 1
            return type("Embedded", (), {"directions": vectors})

        def shown(self, regions):
            return regions

    exchange = Exchange(1, ("a", "dog", "runs"), ("a", "boat", "runs"), 1)
    vectors = np.array([[[0.2, 0.0], [0.9, 0.3], [5.0, 5.0]]] * 3)  # the last is padding
    pairs = word_pairs(Reads(), vectors, np.array([2, 2, 2]), [exchange])
    assert pairs.similarity.tolist() == [0.9, 0.3]
    assert pairs.true.tolist() == [True, False]


def test_report_on_known_words():
    pairs = Pairs(np.array([0.9, 0.5, 0.1, 0.5]), np.array([True, True, False, False]))
    measured = report(Calibration(20.0, -10.0), pairs)  # 0.1 is far below, 0.5 is even
    assert measured.ranked == pytest.approx(100 * 3.5 / 4)
    assert (measured.true_flagged, measured.exchanged_flagged, measured.words) == (0, 50, 4)

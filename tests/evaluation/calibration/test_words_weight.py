"""Words join a backbone's ranking only where they find more, on photos not fitted to."""

import numpy as np

from regard.datasets.captions import Captions
from regard.evaluation.calibration.words_weight import WEIGHTS, fit_weight


def captions_of(photos):
    owner = np.arange(photos)
    return Captions(tuple(map(str, owner)), tuple(map(str, owner)), owner)


def test_words_that_find_more_join():
    rng = np.random.default_rng(0)
    wholes = rng.normal(size=(40, 40)) + np.eye(40)
    words = rng.normal(size=(40, 40)) * 0.1 + 5 * np.eye(40)
    assert fit_weight(wholes, words, captions_of(40)) in WEIGHTS[1:]


def test_words_that_find_no_more_stay_out():
    rng = np.random.default_rng(0)
    wholes = 9 * np.eye(40)
    assert fit_weight(wholes, rng.normal(size=(40, 40)), captions_of(40)) == 0
    assert fit_weight(wholes[:1, :1], wholes[:1, :1], captions_of(1)) == 0

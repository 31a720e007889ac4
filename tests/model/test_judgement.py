"""What similarities are worth, on numbers typed by hand."""

import math

import numpy as np
import pytest

from regard.model.background import Background, Spread
from regard.model.judgement import Curves, Judgement, VerdictCurve, verdict

CURVE = VerdictCurve(best=10.0, among=-1.0, mean=-5.0, deviation=2.0, intercept=-1.0)


def background():
    generator = np.random.default_rng(0)
    return Background.of(generator.normal(size=(7, 16)), generator.normal(size=(5, 16)))


def test_a_query_is_judged_by_its_best_its_number_and_its_background():
    logit = 10 * 0.6 - math.log(20) - 5 * 0.1 + 2 * 0.05 - 1
    wanted = 1 / (1 + math.exp(-logit))
    assert CURVE.probability(0.6, 20, Spread(0.1, 0.05)) == pytest.approx(wanted)
    wordy = CURVE._replace(words=3.0)
    wanted = 1 / (1 + math.exp(-logit - 3 * math.log(4)))
    assert wordy.probability(0.6, 20, Spread(0.1, 0.05), 4) == pytest.approx(wanted)


def test_judgement_of_what_is_recorded():
    info = {
        "calibration": {"slope": 2.0, "intercept": -1.0, "more": "kept"},
        "verdict": {"photos": CURVE._asdict()},
    }
    curves = Curves.of(info)
    assert curves.pair == (2.0, -1.0)
    assert curves.word is None
    spread = background().spread(np.ones((3, 16), np.float32), "photos")
    low, high = curves.judge([0.1, 0.5], [0.1, 0.5], "photos", spread, 9)
    assert high.match_probability == pytest.approx(CURVE.probability(0.5, 9, spread))
    assert low.match_probability < high.match_probability
    assert high.probability == pytest.approx(0.5)
    assert (
        curves.judge([0.5], [0.5], "sentences", spread, 9)[0].match_probability is None
    )  # no curve
    assert (
        curves.judge([0.5], [0.5], "photos", None, 9)[0].match_probability is None
    )  # no background
    apart = curves.judge([0.9], [0.5], "photos", spread, 9)[0]  # pairs by agreement, else by rank
    assert apart == (pytest.approx(1 / (1 + math.exp(-0.8))), high.match_probability)
    assert curves.judge([], [], "photos", spread, 0) == []  # nothing to look at
    assert Curves.of({}) == Curves()
    assert Curves().judge([0.5], [0.5], "photos", spread, 9) == [Judgement(None, None)]


def test_verdict_in_words():
    wanted = [None, "no sure match", "match"]
    assert [verdict(p) for p in (None, 0.49, 0.5)] == wanted
    assert [Judgement(0.9, p).verdict for p in (None, 0.49, 0.5)] == wanted


def test_strength_in_a_word():
    wanted = [None, "weak", "possible", "possible", "strong"]
    assert [Judgement(0.9, p).strength for p in (None, 0.24, 0.25, 0.49, 0.5)] == wanted

"""What similarities are worth, on numbers typed by hand."""

import math

import numpy as np
import pytest

from regard.model.background import Background, Spread
from regard.model.judgement import Judgement, VerdictCurve, verdict

CURVE = VerdictCurve(best=10.0, among=-1.0, mean=-5.0, deviation=2.0, intercept=-1.0)


def background():
    generator = np.random.default_rng(0)
    return Background.of(generator.normal(size=(7, 16)), generator.normal(size=(5, 16)))


def test_a_query_is_judged_by_its_best_its_number_and_its_background():
    logit = 10 * 0.6 - math.log(20) - 5 * 0.1 + 2 * 0.05 - 1
    wanted = 1 / (1 + math.exp(-logit))
    assert CURVE.probability(0.6, 20, Spread(0.1, 0.05)) == pytest.approx(wanted)


def test_judgement_of_what_is_recorded():
    info = {
        "calibration": {"slope": 2.0, "intercept": -1.0, "more": "kept"},
        "verdict": {"photos": CURVE._asdict()},
    }
    made, asked = Judgement.of(info, background()), np.ones((3, 16), np.float32)
    assert made.pair == (2.0, -1.0)
    assert made.word is None
    wanted = CURVE.probability(0.5, 9, made.background.spread(asked, "photos"))
    assert made.found("photos", asked, 0.5, 9) == wanted
    assert made.found("sentences", asked, 0.5, 9) is None  # no curve
    assert made.found("photos", asked, 0.5, 0) is None  # nothing to look at
    assert Judgement.of(info, None).found("photos", asked, 0.5, 9) is None
    assert Judgement.of({}, None) == Judgement()


def test_verdict_in_words():
    assert [verdict(p) for p in (None, 0.49, 0.5)] == [None, "no good match", "match"]

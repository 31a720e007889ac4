"""Probabilities mean what they say, on numbers whose truth is known."""

import numpy as np
import pytest

from regard.errors import ShapeError
from regard.evaluation.calibration.curve import Pairs, draw_pairs, fit, reliability
from regard.model.judgement import Calibration


def drawn(seed, count=20000, slope=12.0, intercept=-4.0):
    """Similarities whose pairs are true with a known probability."""
    generator = np.random.default_rng(seed)
    similarity = generator.uniform(0, 1, count)
    chance = 1 / (1 + np.exp(-(slope * similarity + intercept)))
    return Pairs(similarity, generator.random(count) < chance)


def test_the_curve_that_made_the_pairs_is_found():
    curve = fit(drawn(0))
    assert curve.slope == pytest.approx(12, rel=0.05)
    assert curve.intercept == pytest.approx(-4, rel=0.05)


def test_a_fitted_curve_is_reliable_on_other_pairs_and_a_wrong_one_is_not():
    other = drawn(1)
    good = reliability(fit(drawn(0)).probability(other.similarity), other.true)
    assert good.expected_calibration_error < 0.02
    assert sum(good.pairs) == len(other.true)
    always = Calibration(0.0, 3.0).probability(other.similarity)  # 95 %
    wrong = reliability(always, other.true)
    expected = abs(Calibration(0.0, 3.0).probability(np.zeros(1))[0] - other.true.mean())
    assert wrong.expected_calibration_error == pytest.approx(expected)
    assert (len(wrong.said), wrong.pairs) == (1, [len(other.true)])


def test_separable_pairs_give_a_finite_curve():
    curve = fit(Pairs(np.array([0.0, 0.1, 0.9, 1.0]), np.array([False, False, True, True])))
    low, high = curve.probability(np.array([0.0, 1.0]))
    assert 0 < low < 0.05
    assert 0.95 < high < 1


def test_pairs_are_each_caption_with_its_photo_and_with_another():
    photo_of_caption = np.array([0, 0, 1, 2, 2, 2])
    similarity = (np.arange(3)[:, None] == photo_of_caption).astype(np.float32)
    pairs = draw_pairs(similarity, photo_of_caption)
    assert pairs.true.tolist() == [True] * 6 + [False] * 6
    assert (pairs.similarity == pairs.true).all()


def test_one_photo_has_no_wrong_pairs():
    with pytest.raises(ShapeError, match="there must be two or more"):
        draw_pairs(np.ones((1, 2), np.float32), np.array([0, 0]))

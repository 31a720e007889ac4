"""What is taken off similarities, on numbers typed by hand and against plain float64."""

import math

import numpy as np
import pytest

from regard.errors import CheckpointError
from regard.model.background import FILE, LEVEL, Background, Trend, fit_trend


@pytest.fixture
def sides():
    generator = np.random.default_rng(0)
    return generator.normal(size=(70, 16)), generator.normal(size=(50, 16))


def by_hand(rows, others, own):
    rows, others, own = (
        side / np.linalg.norm(side, axis=1, keepdims=True) for side in (rows, others, own)
    )
    maxima, usual = (np.log(np.exp(20 * side @ others.T).mean(1)) / 20 for side in (rows, own))
    return 0.6 * (maxima - usual.mean())


def test_discounts_are_the_smooth_maximum_of_the_cosines_over_the_usual_one(sides):
    photos, sentences = sides
    background = Background.of(photos, sentences)
    rows = np.random.default_rng(1).normal(size=(600, 16))
    discounts = background.photo_discounts(rows)
    np.testing.assert_allclose(
        discounts, by_hand(rows, sentences, photos), atol=5e-3
    )  # kept in int8
    np.testing.assert_allclose(
        background.sentence_discounts(rows, np.full(600, 9)),
        by_hand(rows, photos, sentences),
        atol=5e-3,
    )
    np.testing.assert_allclose(
        background.photo_discounts(7 * rows), discounts, atol=1e-6
    )  # of any length


def test_sentences_are_lowered_by_their_length_as_far_as_lengths_are_known(sides):
    plain = Background.of(*sides)
    background = plain.with_trend(Trend(-0.1, math.log(6), math.log(4), math.log(12)))
    rows, words = np.ones((5, 16)), np.array([3, 4, 6, 12, 40])
    more = background.sentence_discounts(rows, words) - plain.sentence_discounts(rows, words)
    short, long = -0.1 * math.log(4 / 6), -0.1 * math.log(12 / 6)
    np.testing.assert_allclose(more, [short, short, 0, long, long], atol=1e-6)


def test_a_trend_is_fitted_to_the_smooth_maximum():
    words = np.arange(4, 20)
    similarities = 0.3 - 0.05 * np.log(words) + np.zeros((30, 1))
    similarities[3, 5] = np.nan  # its own photo
    trend = fit_trend(similarities, words)
    assert trend.slope == pytest.approx(-0.05)
    assert trend.usual == pytest.approx(np.log(words).mean())
    assert math.log(4) < trend.shortest < math.log(5) < math.log(18) < trend.longest < math.log(19)


def test_a_trend_of_similarities_far_above_one_is_finite():
    words = np.arange(4, 20)
    trend = fit_trend(500 + 3 * np.log(words) + np.zeros((30, 1)), words)
    assert trend.slope == pytest.approx(3)


def test_where_nothing_tells_a_trend_there_is_none():
    assert fit_trend(np.full((1, 4), np.nan), np.arange(3, 7)) == LEVEL
    assert fit_trend(np.random.default_rng(0).random((5, 4)), np.full(4, 7)).slope == 0


def test_hubs_are_lowered_and_loners_raised():
    photos, sentences = np.eye(6)[[0, 1, 2, 3]], np.eye(6)[[2, 3]]
    background = Background.of(photos, sentences)
    hub, loner = background.photo_discounts(np.array([[0.0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]))
    usual = (0 + 0 + 2 * (1 - math.log(2) / 20)) / 4
    assert hub == pytest.approx(0.6 * (1 / math.sqrt(2) - usual), abs=0.01)
    assert loner == pytest.approx(-0.6 * usual, abs=0.01)


def test_few_directions_are_kept_and_hold_what_varies():
    generator = np.random.default_rng(2)
    low = generator.normal(size=(40, 300))  # vectors of 300 numbers in 40 directions
    photos, sentences = (generator.normal(size=(90, 40)) @ low for _ in range(2))
    background = Background.of(photos, sentences)
    assert background.photos.shape == (90, 96)
    rows = generator.normal(size=(30, 40)) @ low
    np.testing.assert_allclose(
        background.photo_discounts(rows), by_hand(rows, sentences, photos), atol=5e-3
    )


def test_spread_is_of_the_cosines_of_the_mean():
    background = Background.of(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), np.eye(2))
    asked = np.array([[1.0, 0.0], [0.0, 1.0]])
    cosines = np.array([1, -1, 1]) / math.sqrt(2)
    wanted = pytest.approx((cosines.mean(), cosines.std()), abs=0.01)
    assert background.spread(asked, "photos") == wanted
    assert background.spread(asked, "sentences").deviation == pytest.approx(0, abs=0.01)


def test_it_survives_the_disk_bit_for_bit(tmp_path, sides):
    kept = Background.of(*sides).with_trend(Trend(-0.04, 2.5, 1.5, 3.5))
    kept.save(tmp_path)
    background = Background.load(tmp_path)
    for one, other in zip(background, kept, strict=True):
        np.testing.assert_array_equal(one, other)
    assert background.digest == kept.digest
    assert background.digest != Background.of(*reversed(sides)).digest
    assert Background.load(tmp_path / "elsewhere") is None
    (tmp_path / FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="regard calibrate"):
        Background.load(tmp_path)

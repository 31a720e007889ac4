"""Figures from ranks, means over galleries, and intervals that behave."""

import numpy as np
import pytest

from regard.core.metrics import retrieval
from regard.errors import ShapeError
from regard.evaluation.ranking import Ranks, figures, intervals, rank

OWNER = np.array([0, 0, 1, 2])
SCORES = np.array(
    [
        [0.9, 0.1, 0.8, 0.2],  # photo 0: caption 0 first
        [0.3, 0.4, 0.2, 0.5],  # photo 1: its caption 2 is last
        [0.1, 0.6, 0.3, 0.4],  # photo 2: its caption 3 is second
    ],
    np.float32,
)


def random_ranks(seed: int, photos: int = 60, each: int = 3) -> Ranks:
    random = np.random.default_rng(seed)
    owner = np.repeat(np.arange(photos), each)
    return rank(random.normal(size=(photos, photos * each)).astype(np.float32), owner)


def test_ranks_by_hand() -> None:
    ranks = rank(SCORES, OWNER)
    assert ranks.of_images.tolist() == [1, 4, 2]
    assert ranks.of_captions.tolist() == [1, 3, 3, 2]
    one = figures([ranks])
    assert one.caption_retrieval.recall == pytest.approx({1: 100 / 3, 5: 100.0, 10: 100.0})
    assert one.image_retrieval.recall == pytest.approx({1: 25.0, 5: 100.0, 10: 100.0})
    assert (one.caption_retrieval.median_rank, one.image_retrieval.mean_rank) == (2.0, 2.25)
    assert one.rsum == pytest.approx(100 / 3 + 25 + 400)


def test_one_gallery_gives_what_core_gives() -> None:
    ranks = rank(SCORES, OWNER)
    assert figures([ranks]) == retrieval(SCORES, OWNER)


def test_several_galleries_give_the_mean_of_theirs() -> None:
    parts = [random_ranks(seed) for seed in range(5)]
    whole = figures(parts)
    alone = [figures([one]) for one in parts]
    for k in (1, 5, 10):
        mean = np.mean([one.caption_retrieval.recall[k] for one in alone])
        assert whole.caption_retrieval.recall[k] == pytest.approx(mean)
    assert whole.rsum == pytest.approx(np.mean([one.rsum for one in alone]))
    median = np.mean([one.image_retrieval.median_rank for one in alone])
    assert whole.image_retrieval.median_rank == pytest.approx(median)


def test_equal_similarities_find_nothing_unless_the_official_order_is_asked_for() -> None:
    equal = np.zeros((40, 40), np.float32)
    owner = np.arange(40)
    assert figures([rank(equal, owner)]).rsum == 0
    assert figures([rank(equal, owner, "official")]).rsum > 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error(value: float) -> None:
    scores = SCORES.copy()
    scores[1, 2] = value
    with pytest.raises(ShapeError, match="not finite"):
        rank(scores, OWNER)


def test_intervals_hold_the_figure_and_repeat_exactly() -> None:
    ranks = [random_ranks(1)]
    limits, again, figure = intervals(ranks), intervals(ranks), figures(ranks)
    assert limits == again
    for k in (1, 5, 10):
        low, high = limits.caption_retrieval[k]
        assert low <= figure.caption_retrieval.recall[k] <= high
        low, high = limits.image_retrieval[k]
        assert low <= figure.image_retrieval.recall[k] <= high
    assert limits.rsum[0] < figure.rsum < limits.rsum[1]


def test_intervals_have_the_width_statistics_say() -> None:
    """400 independent photos of one caption, half found: 1.96 sqrt(.25 / 400) = 4.9 % each way."""
    ranks = np.where(np.arange(400) % 2, 1, 100)
    limits = intervals([Ranks(ranks, ranks, np.arange(400))])
    low, high = limits.image_retrieval[1]
    assert (high - low) / 2 == pytest.approx(4.9, abs=0.5)
    assert limits.rsum[1] - limits.rsum[0] == pytest.approx(6 * (high - low), rel=1e-9)


def test_captions_of_a_photo_are_redrawn_together() -> None:
    """Five captions found or missed together are one observation, not five."""
    found_photos = np.arange(200) % 2 == 0
    of_images = np.where(found_photos, 1, 100)
    together = Ranks(of_images, np.repeat(of_images, 5), np.repeat(np.arange(200), 5))
    low, high = intervals([together]).image_retrieval[1]
    assert (high - low) / 2 == pytest.approx(1.96 * 100 * np.sqrt(0.25 / 200), abs=1.0)


def test_nothing_found_or_everything_found_is_certain() -> None:
    every = Ranks(np.ones(9, int), np.ones(9, int), np.arange(9))
    assert intervals([every]).rsum == (600.0, 600.0)

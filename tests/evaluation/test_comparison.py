"""Relative gains by hand, and intervals that behave."""

import numpy as np
import pytest

from regard.evaluation.comparison import captions_found, differences, gain, images_found
from regard.evaluation.ranking import Ranks, intervals

KEYS = ("R@1", "R@5", "R@10")
OWNER = np.array([0, 0, 1, 2])


def ranks(of_images, of_captions):
    return Ranks(np.array(of_images), np.array(of_captions), OWNER)


def test_found_by_hand_is_the_mean_over_runs():
    runs = [ranks([1, 2, 1], [1, 1, 3, 1]), ranks([1, 1, 4], [2, 1, 1, 1])]
    photos = captions_found(runs)
    assert photos.hits.tolist() == [1, 0.5, 0.5]
    assert photos.recall == pytest.approx(100 * 2 / 3)
    captions = images_found(runs)
    assert captions.hits.tolist() == [1.5, 0.5, 1]
    assert captions.queries.tolist() == [2, 1, 1]
    assert captions.recall == pytest.approx(75)
    some = images_found(runs, np.array([True, False, True, False]))
    assert (some.hits.tolist(), some.queries.tolist()) == ([0.5, 0.5, 0], [1, 1, 0])


def test_gain_is_relative_and_paired():
    random = np.random.default_rng(0)
    weak = (random.random(400) < 0.3).astype(int)
    strong = weak | (random.random(400) < 0.1)
    owner = np.arange(400)
    ours, theirs = (captions_found([Ranks(2 - hit, 2 - hit, owner)]) for hit in (strong, weak))
    difference = gain(ours, theirs)
    assert difference.gain == pytest.approx(100 * (strong.sum() / weak.sum() - 1))
    assert 0 < difference.interval[0] < difference.gain < difference.interval[1]
    assert gain(ours, ours).interval == (0, 0)  # the same photos are drawn for both


def test_differences_are_paired_and_counted_by_hand():
    ours = [[ranks([1, 2, 6], [1, 1, 3, 11])]]
    theirs = [[ranks([1, 1, 4], [2, 1, 1, 1])], [ranks([2, 1, 4], [2, 1, 1, 1])]]
    tree = differences(ours, theirs)
    first = tree["image_to_text"]["R@1"]
    assert first["first"] == pytest.approx(100 / 3)
    assert first["second"] == pytest.approx(50)  # the mean of two runs
    assert first["difference"] == pytest.approx(100 / 3 - 50)
    assert tree["text_to_image"]["R@10"]["second"] == 100
    sides = [tree[side][key] for side in ("image_to_text", "text_to_image") for key in KEYS]
    assert tree["rsum"]["first"] == pytest.approx(sum(one["first"] for one in sides))
    low, high = tree["rsum"]["interval"]
    assert low < tree["rsum"]["difference"] < high
    assert differences(theirs, theirs)["rsum"]["interval"] == [0, 0]


def test_a_clear_difference_is_told_from_chance():
    random = np.random.default_rng(0)
    weak = random.integers(1, 40, 300)
    strong = np.maximum(weak - random.integers(0, 9, 300), 1)
    owner = np.arange(300)
    models = [[[Ranks(found, found, owner)]] for found in (strong, weak)]
    low, high = differences(*models)["rsum"]["interval"]
    assert 0 < low < high
    assert high - low < np.diff(intervals(models[0][0]).rsum)[0]  # than either alone

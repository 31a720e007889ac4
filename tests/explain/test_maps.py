"""Maps follow the boxes, and their peak and best region are where the scores say."""

import numpy as np
import pytest

from regard.explain.explanation import WordExplanation
from regard.explain.maps import best_region, heat_map, map_grid, peak, region_scores
from regard.regions.pyramid import pyramid_boxes

SIZE = (200, 100)
HALVES = np.array([[0, 0, 100, 100], [100, 0, 200, 100.0]])


def word(cosines, attention, pointing=None):
    pointing = None if pointing is None else np.array(pointing)
    return WordExplanation("w", 0.0, 0.0, np.array(attention), np.array(cosines), None, pointing)


def test_map_is_the_sum_of_gaussians():
    scores, boxes = np.array([0.5, 2.0]), np.array([[0, 0, 40, 20], [100, 40, 200, 100.0]])
    heat = heat_map(scores, boxes, SIZE, (8, 5))
    raw = np.zeros((5, 8))
    for row in range(5):
        for column in range(8):
            x, y = (column + 0.5) * 25, (row + 0.5) * 20
            for score, (x1, y1, x2, y2) in zip(scores, boxes, strict=True):
                dx = (x - (x1 + x2) / 2) / ((x2 - x1) / 2)
                dy = (y - (y1 + y2) / 2) / ((y2 - y1) / 2)
                raw[row, column] += score * np.exp(-(dx**2 + dy**2) / 2)
    assert heat == pytest.approx((raw - raw.min()) / (raw.max() - raw.min()))


def test_peak_lies_in_the_box_that_counts():
    for favoured in (0, 1):
        scores = np.array([0.1, 0.1])
        scores[favoured] = 1.0
        heat = heat_map(scores, HALVES, SIZE, (40, 20))
        assert heat.min() == 0
        assert heat.max() == 1
        x, y = peak(heat, SIZE)
        assert HALVES[favoured][0] < x < HALVES[favoured][2]
        assert y == pytest.approx(50, abs=3)


def test_where_boxes_overlap_it_is_brightest():
    boxes = np.array([[0, 0, 80, 60], [40, 20, 120, 100.0], [40, 0, 120, 60]])
    x, y = peak(heat_map(np.ones(3), boxes, SIZE, (100, 50)), SIZE)
    assert 40 < x < 80
    assert 20 < y < 60


def test_a_map_without_differences_is_bright_everywhere():
    whole = np.array([[0, 0, 200, 100.0]])
    assert (heat_map(np.ones(1), whole, SIZE, (1, 1)) == 1).all()
    assert (heat_map(np.zeros(2), HALVES, SIZE, (4, 2)) == 1).all()


def test_a_box_without_width_still_shows():
    heat = heat_map(np.ones(1), np.array([[50, 50, 50, 50.0]]), SIZE, (200, 100))
    assert np.isfinite(heat).all()
    assert peak(heat, SIZE) == pytest.approx((50, 50), abs=1)


def test_best_region_covers_the_bright_part():
    boxes = pyramid_boxes() * np.array([*SIZE, *SIZE])
    for wanted in (0, 1, 4, 31):  # the whole, two quarters, a half
        x1, y1, x2, y2 = boxes[wanted]
        x, y = np.meshgrid(np.arange(100) * 2 + 1, np.arange(50) * 2 + 1)
        bright = ((x > x1) & (x < x2) & (y > y1) & (y < y2)).astype(float)
        assert best_region(bright, boxes, SIZE) == wanted


def test_grid_keeps_the_shape():
    assert map_grid((200, 100), 32) == (32, 16)
    assert map_grid((100, 200), 32) == (16, 32)
    assert map_grid((5000, 10), 32) == (32, 1)


def test_scores_of_models_that_never_saw_a_box():
    words = [word([0.1, 0.2], [0.9, 0.1]), word([0.3, 0.0], [0.5, 0.5])]
    wanted = np.exp(10 * np.array([0.2, 0.1])) * np.array([0.7, 0.3])
    assert region_scores(words) == pytest.approx(wanted)


def test_scores_of_models_that_learned_to_point():
    words = [word([0.1, 0.2], [0.9, 0.1], [2.0, 500.0]), word([0.3, 0], [0.5, 0.5], [4.0, 500.0])]
    assert region_scores(words) == pytest.approx([np.exp(3 - 500), 1])

"""Boxes to patches, and back to places in the photo."""

import numpy as np
import pytest

from regard.backbones.windows import boxes_of, in_photo, inside
from regard.regions.pyramid import pyramid_boxes


@pytest.mark.parametrize("cells", [1, 4, 7, 14, 16, 32])
def test_every_box_has_patches_and_the_whole_has_all(cells):
    patches = inside(boxes_of("pyramid", cells), cells)
    assert patches.shape == (36, cells * cells)
    assert patches.any(1).all()
    assert patches[0].all()


def test_patches_are_those_whose_middle_is_in_the_box():
    patches = inside(np.array([[0.0, 0.5, 0.5, 1.0]], np.float32), 4).reshape(4, 4)
    assert patches.tolist() == [[False] * 4] * 2 + [[True, True, False, False]] * 2


def test_a_box_between_the_middles_has_the_nearest_patch():
    patches = inside(np.array([[0.3, 0.3, 0.35, 0.35]], np.float32), 4).reshape(4, 4)
    assert patches.sum() == 1
    assert patches[1, 1]


def test_a_grid_is_a_box_for_each_patch_of_at_most_sixteen():
    grid = boxes_of("grid", 4)
    assert np.array_equal(inside(grid, 4), np.eye(16, dtype=bool))
    assert len(boxes_of("grid", 32)) == 256
    assert (inside(boxes_of("grid", 32), 32).sum(1) == 4).all()


def test_boxes_are_placed_in_the_part_that_is_seen():
    placed = in_photo(pyramid_boxes()[:1], (0.25, 0.0, 0.75, 1.0), (200, 100))
    assert placed.tolist() == [[50, 0, 150, 100]]

"""A part of a photo as a query."""

import numpy as np
import pytest

from regard.errors import DataError
from regard.regions.pyramid import pyramid_boxes
from regard.search.part import Box, part_of
from regard.store.region_store import Regions

SIZE = (400, 200)
VECTORS = np.arange(36, dtype=np.float32)[:, None]
REGIONS = Regions(VECTORS, pyramid_boxes() * (SIZE * 2), np.ones(36, np.float32), *SIZE)


def rows(text):
    return part_of(REGIONS, Box.parse(text)).vectors[:, 0].astype(int).tolist()


def test_a_box_takes_the_regions_that_lie_in_it():
    boxes = pyramid_boxes()
    chosen = rows("0.5,0,0.5,1")
    assert 0 not in chosen
    assert len(chosen) > 4
    middles = (boxes[chosen, 0] + boxes[chosen, 2]) / 2
    assert middles.min() > 0.5


def test_a_box_smaller_than_all_regions_takes_the_one_that_fits_best():
    chosen = rows("0.02,0.02,0.2,0.2")
    assert len(chosen) == 1
    assert pyramid_boxes()[chosen[0]].tolist() == pytest.approx([0, 0, 0.3, 0.3])


def test_without_a_box_all_of_a_photo_counts():
    assert np.array_equal(part_of(REGIONS).vectors, VECTORS)
    assert rows("0,0,1,1") == list(range(36))


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,0,0,1", "0.5,0,0.6,1", "-0.1,0,1,1"])
def test_what_is_no_part_of_a_photo_is_told(text):
    with pytest.raises(DataError, match=r"must be x,y,width,height"):
        Box.parse(text)

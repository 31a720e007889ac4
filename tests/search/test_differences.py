"""What differs between two photos."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from regard.search.catalog import PhotoRecord
from regard.search.differences import DIFFERS, differences
from regard.store.region_store import Regions

GRID = [(x / 3, y / 3, (x + 1) / 3, (y + 1) / 3) for y in range(3) for x in range(3)]
WHERE = (
    *("in the upper left", "at the top", "in the upper right"),
    *("on the left", "in the middle", "on the right"),
    *("in the lower left", "at the bottom", "in the lower right"),
)


def record(name="a.jpg", size=(900, 600), second=None):
    taken = None if second is None else datetime(2021, 5, 1, 12, 0, second)
    return PhotoRecord("0" * 16, Path("/p", name), *size, taken, 1, 0.0)


def regions(changed=(), cosine=0.0):
    """Nine regions and the whole photo; those changed are no other's by more than a cosine."""
    vectors = np.eye(10, 24)
    for row in changed:
        vectors[row] *= cosine
        vectors[row, 12 + row] = (1 - cosine**2) ** 0.5
    boxes = np.array([*GRID, (0, 0, 1, 1)]) * (900, 600, 900, 600)
    return Regions(vectors.astype(np.float32), boxes, np.ones(10), 900, 600)


def told(photo, changed=(), other=None, cosine=0.0):
    return differences(photo, regions(changed, cosine), other or record(), regions())


@pytest.mark.parametrize("row", range(9))
def test_a_place_that_differs_is_named_and_has_its_box(row):
    text, boxes = told(record(), [row])
    assert text == f"Differs {WHERE[row]}"
    assert boxes == [pytest.approx(GRID[row], abs=1e-4)]


def test_what_only_the_other_shows_is_told_too():
    lacking = regions()
    lacking = lacking._replace(
        vectors=np.delete(lacking.vectors, 8, 0), boxes=lacking.boxes[[0, 1, 2, 3, 4, 5, 6, 7, 9]]
    )
    assert differences(record(), lacking, record(), regions()).text == f"Differs {WHERE[8]}"


def test_the_whole_photo_is_no_place():
    assert told(record(), [9]) == ("No region differs", [])


def test_little_is_no_difference():
    assert told(record(), [4], cosine=1 - DIFFERS + 0.01).boxes == []
    assert told(record(), [4], cosine=1 - DIFFERS - 0.01).boxes != []


def test_three_places_at_most_and_none_twice():
    text, boxes = told(record(), [0, 2, 6, 8])
    assert text == "Differs in the upper left, in the upper right and in the lower left"
    assert len(boxes) == 3


@pytest.mark.parametrize(
    ("photo", "other", "text"),
    [
        (record("a.cr2"), record("a.jpg"), "Raw file, no region differs"),
        (record(size=(450, 300)), record(), "Smaller (450 × 300), no region differs"),
        (record(size=(1800, 1200)), record(), "Larger (1800 × 1200), no region differs"),
        (record(size=(600, 600)), record(), "Cut differently (600 × 600), no region differs"),
        (record(second=3), record(second=1), "Taken 2 seconds later, no region differs"),
        (record(second=1), record(second=2), "Taken 1 second earlier, no region differs"),
        (record(size=(905, 600)), record(), "No region differs"),
    ],
)
def test_files_and_times_are_told_first(photo, other, text):
    assert told(photo, other=other).text == text

"""Photos that are nearly the same picture."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from regard.search import stacks
from regard.search.catalog import PhotoRecord
from regard.search.stacks import ALIKE, BURST, bursts, joined, leaders, stacked, twins


def unit(*angles):
    return np.array([[np.cos(a), np.sin(a)] for a in angles], np.float32)


NEAR = float(np.arccos(ALIKE))


def test_a_photo_joins_the_first_it_nearly_is():
    assert leaders(unit(0, 2, 0.01, 2.01, 4, 0.02)).tolist() == [0, 1, 0, 1, 4, 0]


def test_what_is_near_to_a_follower_alone_begins_a_stack_of_its_own():
    assert leaders(unit(0, 0.9 * NEAR, 1.8 * NEAR)).tolist() == [0, 0, 2]


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_blocks_change_nothing(monkeypatch, block):
    generator = np.random.default_rng(3)
    angles = generator.integers(0, 40, 60) / 40 * 6.28 + generator.normal(0, 0.01, 60)
    expected = leaders(unit(*angles))
    monkeypatch.setattr(stacks, "_BLOCK", block)
    assert (leaders(unit(*angles)) == expected).all()


def test_no_photo_has_none():
    assert leaders(np.zeros((0, 4), np.float32)).tolist() == []


def test_photos_taken_apart_are_none_of_a_stack():
    seconds = np.array([0.0, 61.0, 59.0, np.nan])
    assert leaders(unit(0, 0, 0, 0), seconds).tolist() == [0, 1, 0, 0]


NOON = datetime(2021, 5, 1, 12)


def shot(path, second=None):
    taken = None if second is None else NOON + timedelta(seconds=second)
    return PhotoRecord(Path(path).name, Path("/p", path), 40, 30, taken, 1, 0.0)


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        (shot("a/IMG_1.CR2"), shot("a/IMG_1.jpg"), True),
        (shot("a/img_1.jpg", 0), shot("a/IMG_1.ARW", 1), True),
        (shot("a/1.heic"), shot("a/1.jpg"), True),
        (shot("a/1.cr2", 0), shot("a/1.jpg", 60), False),  # another camera's photo of that name
        (shot("a/1.cr2"), shot("b/1.jpg"), False),
        (shot("a/1.cr2"), shot("a/2.jpg"), False),
        (shot("a/1.png"), shot("a/1.jpg"), False),
        (shot("a/1.cr2"), shot("a/1.CR2"), False),
    ],
)
def test_a_raw_file_and_its_jpeg_are_one(one, other, are_one):
    assert twins([shot("z.jpg"), one, other]) == ([(1, 2)] if are_one else [])


CLOSE = float(np.arccos(BURST)) * 0.9


@pytest.mark.parametrize(
    ("other", "angle", "is_burst"),
    [
        (shot("a/2.jpg", 2), CLOSE, True),
        (shot("a/2.jpg", 3), CLOSE, False),
        (shot("b/2.jpg", 1), CLOSE, False),
        (shot("a/2.jpg"), CLOSE, False),
        (shot("a/2.jpg", 1), 1.3 * CLOSE, False),
    ],
)
def test_a_burst_is_of_one_folder_moment_and_look(other, angle, is_burst):
    units = unit(0, 3, angle)
    photos = [shot("a/1.jpg", 0), shot("a/9.jpg", 500), other]
    assert bursts(photos, lambda places: units[list(places)]) == ([(0, 2)] if is_burst else [])


def test_pairs_join_stacks_under_the_first():
    assert joined(np.array([0, 1, 1, 3, 4]), [(2, 0), (4, 3)]).tolist() == [0, 0, 0, 3, 3]


def test_stacks_by_looks_need_a_model_for_which_they_were_measured():
    photos = [shot("a/1.cr2"), shot("a/1.jpg"), shot("a/2.jpg")]
    units = unit(0, 2, 0)
    assert stacked(photos, units, measured=True) == {"1.jpg": "1.cr2", "2.jpg": "1.cr2"}
    assert stacked(photos, units, measured=False) == {"1.jpg": "1.cr2"}
    assert stacked([], np.zeros((0, 2), np.float32), measured=True) == {}

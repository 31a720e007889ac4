"""Photos that are nearly the same picture."""

import numpy as np
import pytest

from regard.search import stacks
from regard.search.stacks import ALIKE, leaders


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

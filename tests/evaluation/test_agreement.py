"""Pairs graded by people's captions, and how far scores agree with them."""

from itertools import combinations

import numpy as np
import pytest

from regard.datasets.captions import Captions
from regard.errors import ShapeError
from regard.evaluation.agreement import (
    NEAR,
    NEARBY,
    OTHER,
    OWN,
    WEIGHTS,
    Parts,
    agreement,
    draw_pairs,
    tau_c,
)

COLOURS = ("red", "green", "blue", "white")
CAPTIONS = Captions.of(
    {
        f"{what}-{colour}-{place}": [f"a {colour} {what} {place}", f"the {what} is {colour}"]
        for what in ("dog", "bus")
        for colour in COLOURS
        for place in ("on grass", "in the snow", "at night")
    }
)

GRADED = np.linspace(0, 1, 1000)  # shares of pairs, of which each grade has its part


@pytest.fixture(scope="module")
def pairs():
    return draw_pairs(CAPTIONS)


def test_every_photo_has_its_own_caption_near_ones_and_others(pairs):
    owner = CAPTIONS.photo_of_caption[pairs.caption]
    assert ((owner == pairs.photo) == (pairs.kind == OWN)).all()
    for kind, count in ((OWN, 1), (NEARBY, 2), (OTHER, 2)):
        assert (np.bincount(pairs.photo[pairs.kind == kind]) == count).all()
    things = np.array([name.split("-")[0] for name in CAPTIONS.photos])
    alike = things[owner] == things[pairs.photo]
    assert alike[pairs.kind == NEARBY].mean() > 0.9  # a dog's near photos are of dogs
    likeness = [pairs.likeness[pairs.kind == kind].mean() for kind in (OTHER, NEARBY, OWN)]
    assert likeness == sorted(likeness)


def test_few_photos_are_refused():
    few = Captions.of({str(n): ["a dog"] for n in range(2 * NEAR)})
    with pytest.raises(ShapeError, match="there are 20 photos; there must be more than 20"):
        draw_pairs(few)


def test_scores_that_follow_the_likeness_agree_most(pairs):
    noise = np.random.default_rng(0).normal(size=len(pairs.photo))
    best, none = agreement(pairs.likeness, pairs), agreement(noise, pairs)
    shares = np.bincount(np.digitize(GRADED, (0.7, 0.9, 0.97))) / len(GRADED)
    assert best.likeness == pytest.approx(
        100 * 4 / 3 * (1 - (shares**2).sum()), abs=1
    )  # no mistake
    assert best.kinds > 70
    assert max(map(abs, none)) < 10
    parts = Parts(pairs.likeness + noise, noise)
    assert agreement(parts.at(1.0), pairs) == pytest.approx(best, abs=1)  # equals may part
    found = [agreement(parts.at(weight), pairs) for weight in WEIGHTS]
    assert [one.likeness for one in found] == sorted(one.likeness for one in found)
    assert [one.kinds for one in found] == sorted(one.kinds for one in found)


def test_tau_c_is_that_of_all_pairs_of_pairs():
    generator = np.random.default_rng(1)
    grades, scores = generator.integers(0, 3, 40), generator.integers(0, 9, 40).astype(float)
    more = sum(
        np.sign((scores[a] - scores[b]) * (grades[a] - grades[b]))
        for a, b in combinations(range(40), 2)
    )
    assert tau_c(scores, grades) == pytest.approx(100 * 2 * 3 * more / (40**2 * 2))

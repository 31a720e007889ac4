"""Regions of a photo in four groups."""

import numpy as np
import pytest

from regard.search import groups

DIM = 12


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def regions_about(generator, directions, each):
    rows = np.repeat(np.eye(DIM)[directions], each, 0)
    rows = unit(rows + 0.05 * generator.standard_normal(rows.shape))
    return generator.permutation(rows).astype(np.float32)


def test_groups_are_those_that_are_there():
    generator = np.random.default_rng(0)
    regions = np.stack([regions_about(generator, row, 5) for row in ([0, 3, 5, 7], [1, 2, 9, 11])])
    means = groups.group_means(regions)
    assert means.shape == (2, 4, DIM)
    np.testing.assert_allclose(np.linalg.norm(means, axis=2), 1, atol=1e-5)
    assert [sorted(photo.argmax(1).tolist()) for photo in means] == [[0, 3, 5, 7], [1, 2, 9, 11]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_regions_stand_for_several_groups(count):
    regions = unit(np.random.default_rng(1).standard_normal((1, count, DIM))).astype(np.float32)
    means = groups.group_means(regions)[0]
    for region in regions[0]:
        assert (means @ region).max() == pytest.approx(1, abs=1e-5)


def test_words_meet_the_group_nearest_to_them():
    generator = np.random.default_rng(2)
    directions = np.linalg.qr(generator.standard_normal((DIM, 8)))[0].astype(np.float32)
    counts = np.array([9, 3, 9, 1])
    starts = np.cumsum(counts) - counts
    rows = unit(generator.standard_normal((counts.sum(), DIM))).astype(np.float32)
    made = groups.make(lambda a, b: rows[a:b], starts, counts, directions)
    assert made["start"].tolist() == starts.tolist()
    words = generator.standard_normal((3, DIM)).astype(np.float32) @ directions
    wanted = [
        (groups.group_means(rows[None, start : start + count])[0] @ directions @ words.T)
        .max(0)
        .sum()
        for start, count in zip(starts, counts, strict=True)
    ]
    places = np.array([3, 0, 1, 2])
    found = groups.similarities(made, places, words)
    np.testing.assert_allclose(found, np.array(wanted)[places], atol=0.05)

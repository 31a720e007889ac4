"""Rows of several lengths in one array."""

import numpy as np

from regard.core.padding import pad


def test_rows_keep_their_vectors_and_the_rest_is_zero() -> None:
    rows = [np.ones((2, 3), np.float16), np.full((4, 3), 2.0), np.full((1, 3), 3, np.float32)]
    padded, counts = pad(rows)
    assert padded.shape == (3, 4, 3)
    assert padded.dtype == np.float32
    assert counts.tolist() == [2, 4, 1]
    for row, vectors in enumerate(rows):
        assert (padded[row, : len(vectors)] == vectors).all()
        assert not padded[row, len(vectors) :].any()

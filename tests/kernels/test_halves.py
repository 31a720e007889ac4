"""Numbers of two bytes are converted as the hardware does it."""

import numpy as np
import pytest
import torch

from regard.kernels.halves import from_bfloat16, to_bfloat16, widen
from regard.kernels.prepared import _round_plainly
from regard.kernels.rounding import round_rows


def test_every_float16_number_is_widened_exactly():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert widen(halves).tobytes() == halves.astype(np.float32).tobytes()
    laid = halves[: 2 * 1000].reshape(1000, 2).T  # neither contiguous nor flat
    assert np.array_equal(widen(laid), laid.astype(np.float32))


def test_bfloat16_is_rounded_as_torch_rounds_it():
    values = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32)
    ties = np.float32([0, -0.0, 1.00390625, 1.01171875, 1e-42, -3e-39, 3e38])
    values = np.concatenate([values, ties])
    patterns = to_bfloat16(values)
    rounded = torch.from_numpy(values).bfloat16()
    assert np.array_equal(patterns, rounded.view(torch.uint16).numpy())
    assert np.array_equal(from_bfloat16(patterns), rounded.float().numpy())


@pytest.mark.parametrize("way", [round_rows, _round_plainly])
def test_rows_are_rounded_alike_by_numpy_and_compiled(way):
    """Numbers that are not finite show in the lengths, also where rounding would hide them."""
    rows = np.random.default_rng(0).standard_normal((1000, 37)).astype(np.float32)
    ties = np.float32([0, -0.0, 1.00390625, 1.01171875, 1e-42, -3e-39, 3e18])
    rows[0, : len(ties)] = ties
    out, norms = np.empty(rows.shape, np.uint16), np.empty(len(rows), np.float32)
    way(rows, out, norms)
    assert np.array_equal(out, to_bfloat16(rows))
    exact = np.linalg.norm(from_bfloat16(out).astype(np.float64), axis=1)
    np.testing.assert_allclose(norms, exact, rtol=1e-6)
    hidden = np.uint32([0x7FFFFFFF, 0x7F800001, 0xFF800000, 0x7F7FFFFF]).view(np.float32)
    rows[[1, 2, 3, 4], [5, 6, 7, 8]] = hidden  # the last is finite, and infinite when rounded
    way(rows[:, ::-1], out, norms)
    assert np.flatnonzero(~np.isfinite(norms)).tolist() == [1, 2, 3, 4]

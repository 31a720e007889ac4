"""Numbers of two bytes are converted as the hardware does it."""

import numpy as np
import torch

from regard.kernels.halves import from_bfloat16, to_bfloat16, widen


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

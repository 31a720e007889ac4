"""The encoder's own arithmetic; tests/making compares the whole with torch."""

import math

import numpy as np

from regard.words.encoder import _gelu


def test_gelu_is_x_times_the_normal_distribution_function():
    x = np.concatenate([np.linspace(-40, 40, 20_001), [-1e4, 1e4]]).astype(np.float32)[None]
    wanted = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x[0].astype(float)]
    np.testing.assert_allclose(_gelu(x.copy())[0], wanted, rtol=1e-7, atol=4e-6)

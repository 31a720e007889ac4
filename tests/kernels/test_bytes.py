"""Inner products of int8 vectors: exact, whatever the dimension."""

import numpy as np
import pytest

from regard.kernels import bytes as kernel


@pytest.mark.parametrize("dim", [1, 16, 63, 64, 65, 200, 512])
@pytest.mark.parametrize("products", [kernel.inner_products, kernel.plain_products])
def test_products_are_exact(dim, products):
    generator = np.random.default_rng(dim)
    vectors = generator.integers(-127, 128, (50, dim), dtype=np.int8)
    vectors[0], vectors[1] = 127, -127  # the largest sums there are
    asked = generator.integers(-127, 128, dim, dtype=np.int8)
    for row in (asked, np.full(dim, 127, np.int8), np.full(dim, -127, np.int8)):
        out = np.full(50, np.nan, np.float32)
        products(vectors, np.full(50, 0.5, np.float32), row, out)
        assert out.tolist() == (vectors.astype(int) @ row.astype(int) * 0.5).tolist()


def test_without_numba(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "regard.kernels.byte_lanes", None)
    kernel._products.cache_clear()
    try:
        assert kernel._products() is kernel.plain_products
    finally:
        kernel._products.cache_clear()

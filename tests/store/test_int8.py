"""The int8 coding: close, exact when repeated, whole for any finite numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regard.store.int8 import from_int8, to_int8

numbers = st.floats(-1e4, 1e4, width=32)


@given(arrays(np.float32, (3, 5), elements=numbers))
def test_a_number_is_at_most_half_a_step_off(rows):
    coded = to_int8(rows)
    decoded = from_int8(*coded)
    assert decoded.dtype == np.float32
    assert (np.abs(decoded - rows) <= coded.scales[:, None] * 0.5001 + 1e-42).all()
    assert np.abs(coded.codes.astype(int)).max() <= 127


@given(arrays(np.float32, (3, 5), elements=numbers))
def test_coding_what_was_decoded_gives_the_same_codes(rows):
    once = to_int8(rows)
    if (once.scales > 1e-30).all():
        again = to_int8(from_int8(*once))
        np.testing.assert_array_equal(again.codes, once.codes)


@pytest.mark.parametrize("size", [1e-45, 2.6e-43, 1e-30, 1.0, 3e38])
@pytest.mark.parametrize("scales", [np.float32, np.float16])
def test_no_code_wraps_around(size, scales):
    rows = np.array([[size, -size, 0]], np.float32).clip(-8e6 if scales is np.float16 else -3.4e38)
    rows = rows.clip(max=8e6) if scales is np.float16 else rows
    codes, kept = to_int8(rows, scales)
    assert kept.dtype == scales
    assert codes[0, 0] == -codes[0, 1]
    assert codes[0, 0] >= 0


def test_zeros_stay_zeros():
    coded = to_int8(np.zeros((2, 3), np.float16))
    np.testing.assert_array_equal(from_int8(*coded), 0)


def test_no_rows_are_no_rows():
    codes, scales = to_int8(np.zeros((0, 3), np.float32))
    assert (codes.shape, scales.shape) == ((0, 3), (0,))

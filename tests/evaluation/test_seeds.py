"""Means over seeds and their intervals, against values from tables of Student's t."""

import pytest

from regard.evaluation.seeds import over_seeds


def test_one_run_has_no_interval():
    found = over_seeds([371.86])
    assert found == (371.86, None)
    assert str(found) == "371.9"


def test_interval_is_student_s():
    found = over_seeds([10.0, 12.0, 14.0])
    assert found.mean == 12
    assert found.interval == pytest.approx((12 - 4.303 * 2 / 3**0.5, 12 + 4.303 * 2 / 3**0.5))
    assert str(found) == "12.0 ± 5.0"


@pytest.mark.parametrize(("runs", "t"), [(2, 12.706), (11, 2.228), (12, 2.201), (31, 2.042)])
def test_quantiles_are_the_table_s_and_beyond_it_near(runs, t):
    values = [float(n) for n in range(runs)]
    deviation = (runs * (runs + 1) / 12) ** 0.5
    low, high = over_seeds(values).interval
    assert (high - low) / 2 == pytest.approx(t * deviation / runs**0.5, rel=2e-3)

"""The whole-set measurement on a small set."""

import pytest

from regard.bench.memory import _CLEAR
from regard.bench.whole import WholeSet, measure


@pytest.mark.skipif(not _CLEAR.exists(), reason="peak memory is read from Linux's /proc")
def test_passes_over_a_small_set_are_identical():
    seen = []
    case = WholeSet(images=70, captions=120, regions=5, dim=32)
    found = measure(case, threads=1, progress=lambda done, total: seen.append(done == total))
    for direction in ("t2i", "i2t"):
        assert found[direction]["passes_identical"]
        assert len(found[direction]["seconds"]) == 2
    assert seen.count(True) == 4

"""The collector is paused inside, and afterwards as it was, whatever happens."""

import contextlib
import gc

import pytest

from regard.store.bulk import collector_paused


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_before(enabled):
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with contextlib.suppress(KeyError), collector_paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()

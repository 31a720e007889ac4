import sys

import pytest

from regard.errors import ConfigError
from regard.extras import bring


def test_what_is_missing_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_edge", None)
    told = r"qdrant_edge cannot be imported .*; a folder must have it\. .*regard\[qdrant\]"
    with pytest.raises(ConfigError, match=told):
        bring("qdrant_edge", "qdrant", "a folder")

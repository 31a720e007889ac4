"""The same small photos as for searches."""

from search.conftest import photos  # noqa: F401 - a fixture

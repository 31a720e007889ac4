"""The same small matcher and photos as for searches."""

from search.conftest import matcher, model_folder, photos  # noqa: F401 - fixtures

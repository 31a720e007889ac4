"""The same small model and photos as for searches."""

from search.conftest import model, model_folder, photos  # noqa: F401 - fixtures

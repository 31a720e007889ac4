"""Regard: match photos and sentences, and see which word looked where.

    >>> import regard
    >>> model = regard.load("flickr8k")                       # doctest: +SKIP
    >>> model.similarity(["dog.jpg", "cat.jpg"], "a dog")     # doctest: +SKIP
    >>> photos = model.encode_images(["dog.jpg", "cat.jpg"])  # doctest: +SKIP
    >>> sentences = model.encode_captions(["a dog runs"])     # doctest: +SKIP
    >>> model.similarity(photos, sentences)                   # doctest: +SKIP

Importing the package imports nothing heavy; names are loaded when first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.core.scoring import Scoring as Scoring
    from regard.errors import RegardError as RegardError
    from regard.explain import Explanation as Explanation
    from regard.indexing import update_index as update_index
    from regard.kernels import attention as attention
    from regard.kernels import similarity_matrix as similarity_matrix
    from regard.model.model import Model as Model
    from regard.model.model import load as load
    from regard.search import Filters as Filters
    from regard.search import Index as Index
    from regard.search import Query as Query

__version__ = "0.1.0"

_HOMES = {
    "Explanation": "regard.explain",
    "Filters": "regard.search",
    "Index": "regard.search",
    "Model": "regard.model.model",
    "Query": "regard.search",
    "RegardError": "regard.errors",
    "Scoring": "regard.core.scoring",
    "attention": "regard.kernels",
    "load": "regard.model.model",
    "similarity_matrix": "regard.kernels",
    "update_index": "regard.indexing",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'regard' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted([*__all__, "__version__"])

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
    from regard.datasets.dataset import open_dataset as open_dataset
    from regard.errors import RegardError as RegardError
    from regard.evaluation.faithfulness import judge_explanations as judge_explanations
    from regard.explain import Explanation as Explanation
    from regard.explain import WordExplanation as WordExplanation
    from regard.indexing import update_index as update_index
    from regard.indexing.update import IndexReport as IndexReport
    from regard.kernels import AttentionMaps as AttentionMaps
    from regard.kernels import attention as attention
    from regard.kernels import similarity_matrix as similarity_matrix
    from regard.model.encoded import EncodedCaption as EncodedCaption
    from regard.model.encoded import EncodedCaptions as EncodedCaptions
    from regard.model.encoded import EncodedImages as EncodedImages
    from regard.model.model import Model as Model
    from regard.model.model import load as load
    from regard.model.vectors import VectorModel as VectorModel
    from regard.search import Filters as Filters
    from regard.search import Hit as Hit
    from regard.search import Index as Index
    from regard.search import PhotoRecord as PhotoRecord
    from regard.search import Query as Query
    from regard.search import SearchResult as SearchResult
    from regard.search import Sentence as Sentence
    from regard.store.region_store import Regions as Regions

__version__ = "0.1.0"

_HOMES = {
    "AttentionMaps": "regard.kernels",
    "EncodedCaption": "regard.model.encoded",
    "EncodedCaptions": "regard.model.encoded",
    "EncodedImages": "regard.model.encoded",
    "Explanation": "regard.explain",
    "Filters": "regard.search",
    "Hit": "regard.search",
    "Index": "regard.search",
    "IndexReport": "regard.indexing.update",
    "Model": "regard.model.model",
    "PhotoRecord": "regard.search",
    "Query": "regard.search",
    "RegardError": "regard.errors",
    "Regions": "regard.store.region_store",
    "Scoring": "regard.core.scoring",
    "SearchResult": "regard.search",
    "Sentence": "regard.search",
    "VectorModel": "regard.model.vectors",
    "WordExplanation": "regard.explain",
    "attention": "regard.kernels",
    "judge_explanations": "regard.evaluation.faithfulness",
    "load": "regard.model.model",
    "open_dataset": "regard.datasets.dataset",
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

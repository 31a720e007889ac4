"""Photos out of Qdrant: candidates by its embedded engine, ranks and reasons by Regard.

    pip install "regard[qdrant]"
    python examples/qdrant_candidates.py .regard-index qdrant-folder "a dog on the beach"

The folder is kept in step with the index at every run: only new photos are sent.
"""

import argparse

from regard import Index
from regard.search.adapters.qdrant import QdrantVectors


def main(arguments: list[str] | None = None) -> list[tuple[str, float]]:
    """Print the ten best; gives their ids and similarities."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("folder")
    parser.add_argument("sentence")
    parser.add_argument("--candidates", type=int, default=400)
    asked = parser.parse_args(arguments)
    with (
        Index.open(asked.index) as index,
        QdrantVectors(asked.folder, index.model.dim) as vectors,
    ):
        print(vectors.sync(index))
        ids = vectors.nearest(index.pooled_query(asked.sentence), asked.candidates)
        hits = index.rescore(asked.sentence, ids, k=10).hits
    for hit in hits:
        print(f"{hit.similarity:.3f}  {hit.photo.path}")
    return [(hit.photo.id, hit.similarity) for hit in hits]


if __name__ == "__main__":
    main()

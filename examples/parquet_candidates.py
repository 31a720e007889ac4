"""Photos out of a Parquet file: candidates by any engine, ranks and reasons by Regard.

    pip install "regard[parquet]"
    python examples/parquet_candidates.py .regard-index "a dog on the beach"

Writes one row a photo with its pooled vector, finds candidates with Arrow and numpy alone, as a
job that has only the file would, and scores these exactly.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from regard import Index
from regard.search.adapters.parquet import write_parquet


def main(arguments: list[str] | None = None) -> list[tuple[str, float]]:
    """Print the ten best; gives their ids and similarities."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("sentence")
    parser.add_argument("--candidates", type=int, default=400)
    asked = parser.parse_args(arguments)
    with Index.open(asked.index) as index, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photos.parquet"
        print(f"{write_parquet(index, path)} photos, {path.stat().st_size / 1e6:.1f} MB")
        table = pq.read_table(path, columns=["id", "vector"])
        vectors = np.stack(table["vector"].to_numpy())  # (photo, D)
        near = np.argsort(-vectors @ index.pooled_query(asked.sentence))[: asked.candidates]
        ids = table["id"].take(near).to_pylist()
        hits = index.rescore(asked.sentence, ids, k=10).hits
    for hit in hits:
        print(f"{hit.similarity:.3f}  {hit.photo.path}")
    return [(hit.photo.id, hit.similarity) for hit in hits]


if __name__ == "__main__":
    main()

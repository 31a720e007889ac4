"""An index's pooled vectors in a PostgreSQL table, as candidates for exact scoring.

The table has one row a photo: id (the photo's id) and vector, a halfvec of pgvector with an HNSW
index. Everything a table can do is left to its owner: joins, rights, backups, more columns.
"""

import re
from typing import Any

import numpy as np

from regard.errors import ConfigError
from regard.extras import bring
from regard.search.adapters.common import Synced, difference
from regard.search.index import Index
from regard.shapes import Float

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class PostgresVectors:
    """A table of pooled vectors.

    Args:
        connection: of psycopg; its transactions are committed by this class.
        dim: numbers per vector, D of the model; up to 4,000.
        table: made when there is none. The extension `vector` must be there to be created.

    Raises:
        ConfigError: the table's name is no plain SQL name, or psycopg is not installed.
    """

    def __init__(self, connection: Any, dim: int, table: str = "regard_photos") -> None:
        if not _NAME.fullmatch(table):
            raise ConfigError(
                f"table is {table!r}; it must be letters, digits and underscores. Rename it."
            )
        bring("psycopg", "pgvector", "a PostgreSQL table")
        self._connection, self._table = connection, table
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, vector HALFVEC({dim}))"
            )
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {table}_by_vector ON {table} "
                "USING hnsw (vector halfvec_ip_ops)"
            )
        connection.commit()

    def ids(self) -> list[str]:
        """Ids of the photos it has."""
        return [row[0] for row in self._connection.execute(f"SELECT id FROM {self._table}")]

    def sync(self, index: Index) -> Synced:
        """Add the photos that are new in an index, and remove those that it no longer has."""
        added, removed, synced = difference(index.photo_ids(), self.ids())
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {self._table} WHERE id = ANY(%s)", [list(removed)])
            with cursor.copy(f"COPY {self._table} (id, vector) FROM STDIN") as copy:
                for ids, vectors in index.pooled(added):
                    for photo_id, vector in zip(ids, vectors, strict=True):
                        copy.write_row((photo_id, _text(vector)))
        self._connection.commit()
        return synced

    def nearest(self, vector: Float[np.ndarray, " dim"], count: int) -> list[str]:
        """Ids of the photos nearest to a pooled query, nearest first.

        The index gives as many as `hnsw.ef_search` says at most, which is set to `count` here;
        pgvector allows 1,000.
        """
        with self._connection.transaction():
            self._connection.execute(f"SET LOCAL hnsw.ef_search = {min(max(count, 40), 1000):d}")
            rows = self._connection.execute(
                f"SELECT id FROM {self._table} ORDER BY vector <#> %s::halfvec LIMIT %s",
                (_text(vector), count),
            ).fetchall()
        return [row[0] for row in rows]


def _text(vector: Float[np.ndarray, " dim"]) -> str:
    return "[" + ",".join(f"{value:.5g}" for value in vector.tolist()) + "]"

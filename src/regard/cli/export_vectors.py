"""regard export-vectors: pooled vectors for another database, which finds candidates by them."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import print_json
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.search import Index


def export_vectors(
    target: Annotated[
        str,
        typer.Argument(help="FILE.parquet, qdrant:FOLDER or postgresql://USER@HOST/DATABASE."),
    ],
    index: options.Index = options.DEFAULT_INDEX,
    regions: Annotated[
        bool, typer.Option("--regions", help="All region vectors as well; Parquet only.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Bring another database into step with an index: ids and one vector a photo.

    What the database finds by these is scored exactly by `Index.rescore`. Qdrant and PostgreSQL
    are sent what is new and lose what is gone; a Parquet file is written anew.

    regard export-vectors photos.parquet

    regard export-vectors qdrant:vectors --index ~/archive
    """
    from regard.search import Index

    if regions and not target.endswith(".parquet"):
        raise ConfigError(
            f"target is {target!r}; with --regions it must be a Parquet file. Leave out --regions."
        )
    with Index.open(index) as opened:
        done = _export(opened, target, regions)
    if as_json:
        print_json({"target": target, **done})
    else:
        print(", ".join(f"{count} {name}" for name, count in done.items()))


def _export(index: "Index", target: str, regions: bool) -> dict[str, int]:
    """Photos by what was done with them."""
    if target.endswith(".parquet"):
        from regard.search.adapters.parquet import write_parquet

        return {"written": write_parquet(index, target, regions=regions)}
    if target.startswith("qdrant:"):
        from regard.search.adapters.qdrant import QdrantVectors

        with QdrantVectors(Path(target.removeprefix("qdrant:")), index.model.dim) as vectors:
            return vectors.sync(index)._asdict()
    if target.startswith(("postgresql:", "postgres:")):
        from regard.extras import bring
        from regard.search.adapters.pgvector import PostgresVectors

        psycopg = bring("psycopg", "pgvector", "a PostgreSQL table")
        with closing(psycopg.connect(target)) as connection:
            return PostgresVectors(connection, index.model.dim).sync(index)._asdict()
    raise ConfigError(
        f"target is {target!r}; it must be FILE.parquet, qdrant:FOLDER or "
        "postgresql://USER@HOST/DATABASE. Name one of these."
    )

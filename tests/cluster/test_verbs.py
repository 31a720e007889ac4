"""regard cluster: what its verbs print, and what they say where there is no Ray or no cluster."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from regard.cluster import building, session
from regard.errors import ClusterError, ConfigError, StoreError
from regard.search.result import SearchResult
from tests.cli.conftest import invoke

VERBS = (
    ("extract", "photos", "--out", "out"),
    ("index", "photos"),
    ("evaluate", "--data", "captions.json"),
    ("search", "a dog"),
)


def test_help_imports_neither_torch_nor_ray():
    verbs = [["cluster", *verb[:1], "--help"] for verb in ((), *VERBS)]
    script = (
        "import sys; from regard.cli.main import app\n"
        f"for verb in {verbs!r}:\n"
        "    try: app(verb)\n"
        "    except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'ray', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage") == len(verbs)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_without_ray_it_is_said_how_to_have_it(verb, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "ray" else real(name, *a)
    )
    done = invoke("cluster", *verb)
    assert isinstance(done.exception, ConfigError)
    assert "pip install 'regard[ray]'" in str(done.exception)


@pytest.mark.slow
def test_no_cluster_at_an_address(tmp_path):
    """Where Ray finds none: the one of other tests is kept out of its sight."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'regard[ray]')")
    script = (
        "from ray._private import services\n"
        "services.find_gcs_addresses = lambda *_, **__: set()\n"
        "from regard.cluster.session import connected\n"
        "from regard.errors import ClusterError\n"
        "try:\n"
        "    with connected('auto'): raise SystemExit('connected')\n"
        "except ClusterError as error: print(error)\n"
    )
    alone = {**os.environ, "RAY_TMPDIR": str(tmp_path)}
    alone.pop("RAY_ADDRESS", None)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    assert "address is 'auto'" in done.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_verbs_on_a_cluster(nodes, tmp_path, photos, world, model_folder, monkeypatch):
    monkeypatch.setattr(building, "unit_size", lambda _: 14)
    where = ("--address", nodes.address)
    folder = tmp_path / "index"
    done = invoke(
        *("cluster", "index", photos, "--index", folder, "--model", model_folder),
        *("--workers", 1, "--json", *where),
    )
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert (tree["added"], len(tree["skipped"])) == (41, 1)

    queries = tmp_path / "queries.txt"
    queries.write_text("a dog\n\nred; -1: a cat\n")
    ask = ("--index", folder, "-k", 5, "--json")
    done = invoke("cluster", "search", "--from", queries, "--holders", 2, *ask, *where)
    assert done.exit_code == 0, done.output
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["query"] for answer in answers] == ["a dog", "red; -1: a cat"]
    monkeypatch.setattr(SearchResult, "stacks", lambda found: [[hit] for hit in found.hits])
    for answer in answers:  # a cluster lists photos that are nearly one by themselves
        alone = json.loads(invoke("search", answer["query"], *ask).stdout)
        assert all(hit.pop("alike") == [] for hit in alone)
        assert answer == {"query": answer["query"], "hits": alone, "missing": []}

    next(folder.glob("shard-*")).unlink()
    done = invoke("cluster", "search", "a dog", "--holders", 1, "--index", folder, *where)
    assert done.exit_code == 1
    assert "Part 1 of 1 is missing, 40 photos in" in done.stderr

    out = tmp_path / "regions"
    done = invoke(
        *("cluster", "extract", world.captions, "--images", world.photos, "--out", out),
        *("--extractor", "statistics", "--workers", 1, "--json", *where),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["extracted"] == 80

    judge = ("--model", world.model, "--data", world.captions, "--regions", out, "--json")
    done = invoke("cluster", "evaluate", *judge, "--workers", 1, *where)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads(invoke("evaluate", *judge).stdout)


def test_what_ray_tells_of_an_error_is_read_from_its_text():
    text = "Traceback\n  File x\n{}\n\nray.exceptions.UserCodeException: UDF failed.\nAdvice\n"
    error = session.plain(
        RuntimeError(text.format("regard.errors.StoreError: x is gone; mend it."))
    )
    assert (type(error), str(error)) == (StoreError, "x is gone; mend it.")
    error = session.plain(RuntimeError(text.format("ZeroDivisionError: one")))
    assert (type(error), str(error)[:41]) == (
        ClusterError,
        "a worker failed (ZeroDivisionError: one);",
    )
    error = session.plain(RuntimeError("all is lost\nfor ever"))
    assert str(error).startswith("the cluster failed (all is lost); it must")

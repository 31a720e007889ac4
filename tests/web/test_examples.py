"""The example client: written from the description, and working."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/api_client.py"


@pytest.fixture
def module(client, tmp_path):
    command = [sys.executable, str(EXAMPLE), str(client.base_url)]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    path = tmp_path / "regard_client.py"
    path.write_text(written, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("regard_client", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_written_client_works(client, module, world, placed):
    ours = module.Client(str(client.base_url))
    answer = ours.search(q="a red dog", maps=True, limit=3)
    assert len(answer["hits"]) == 3
    assert answer["hits"][0]["maps"]["words"]
    assert ours.explain(placed, q="a dog", direction="i2t")["direction"] == "i2t"
    assert ours.thumbnail(placed, size=640).startswith(b"\xff\xd8")
    ranked = ours.captions_among(placed, {"sentences": ["a dog", "a cat"], "limit": 1})
    assert ranked["total"] == 2
    uploaded = ours.upload((world.photos / "placed.jpg").read_bytes(), q="a dog")
    assert ours.photo(uploaded["photo"]["id"])["width"] == 700
    assert ours.health() == {"status": "ok"}


def test_it_passes_problems_on(client, module):
    ours = module.Client(str(client.base_url))
    with pytest.raises(module.Problem, match="it must be") as error:
        ours.search(q="a dog", limit=1000)
    assert error.value.status == 422
    assert error.value.told["next"]

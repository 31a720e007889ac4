"""The server starts and answers where torch and its like cannot be imported.

Importing it starts nothing.
"""

import subprocess
import sys

SCRIPT = """
import sys
from importlib.abc import MetaPathFinder

class OutOfReach(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "scipy", "sklearn"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, OutOfReach())
import threading, regard.web.app
assert threading.active_count() == 1
sys.path.insert(0, {tests!r})
from web.conftest import SENTENCES
from web.server import asked
from regard.search import Index
from regard.web.app import create_app
with Index.open({index!r}) as index, asked(create_app(index, None, SENTENCES)) as client:
    for path in ("/", "/api/v1/search?q=a+dog&maps=true", "/api/v1/suggestions"):
        assert client.get(path).status_code == 200, path
    hit = client.get("/api/v1/search?q=a+dog").json()["hits"][0]["photo"]["id"]
    for path in ("thumbnail", "similar", "captions", "explain?q=a+dog", "figure.png?q=a+dog"):
        assert client.get(f"/api/v1/photos/{{hit}}/{{path}}").status_code == 200, path
    photo = client.get(f"/api/v1/photos/{{hit}}/thumbnail").content
    assert client.post("/api/v1/uploads?q=a+dog", content=photo).status_code == 200
"""


def test_a_server_without_torch(world, pytestconfig):
    script = SCRIPT.format(tests=str(pytestconfig.rootpath / "tests"), index=str(world.index))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

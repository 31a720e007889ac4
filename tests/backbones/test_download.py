"""Getting a backbone from a hub on this machine: what is fetched, and that it goes on."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from huggingface_hub import close_session, constants
from huggingface_hub.utils import _cache_manager

import regard
from regard.backbones.hub import ask_hub, download, names_here
from regard.errors import CheckpointError

NAME, COMMIT = "owner/tiny-clip", "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = "model.safetensors"
STEP = 4096  # bytes in which a file is written; 10 MB where that is not changed
GET = f"""
import sys
from huggingface_hub import close_session, constants
from huggingface_hub.utils import _cache_manager
constants.DOWNLOAD_CHUNK_SIZE = {STEP}
from regard.backbones.hub import ask_hub, download
offer = ask_hub(sys.argv[1])
print(offer.licence, download(offer))
"""
_PATIENCE = 300  # seconds, for a machine that has much to do


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's API as its client asks for."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path, files = urlsplit(self.path).path, self.server.files
        if f"{path}/".startswith(f"/api/models/{NAME}/"):
            tree = self.listed() if "/tree/" in path else self.about()
            self.send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            return
        name = path.rpartition("/")[2]
        if not path.startswith(f"/{NAME}/resolve/") or name not in files:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        whole, first = files[name], 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            first = int(found[1])
        if self.command == "GET" and name == WEIGHTS:
            self.server.fetched.append(first)
        digest = hashlib.sha256(whole).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(whole) - 1}/{len(whole)}"
        last = self.server.most.get(name, len(whole))
        self.send(206 if first else 200, whole[first:], headers, most=max(last - first, 0))
        if first >= last:  # what came before has been written down
            self.server.broken.set()

    def about(self):
        siblings = [{**file, "rfilename": file["path"]} for file in self.listed()]
        return {"id": NAME, "sha": COMMIT, "siblings": siblings, "cardData": {"license": "mit"}}

    def listed(self):
        """Files with their sizes; large ones with their digest."""
        listed = []
        for name, data in self.server.files.items():
            file = {"type": "file", "path": name, "size": len(data), "oid": "0" * 40}
            if name == WEIGHTS:
                digest = hashlib.sha256(data).hexdigest()
                lfs = {"size": len(data), "pointerSize": 130}
                file["lfs"] = {**lfs, "sha256": digest, "oid": digest}
            listed.append(file)
        return listed

    def send(self, status, body, headers, most=None):
        """Answer; the connection breaks after so many bytes."""
        self.send_response(status)
        for header in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(*header)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:most])
        if most is not None and most < len(body):
            self.close_connection = True


@pytest.fixture
def hub(tiny_folders):
    files = {path.name: path.read_bytes() for path in tiny_folders["clip"].iterdir()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.most, server.fetched = files, {}, []
    server.broken = threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def get(hub, tmp_path):
    """Starts what `regard models get` begins with, in a process of its own."""
    own = {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TQDM_POSITION": "-1",  # bars without a terminal, too
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}

    def start():
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "-c", GET, NAME], env={**kept, **own}, **pipes)

    return start


@pytest.fixture
def asked_here(hub, tmp_path, monkeypatch):
    """The hub is asked by this process, and what it gives is kept for this test alone."""
    address = f"http://127.0.0.1:{hub.server_port}"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    for module in (constants, _cache_manager):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "hub/hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "data" / name)


def told(process):
    """What a process said in the end, on both."""
    return process.communicate(timeout=_PATIENCE)


def test_a_killed_download_goes_on_where_it_was(hub, get, asked_here, monkeypatch):
    half = len(hub.files[WEIGHTS]) // (2 * STEP) * STEP
    hub.most[WEIGHTS] = half
    first = get()
    while not hub.broken.wait(0.1):
        assert first.poll() is None, told(first)
    first.kill()
    told(first)
    hub.most.clear()
    hub.fetched.clear()
    again = get()
    out, err = told(again)
    assert again.returncode == 0, err
    assert len(hub.fetched) == 1
    assert 0 < hub.fetched[0] <= half
    assert WEIGHTS in err  # of the bar
    licence, folder = out.split()
    assert licence == "mit"
    assert Path(folder, WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    hub.shutdown()
    hub.server_close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert names_here() == [NAME]  # as any later command finds it
    assert regard.load(NAME).encode_captions("a dog").lengths[0] == 3


def test_what_comes_damaged_is_not_kept(hub, asked_here, tmp_path):
    whole = hub.files[WEIGHTS]
    blobs = tmp_path / "hub/hub/models--owner--tiny-clip/blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hashlib.sha256(whole).hexdigest()}.part").write_bytes(b"other" * 9)
    with pytest.raises(CheckpointError, match="came with another sha256"):
        download(ask_hub(NAME))
    assert Path(download(ask_hub(NAME)), WEIGHTS).read_bytes() == whole


def test_a_hub_out_of_reach_is_told(hub, asked_here):
    with pytest.raises(CheckpointError, match="cannot be had from the hub"):
        ask_hub("owner/nothing")
    close_session()  # of this process, which would go on with its connection
    hub.shutdown()
    hub.server_close()
    with pytest.raises(CheckpointError, match="Check the name and the connection"):
        ask_hub(NAME)

"""regard serve: a real process, asked over loopback."""

import os
import re
import socket
import subprocess
import sys
import urllib.request

import pytest
from cli.conftest import invoke
from search.conftest import draw, save_model

from regard.cli.serve import make_config, page_address
from regard.errors import ConfigError, StoreError
from regard.indexing import update_index
from regard.model.model import load


@pytest.fixture(scope="module")
def index_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    for seed in range(3):
        draw(folder / f"photos/{seed}.png", seed)
    model = load(save_model(folder / "model"))
    update_index(folder / "index", folder / "photos", model, workers=1)
    return folder / "index"


class NoRedirects(urllib.request.HTTPErrorProcessor):
    def http_response(self, _request, response):
        return response


def start(*arguments, **environment):
    script = "from regard.cli.main import run; run()"
    command = [sys.executable, "-c", script, "serve", *map(str, arguments)]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def printed_address(process):
    for line in process.stderr:
        matched = re.search(r"http://\S+", line)
        if matched:
            return matched[0], line
    pytest.fail("no address was printed")


def test_it_serves_until_it_is_stopped(index_folder):
    process = start("--index", index_folder, "--port", "0")
    try:
        address, line = printed_address(process)
        assert line.startswith("3 photos.")
        model = process.stderr.readline()
        assert model == f"Model that answers: {index_folder.parent / 'model'}\n"
        with urllib.request.urlopen(address, timeout=60) as page:
            assert b"regard-app" in page.read()
        with urllib.request.urlopen(f"{address}api/v1/search?q=a+dog", timeout=60) as answer:
            assert b'"total":3' in answer.read()
    finally:
        process.send_signal(2)
        assert process.wait(60) in (0, 130)
        process.stderr.close()


def test_a_taken_port_is_told(index_folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = invoke("serve", "--index", index_folder, "--port", port)
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == f"port {port} is in use; try --port {port + 1}."


def test_a_missing_index_is_told(tmp_path):
    done = invoke("serve", "--index", tmp_path / "none")
    assert isinstance(done.exception, StoreError)


def test_behind_a_proxy_its_address_is_printed_and_encrypted(index_folder):
    name = "photos.example.org"
    process = start("--index", index_folder, "--port", "0", "--allow-host", name, REGARD_TOKEN="")
    try:
        address, _ = printed_address(process)
        assert process.stderr.readline().startswith(f"Through the proxy: https://{name}/?token=")
        sent = {"Host": name, "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.7"}
        request = urllib.request.Request(address, headers=sent)
        arrival = urllib.request.build_opener(NoRedirects).open(request, timeout=60)
        assert "Secure" in arrival.headers["Set-Cookie"]
    finally:
        process.send_signal(2)
        process.wait(60)
        process.stderr.close()


def test_beyond_loopback_there_is_a_token(monkeypatch):
    monkeypatch.delenv("REGARD_TOKEN", raising=False)
    assert make_config("127.0.0.1", 1).token is None
    tokens = {make_config("0.0.0.0", 1).token for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 32 for token in tokens)
    monkeypatch.setenv("REGARD_TOKEN", "a-token-of-my-own-choice")
    assert make_config("0.0.0.0", 1).token == "a-token-of-my-own-choice"
    assert make_config("127.0.0.1", 1).token == "a-token-of-my-own-choice"


@pytest.mark.parametrize(
    ("host", "token", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:80/"),
        ("0.0.0.0", "a/b", "http://127.0.0.1:80/?token=a/b"),
        ("::", "t", "http://[::1]:80/?token=t"),
        ("::1", None, "http://[::1]:80/"),
        ("photos.lan", "t", "http://photos.lan:80/?token=t"),
    ],
)
def test_the_address_to_open(host, token, address):
    assert page_address(host, 80, token) == address

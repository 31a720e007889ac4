"""The built page: small, whole, nothing from elsewhere, and nothing else to be had."""

import gzip
import json
import re

import pytest
from web.conftest import refused
from web.heat_golden import PLACE, make

from regard.errors import StoreError
from regard.web.pages import STATIC, page_router

LIMIT = 60_000  # bytes, gzipped


def test_the_bundle_is_small():
    total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.iterdir())
    assert total < LIMIT


def test_nothing_comes_from_elsewhere():
    for path in STATIC.iterdir():
        matched = set(re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8")))
        assert matched <= {"http://www.w3.org"}, path  # the name of SVG, not an address to load
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)


def test_the_page_and_its_parts_are_sent(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(address).status_code == 200, address
    assert client.get("/static/app.js").headers["content-type"].startswith("text/javascript")


def test_parts_are_sent_once(client):
    tag = client.get("/static/app.js").headers["etag"]
    again = client.get("/static/app.js", headers={"If-None-Match": f'"old", {tag}'})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2fapp.py", "%2e%2e%2fapp.py", "..%5capp.py", "app.js%00", "."]
)
def test_nothing_else_is(client, name):
    refused(client.get(f"/static/{name}"), 404)


def test_a_page_that_was_not_built_is_told(tmp_path):
    with pytest.raises(StoreError, match="must be built"):
        page_router(tmp_path)


def test_the_page_draws_the_maps_that_figures_draw():
    assert json.loads(PLACE.read_text(encoding="utf-8")) == make(), "run tests/web/heat_golden.py"

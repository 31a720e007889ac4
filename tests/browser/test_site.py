"""The site is built strictly, and read and searched from its folder, without server or network."""

import subprocess
import sys
from pathlib import Path

import pytest
from browser.conftest import watched

import regard

ROOT = Path(__file__).parents[2]
PAGES = ("docs/index", "docs/python", "docs/tutorials/first-search", "docs/commands", "LOG")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where it is built as `make docs` builds it."""
    pytest.importorskip("sphinx")
    out = tmp_path_factory.mktemp("site")
    command = ["sphinx", "--quiet", "--fail-on-warning", "--keep-going", "-c", "docs"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "-d", out / "doctrees", ".", out / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out / "site"


@pytest.fixture(params=["light", "dark", "phone"])
def reader(request, chromium):
    """A page that may read files alone."""
    look = {"color_scheme": "dark" if request.param == "dark" else "light"}
    if request.param == "phone":
        look["viewport"] = {"width": 390, "height": 844}
    missing = []
    with watched(chromium, "file:", **look) as page:
        page.on("requestfailed", lambda asked: missing.append(asked.url))
        yield page
    assert missing == []


def test_pages_fit_and_fetch_nothing(site, reader, shoot):
    reader.goto((site / "index.html").as_uri())
    reader.wait_for_url("**/docs/index.html")
    for path in PAGES:
        reader.goto((site / f"{path}.html").as_uri())
        assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        shoot(reader, f"-{path.replace('/', '-')}")


def test_search_finds_names_and_words_without_a_server(site, reader):
    for asked, found in (("similarity_matrix", "docs/python.html"), ("labrador", "docs/")):
        reader.goto((site / "search.html").as_uri() + f"?q={asked}")
        first = reader.locator("ul.search li a").first
        first.wait_for()
        assert found in first.get_attribute("href")
        first.click()
        reader.wait_for_url(f"**/{found}*")


def test_every_public_name_stands_there_with_its_source(site):
    text = (site / "docs/python.html").read_text(encoding="utf-8")
    for name in (*regard.__all__, "Model.similarity", "VectorModel.explain_features"):
        head = text.partition(f'id="regard.{name}"')[2].partition("</dt>")[0]
        assert "viewcode-link" in head, name


def test_the_first_tutorial_lies_there_as_a_notebook(site):
    page = (site / "docs/tutorials/first-search.html").read_text(encoding="utf-8")
    assert 'href="first-search.ipynb"' in page
    assert (site / "docs/tutorials/first-search.ipynb").is_file()

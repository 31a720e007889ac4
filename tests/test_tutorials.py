"""Tutorials do what they say, from an empty folder; those that train or index photos are slow."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.test_docs import module
from tests.torch_reach import needs_torch
from tests.tutorials import FOLDER, blocks, run

SAID = {
    "own-captions": [r"rSum.*rSum", r" 1 +0\.\d+ .*\.png"],
    "own-features": [r"falls without 50%", r"looks at \["],
    "baseline": [r"runs/pooled.*runs/scan|difference", r"training set"],
    "other-models": [r"best photo: a (\w+ \w+) for: a \1\n", r"without 10%: 0\.[1-9]"],
}
OF_TORCH = ("own-captions", "own-features", "baseline")


def tutorial(name):
    marks = [needs_torch] if name in OF_TORCH else []
    return pytest.param(name, marks=[*marks, pytest.mark.slow] if name != "other-models" else marks)


@pytest.mark.parametrize("name", [tutorial(name) for name in SAID])
def test_a_newcomer_gets_what_the_page_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = run(FOLDER / f"{name}.md")
    for said in SAID[name]:
        assert re.search(said, printed, re.S), printed


def test_every_tutorial_is_run_and_every_block_has_a_language():
    pages = {page.stem: page for page in FOLDER.glob("*.md")}
    assert set(pages) == {"first-search", *SAID}  # that one is run as a notebook
    for page in pages.values():
        assert {language for language, _ in blocks(page)} <= {"sh", "python", "console", "text"}


@pytest.mark.slow
def test_the_first_tutorial_runs_as_a_notebook(tmp_path, monkeypatch):
    """In a kernel of its own, as who opens it in Jupyter does."""
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    cells = client.NotebookClient(
        module("as_notebook").notebook(), resources={"metadata": {"path": tmp_path}}
    ).execute()["cells"]
    printed = "".join(
        part["text"]
        for cell in cells
        for part in cell.get("outputs", ())
        if part.get("name") == "stdout"
    )
    for said in (r"“a cup of coffee on a table”\n +1 .*coffee\.jpg", r"\d rocket\.jpg", r"sum 0\."):
        assert re.search(said, printed), printed
    assert (tmp_path / "why.png").stat().st_size

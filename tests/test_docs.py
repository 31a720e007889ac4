"""Documents say what the code does: generated pages are current, links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

import regard
from regard.cli.main import load_verb

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def module(name):
    """One of the programs in docs."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def generator():
    return module("generate")


@pytest.mark.parametrize("page", ["commands.md", "recipes.md", "python.md"])
def test_generated_pages_are_current(page):
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == generator().WRITTEN[page](), "run: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_contents():
    contents = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    listed = {
        (ROOT / "docs" / target).resolve() for target in re.findall(r"\((.+\.md)\)", contents)
    }
    shipped = [page for page in ROOT.glob("src/**/*.md") if "node_modules" not in page.parts]
    assert {*PAGES, *shipped} - listed - {ROOT / "docs/index.md"} == set()


def test_readme_shows_verbs_and_options_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^regard ([^#\n]+)", text, re.M):
        verb, *words = line.split()
        offered = {o for p in load_verb(verb).params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= offered, line


def test_readme_python_uses_names_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        compile(block, "README", "exec")
        for name in re.findall(r"regard\.(\w+)", block):
            assert name in regard.__all__


def test_every_dependency_is_explained():
    listed = re.findall(r'^ +"([\w-]+)[><=\[]', (ROOT / "pyproject.toml").read_text(), re.M)
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert {name for name in listed if name not in explained} - {"hatchling"} == set()

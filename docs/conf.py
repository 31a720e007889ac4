"""How Sphinx builds the site: the Markdown as it lies, read from the root of the repository.

Pages are those that docs/index.md lists, which is the site's contents, too. docs/python.md gets
what the docstrings say. Nothing is fetched from the network, neither by the build nor by a reader.
"""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import jaxtyping  # noqa: F401 - signatures on the site then show shapes as it writes them
import jupytext
from as_notebook import PAGE, notebook

import regard

NOTEBOOK = f"docs/tutorials/{PAGE.stem}"

project, author, release = "Regard", "the makers of Regard", regard.__version__
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "benchmarks/*.md",
    "src/regard/weights/**.md",
    "src/regard/photos/samples/*.md",
]
exclude_patterns = ["site", "runs", "demo-out", ".venv", "src/regard/web/ui"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

myst_heading_anchors = 3  # as code hosts make them
default_role = "py:obj"  # what stands between backticks in a docstring is a link where it can be
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": "tuple, Exception"}
suppress_warnings = ["misc.highlighting_failure"]  # JSON with dots in it
napoleon_google_docstring, napoleon_numpy_docstring = True, False
python_maximum_signature_line_length = 80
add_module_names = False

html_theme = "furo"
html_title = f"Regard {release}"
html_copy_source = html_show_sourcelink = html_show_sphinx = html_show_copyright = False
html_show_search_summary = False  # would be fetched, which browsers refuse without a server
html_static_path = ["static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "first-page.html"}
templates_path = ["templates"]


def contents(text: str) -> str:
    """The lists of docs/index.md as the site's contents, a part for each heading."""
    parts = []
    for section in text.split("\n## ")[1:]:
        links = re.findall(r"^- \[([^]]+)\]\(([^)]+)\.md\)", section, re.M)
        pages = (f"{title.replace('`', '')} <{page}>" for title, page in links)
        lines = [":hidden:", f":caption: {section.splitlines()[0]}", "", *pages]
        parts.append("\n".join(["```{toctree}", *lines, "```"]))
    return "\n\n".join(parts)


def docstrings() -> str:
    """What the docstrings of all public names say."""
    parts = []
    for name in regard.__all__:
        kind = "class" if isinstance(getattr(regard, name), type) else "function"
        parts.append(f"## {name}\n\n```{{eval-rst}}\n.. auto{kind}:: regard.{name}\n```")
    return "\n\n".join(parts)


def complete(_app: Sphinx, page: str, text: list[str]) -> None:
    """Add to pages what only the site shows."""
    if page == root_doc:
        text[0] += "\n\n" + contents(text[0])
    if page == "docs/python":
        text[0] += "\n\n" + docstrings()
    if page == NOTEBOOK:
        head, _, rest = text[0].partition("\n")
        link = f'<p><a href="{Path(NOTEBOOK).name}.ipynb" download>This page as a notebook</a></p>'
        text[0] = f"{head}\n\n{link}\n{rest}"


def add_notebook(app: Sphinx, failed: Exception | None) -> None:
    """Put the first tutorial beside its page as a notebook."""
    if not failed:
        jupytext.write(notebook(), Path(app.outdir) / f"{NOTEBOOK}.ipynb", fmt="ipynb")


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("source-read", complete)
    app.connect("build-finished", add_notebook)

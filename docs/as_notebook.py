"""The first tutorial as a notebook: the page's own text, its commands and Python as cells.

`python docs/as_notebook.py first-search.ipynb` writes it; the site offers it, and a test runs it.
"""

import sys
from pathlib import Path

import jupytext
from nbformat import NotebookNode

PAGE = Path(__file__).parent / "tutorials/first-search.md"
_KERNEL = """---
jupyter:
  kernelspec: {display_name: Python, language: python, name: python3}
---

"""


def notebook() -> NotebookNode:
    """Blocks of the shell become cells that run it; what is only shown stays text."""
    return jupytext.reads(_KERNEL + PAGE.read_text(encoding="utf-8"), fmt="md")


if __name__ == "__main__":
    jupytext.write(notebook(), sys.argv[1], fmt="ipynb")

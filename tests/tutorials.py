"""Runs tutorials as a newcomer does: their blocks in order, in an empty folder.

`sh` blocks hold commands, `python` blocks share their names as cells of a notebook do; `console`
and `text` blocks are only shown.
"""

import contextlib
import io
import shlex
from pathlib import Path

from markdown_it import MarkdownIt

from tests.cli.conftest import invoke

FOLDER = Path(__file__).parents[1] / "docs/tutorials"


def blocks(page):
    """Language and code of each block of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(token.info, token.content) for token in tokens if token.type == "fence"]


def run(page):
    """Run a page in the current folder; gives all that was printed."""
    names, printed = {"__name__": "__main__"}, []
    for number, (language, code) in enumerate(blocks(page), 1):
        if language == "sh":
            printed += map(command, code.replace("\\\n", " ").splitlines())
        elif language == "python":
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile(code, f"{page.name}, block {number}", "exec"), names)  # noqa: S102
            printed.append(shown.getvalue())
    return "".join(printed)


def command(line):
    """Run one command of this program."""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "regard", line
    done = invoke(*arguments)
    assert done.exit_code == 0, (line, done.output, done.exception)
    return done.stdout

"""The house rules that a program can check."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import regard

SOURCE = Path(regard.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 400, 60
MAX_CORE = 1070  # lines; the core holds later papers, too


def code_lines(path):
    """Lines that hold code: no blank lines, comments or docstrings."""
    text = path.read_text(encoding="utf-8")
    prose = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.update(range(node.lineno, node.end_lineno + 1))
    ignored = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in ignored and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - prose)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION, node.name


def test_files_of_the_page_are_short():
    long = {path.name: text.count("\n") for path, text in page_files()}
    assert {name: lines for name, lines in long.items() if lines > MAX_FILE} == {}


def page_files():
    for path in sorted((SOURCE / "web/ui/src").glob("*.ts")):
        yield path, path.read_text(encoding="utf-8")


def test_core_stays_within_its_budget():
    assert sum(code_lines(path) for path in (SOURCE / "core").glob("*.py")) <= MAX_CORE


def test_every_module_says_what_it_is():
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_public_names_are_sorted_and_exist():
    assert regard.__all__ == sorted(regard.__all__)
    for name in regard.__all__:
        assert getattr(regard, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        regard.nothing  # noqa: B018


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"], ["train", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    script = (
        "import sys; from regard.cli.main import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numba', 'numpy', 'matplotlib', 'fastapi'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_an_index_is_opened_without_what_a_search_does_not_need():
    script = (
        "import sys, regard.search.index\n"
        "needless = {'numba', 'jaxtyping', 'filelock', 'asyncio', 'importlib.metadata',\n"
        "            'onnxruntime', 'PIL.TiffImagePlugin'} & set(sys.modules)\n"
        "sys.exit(f'imported {needless}' if needless else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_shapes_are_told_without_jaxtyping():
    script = "from regard.shapes import Float; print((Float[list, 'a b'] | None).__args__[0])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "typing.Annotated[list, 'Float a b']\n"


def test_nothing_is_unpickled():
    """Only the backbone's weights go through torch.load, and without running their pickle."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert safe.get("weights_only") == "True", path

"""Names of files reach people and programs whole, and steer no terminal on the way."""

import io
import json
import os
import subprocess
import sys

import pytest
from rich.table import Table
from rich.text import Text
from small import draw, save_model

from regard.cli import common
from regard.cli.common import SafeConsole, printable

from .conftest import invoke

NAME = "a\x1b[2J\x1b]0;mine\x07\u202egpj.exe \u009b :cat: [red]b"
SHOWN = r"a\x1b[2J\x1b]0;mine\x07\u202egpj.exe \x9b :cat: [red]b"


def test_what_steers_a_terminal_is_shown():
    assert printable(NAME) == SHOWN
    assert printable("caf\udce9") == r"caf\xe9"
    plain = "кот 🐈‍⬛ café\tx\ny"
    assert printable(plain) == plain


def test_consoles_send_none_of_it():
    table = Table("photo")
    table.add_row(Text(printable(NAME)))
    for thing in (NAME, Text(NAME), table):
        out = io.StringIO()
        console = SafeConsole(file=out, width=200, emoji=False, force_terminal=False)
        console.print(thing, markup=False)
        assert "\x1b" not in out.getvalue()
        assert "\u202e" not in out.getvalue()
        assert r"\x1b[2J" in out.getvalue()
        assert ":cat: [red]b" in out.getvalue()
    out = io.StringIO()
    SafeConsole(file=out, force_terminal=True).print("[red]own colours stay[/red]")
    assert "\x1b[31m" in out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_has_the_true_name_in_any_encoding(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    tree = {"photo": NAME, "other": "кот 🐈 é", "bytes": "caf\udce9"}
    common.print_json(tree)
    text = raw.getvalue().decode(encoding)
    assert json.loads(text) == tree
    assert "\x9b" not in text
    assert ("кот" in text) == (encoding == "utf-8" and "\udce9" not in text)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    draw(folder / "photos/кот 🐈.png", 1)
    (folder / "photos/пусто.png").touch()
    done = invoke(
        *("index", folder / "photos", "--index", folder / "index"),
        *("--model", save_model(folder / "model")),
    )
    assert done.exit_code == 0, done.output
    return folder / "index"


def test_paths_are_bytes(index):
    done = invoke("search", "a dog", "--index", index, "--paths0")
    assert done.stdout_bytes == os.fsencode(index.parent / "photos/кот 🐈.png") + b"\0"


@pytest.mark.slow
def test_an_encoding_without_the_letters(index):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "regard.cli.main", "search", "a dog", "--index", str(index)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rb"\u043a\u043e\u0442" in done.stdout


def test_what_lies_beside_photos_is_counted_photos_first(capsys):
    common.report_passed_over({".txt": 30, ".cr2": 2, "@eaDir/": 1})
    text = capsys.readouterr().err
    assert "Passed over: .cr2 (2), .txt (30), @eaDir/ (1)." in text
    assert "rename or convert the others" in text
    common.report_passed_over({})
    common.report_passed_over({f".{n}": n for n in range(1, 20)})
    text = capsys.readouterr().err
    assert "and 7 kinds more." in text
    assert "convert" not in text

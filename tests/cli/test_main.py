"""The entry point: every error one line, whoever raised it."""

import re
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import regard
from regard.cli import main
from regard.errors import DataError

from .conftest import invoke


@pytest.fixture
def run(monkeypatch, capfd):
    """Run with a command that raises; gives the exit code and what standard error holds."""

    def run(error, *arguments):
        seen = []

        def app(given):
            seen.extend(given)
            raise error

        monkeypatch.setattr(main, "app", app)
        monkeypatch.setattr("sys.argv", ["regard", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main.run()
        return stopped.value.code, capfd.readouterr().err, seen

    return run


def test_errors_made_on_purpose(run):
    code, message, _ = run(DataError("query is ''; it must be words. Say what you look for."))
    assert (code, message) == (2, "Error: query is ''; it must be words. Say what you look for.\n")


def test_errors_of_the_system(run):
    code, message, _ = run(PermissionError(13, "Permission denied", "/somewhere/index"))
    assert code == 2
    assert message.startswith("Error: /somewhere/index cannot be used (Permission denied); ")
    assert message.count("\n") == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(130)])
def test_ctrl_c_says_what_is_kept(run, stop):
    code, message, _ = run(stop)
    assert code == 130
    assert message.startswith("Interrupted. What was finished is kept;")


def test_other_exits_say_nothing_more(run):
    assert run(SystemExit(1))[:2] == (1, "")


def test_a_negative_part_may_come_first(run):
    queries = ["-1: a cat; a dog", "-.5 :grass", "-a kite; a dog", "- a well-made leash; a dog"]
    options = ["-k", "3", "-i", "x", "--like", "a:b", "--path", "--x y"]
    seen = run(SystemExit(0), "search", *queries, *options)[2]
    assert seen == ["search", *(f" {query}" for query in queries), *options]


def test_text_that_is_not_utf_8(run):
    error = UnicodeEncodeError("utf-8", "caf\udce9", 3, 4, "surrogates not allowed")
    code, message, _ = run(error)
    assert (code, message.count("\n")) == (2, 1)
    assert "must be UTF-8" in message


def test_the_version_is_told():
    assert invoke("--version").stdout == f"regard {regard.__version__}\n"


def test_what_people_use_stands_before_research_in_the_help():
    text = invoke("--help").stdout
    places = [text.index(f" {name} ") for name in ("Your photos", "index", "search", "Research")]
    assert places == sorted(places)
    assert text.index(" train ") > places[-1]


def test_the_help_calls_what_is_given_by_plain_names(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = invoke("search", "--help").stdout
    assert "[TEXT]..." in text
    kinds = set(re.findall(r"^│ --[\w-]+(?: +-\w)? +(\S+)", text, re.MULTILINE))
    assert {"PATH", "TEXT", "<relevance|date>"} <= kinds
    assert not re.search(r"<(list|str|bool|int|path|float)\b", text)
    assert "squar " not in text  # no word is broken


def test_the_help_says_of_every_verb_what_its_own_says_first():
    for name, stands_for_it in get_command(main.app).commands.items():
        verb = main.load_verb(name)
        assert verb.name == name
        assert stands_for_it.help == " ".join(verb.help.split("\n\n")[0].split())


def test_options_of_a_verb_are_completed():
    typed = {"_REGARD_COMPLETE": "complete_bash", "COMP_WORDS": "regard search --so"}
    done = CliRunner().invoke(main.app, [], "", typed | {"COMP_CWORD": "2"}, prog_name="regard")
    assert done.stdout.split() == ["--sort"]


def test_a_verb_is_loaded_when_it_is_called():
    script = (
        "import sys; from regard.cli.main import app\n"
        "try: app(['{}', '--help'])\n"
        "except SystemExit: pass\n"
        "loaded = {{'search', 'train', 'cluster'}} & {{m.rpartition('.')[2] for m in sys.modules\n"
        "          if m.startswith('regard.cli.')}}\n"
        "sys.exit(str(loaded) if loaded != {} else 0)"
    )
    for call, loaded in (("search", {"search"}), ("--version", set())):
        code = script.format(call, loaded or "set()")
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

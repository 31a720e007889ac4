"""Writes docs/commands.md, docs/recipes.md and docs/python.md from the code, so that they agree.

Run `python docs/generate.py`; a test fails when the files are not what this would write.
"""

import ast
import inspect
import itertools
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path

import click
import typer.main

import regard
from regard import errors
from regard.cli.main import app, load_verb
from regard.core.model_config import ModelConfig, TextConfig
from regard.core.scoring import Scoring
from regard.training.config import TrainConfig, load_recipe, recipe_names

HERE = Path(__file__).parent
_SKIPPED = ("--help", "--install-completion", "--show-completion")


def commands() -> str:
    """Every verb with its arguments and options."""
    root = typer.main.get_command(app)
    parts = [
        "# Commands\n\nResults go to standard output; progress and notes go to standard error. "
        "Commands that make something resume when rerun. An error is one line, and the exit code "
        "is 2.\n"
    ]
    parts += [_command(name, load_verb(name)) for name in sorted(root.commands)]
    return "\n".join(parts)


def _command(name: str, verb: click.Command) -> str:
    lines = [f"## regard {name}\n", _prose(verb.help or ""), ""]
    rows = [_parameter(p) for p in verb.params if not set(p.opts) & set(_SKIPPED)]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    inside = getattr(verb, "commands", {})  # of a group; typer's is no click.Group
    lines += [_command(f"{name} {n}", v) for n, v in sorted(inside.items())]
    return "\n".join(lines)


def _prose(text: str) -> str:
    """Help text, its examples as code."""
    paragraphs = inspect.cleandoc(text).replace("\b", "").split("\n\n")
    shown = (p.strip() for p in paragraphs)
    return "\n\n".join(f"```sh\n{p}\n```" if p.startswith("regard ") else p for p in shown)


def _parameter(parameter: click.Parameter) -> str:
    is_option = parameter.param_type_name == "option"
    names = (
        ", ".join(f"`{o}`" for o in parameter.opts)
        if is_option
        else (f"`{(parameter.name or '').upper()}`")
    )
    notes = [str(getattr(parameter, "help", "") or "").rstrip(".") + "."]
    if parameter.required:
        notes.append("Required.")
    elif (
        is_option and parameter.default not in (None, False, ()) and not callable(parameter.default)
    ):
        notes.append(f"Default: `{parameter.default}`.")
    return f"| {names} | {' '.join(notes)} |"


def recipes() -> str:
    """Every setting with its default, and every shipped recipe."""
    sections = (
        ("model", ModelConfig),
        ("model.text", TextConfig),
        ("model.scoring", Scoring),
        ("training", TrainConfig),
    )
    lines = [
        "# Recipes and settings\n",
        "A recipe is a TOML file with the sections below. `--set section.name=value` changes one "
        "setting; unknown names are errors. A recipe overrides the defaults, and `--set` overrides "
        "the recipe.\n",
        "## Recipes that come with Regard\n",
        *(f"- `{name}`: {load_recipe(name).about}" for name in recipe_names()),
        "",
    ]
    for name, kind in sections:
        lines += [f"## [{name}]\n", "| setting | default | |", "|---|---|---|"]
        about = dict(docstrings_of_fields(kind))
        lines += [
            f"| `{field.name}` | {_default(field)} | {about.get(field.name, '')} |"
            for field in fields(kind)
            if field.name not in ("scoring", "text")
        ]
        lines.append("")
    return "\n".join(lines)


def _default(field: "Field[object]") -> str:
    return f"`{field.default}`" if field.default is not MISSING else ""


def docstrings_of_fields(kind: type) -> Iterator[tuple[str, str]]:
    """Names of a dataclass's fields with the string that stands under each."""
    body = ast.parse(inspect.getsource(kind)).body[0].body  # type: ignore[attr-defined]
    for field, text in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            value = getattr(text.value, "value", "")
            yield ast.unparse(field.target), " ".join(str(value).split())


_PYTHON = """# Python

`import regard` gives you the names below and loads nothing heavy. Each has a docstring with the
shapes of arrays, units, and the errors it raises. Read it with `help(regard.Model)`, or on this
page of the site that `make docs` builds. Letters in shapes: I images, C captions, R regions,
W words, D dimensions of the joint space, F dimensions of a raw feature. Boxes and sizes are in
pixels of the upright original photo.

| name | what it is | source |
|---|---|---|"""
_ERRORS = """
## Errors

Everything raised on purpose is a `RegardError`; most are also one of Python's built-in error types.
A message says what is wrong, what is needed, and what to do next.

| name in `regard.errors` | what it says |
|---|---|"""


def python() -> str:
    """Every public name with the first line of its docstring, and where that stands."""
    raised = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
    names = ((name, getattr(regard, name)) for name in regard.__all__)
    rows = (f"| `{name}` | {_summary(what)} | {_source(what)} |" for name, what in names)
    kinds = (f"| `{kind.__name__}` | {_summary(kind)} |" for kind in raised)
    return "\n".join([_PYTHON, *rows, _ERRORS, *kinds, ""])


def _source(what: object) -> str:
    place = what.__module__.removeprefix("regard.").replace(".", "/") + ".py"
    return f"[{place}](../src/regard/{place})"


def _summary(what: object) -> str:
    return (inspect.getdoc(what) or "").splitlines()[0]


WRITTEN = {"commands.md": commands, "recipes.md": recipes, "python.md": python}

if __name__ == "__main__":
    for file, make in WRITTEN.items():
        (HERE / file).write_text(make(), encoding="utf-8")

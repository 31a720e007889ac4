"""The `regard` command: its verbs, and how errors are told."""

import importlib
import io
import keyword
import re
import sys
from typing import Annotated, Any

import typer
import typer.core

import regard
from regard.cli import cluster, models
from regard.errors import RegardError

_VERBS = {  # each a function in a file of its name, in the order of the help
    "Your photos": ("index", "search", "serve", "captions", "explain", "demo", "doctor"),
    "Research": (
        *("evaluate", "compare", "score", "reproduce", "calibrate", "bench"),
        *("extract", "train", "curves", "tune", "ablate", "blend", "point"),
        *("import", "export", "export-vectors"),
    ),
}
_KINDS = {
    "str": "TEXT",
    "Path": "PATH",
    "path": "PATH",
    "int": "NUMBER",
    "float": "NUMBER",
    "bool": "",
}
_WIDEST = 18  # letters of choices in the help
_INTERRUPTED = 130  # the shell's exit code of what Ctrl+C ended
# "-1: a leash" and "-a leash; a dog": a weight as queries have them, or a minus and several words
_NEGATIVE = re.compile(r"-\s*(\d+\.?\d*|\.\d+)?\s*:|-[^-=]*[\s;]")

app = typer.Typer(
    name="regard",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _panel, _names in _VERBS.items():
    for _name in _names:
        _function = _name.replace("-", "_") + "_" * keyword.iskeyword(_name)
        _verb = getattr(importlib.import_module(f"regard.cli.{_function}"), _function)
        app.command(_name, rich_help_panel=_panel)(_verb)
app.add_typer(models.app, name="models", rich_help_panel="Research")
app.add_typer(cluster.app, name="cluster", rich_help_panel="Research")


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"regard {regard.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[  # acts when it is read
        bool,
        typer.Option("--version", help="Tell the version.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """Match photos and sentences, and see which word looked where."""


def _plain_types() -> None:
    """Have the help say TEXT where typer, from some version on, says <list[str]>; and the like."""
    shown: Any = getattr(typer.core.TyperArgument, "display_type", None)
    if shown is None:
        return

    def display_type(parameter: Any, ctx: Any) -> str:
        label = str(shown(parameter, ctx))
        if "|" in label:
            return label if len(label) <= _WIDEST else "TEXT"  # a narrow terminal would break it
        kind = re.sub(r"list\[(\w+)\]", r"\1", label).strip("<>").partition(" ")[0]
        return _KINDS.get(kind, label)

    for kind in (typer.core.TyperArgument, typer.core.TyperOption):
        setattr(kind, "display_type", display_type)  # noqa: B010 - a name not every version has


_plain_types()


def run() -> None:
    """Entry point: errors made on purpose, and the system's, become one line and exit code 2."""
    _escape_what_cannot_be_shown()
    try:
        app([_as_text(argument) for argument in sys.argv[1:]])
    except RegardError as error:
        _fail(str(error))
    except UnicodeEncodeError as error:
        if not error.reason.startswith("surrogates"):
            raise
        _fail(f"a name or text is {error.object!r}; it must be UTF-8. Rename or correct it.")
    except OSError as error:
        _fail(
            f"{error.filename or 'a file'} cannot be used ({error.strerror or error}); it must be "
            "one you may read or write as asked. Check the path, its permissions and the disk."
        )
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != _INTERRUPTED:
            raise
        from regard.cli.common import notes

        notes.print("Interrupted. What was finished is kept; run the same command to resume.")
        sys.exit(_INTERRUPTED)


def _escape_what_cannot_be_shown() -> None:
    """Letters that the encoding of a terminal or file lacks are no reason to end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _as_text(argument: str) -> str:
    """An argument; with a space before it where it is a query that else would be an option."""
    return f" {argument}" if _NEGATIVE.match(argument) else argument


def _fail(text: str) -> None:
    from regard.cli.common import notes

    notes.print("[bold red]Error:[/bold red]", end=" ")
    notes.print(text, markup=False)
    sys.exit(2)


if __name__ == "__main__":
    run()

"""The `regard` command: its verbs, and how errors are told."""

import importlib
import io
import keyword
import re
import sys
from typing import Annotated, Any

import typer
import typer.core
import typer.main

import regard
from regard.errors import RegardError

_VERBS = {  # in the order of the help, which is printed without loading them
    "Your photos": {
        "index": "Make an index of photos, or bring it up to date.",
        "search": "Find the photos that fit a sentence best.",
        "serve": "Search photos on a page, and see which word looked where.",
        "captions": "Rank sentences by how well they fit a photo.",
        "explain": "Draw which word looked where, with each word's cosine and its share of the "
        "similarity.",
        "demo": "Index photos, answer a few sentences, and draw why each best photo was found.",
        "doctor": "Versions, the machine, which precision it computes quicker in, and the shipped "
        "weights.",
    },
    "Research": {
        "evaluate": "Measure retrieval both ways on a split, with 95 % intervals.",
        "compare": "Compare two models on the same queries, by a paired bootstrap.",
        "score": "Print how well a photo and a sentence fit; higher is better.",
        "reproduce": "Train and evaluate a recipe of a paper; print paper, accepted band and got.",
        "calibrate": "Fit a model's probabilities, verdicts and word support, and say how far they "
        "hold.",
        "bench": "Measure one stage on this machine.",
        "extract": "Read photos and store the features of their regions.",
        "train": "Train a model; the best on the val split is kept in OUT/best.",
        "curves": "Draw loss and rSum on val by epoch, several runs in one picture.",
        "tune": "Tune the backbone to captions; OUT/best is the model with its tuned backbone.",
        "ablate": "Train and judge the paper's ablation: VSE++, Sum-Max and SCAN on the same "
        "regions.",
        "blend": "Blend the weights of a model and of what it was tuned to.",
        "point": "Teach a model where words point, for the maps people see.",
        "import": "Read files of the official SCAN and VSE++ code. Nothing in a checkpoint is "
        "executed.",
        "export": "Write a checkpoint that the official SCAN code loads, and its vocabulary beside "
        "it.",
        "export-vectors": "Bring another database into step with an index: ids and one vector a "
        "photo.",
        "models": "Pretrained vision-language backbones: list, get and check them.",
        "cluster": "The stages that many photos need, on the machines of a Ray cluster.",
    },
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


class _Verbs(typer.core.TyperGroup):
    """Verbs, each loaded when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that arguments begin with."""
        name, verb, rest = super().resolve_command(ctx, args)
        return name, verb and load_verb(str(name)), rest


app = typer.Typer(
    name="regard",
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _panel, _names in _VERBS.items():
    for _name, _does in _names.items():
        app.command(_name, help=_does, rich_help_panel=_panel)(lambda: None)


def load_verb(name: str) -> Any:
    """The command of a verb: a function in a file of its name, or several in an `app` there."""
    function = name.replace("-", "_") + "_" * keyword.iskeyword(name)
    module = importlib.import_module(f"regard.cli.{function}")
    loaded = typer.Typer(rich_markup_mode="markdown")
    if hasattr(module, "app"):
        loaded.add_typer(module.app, name=name)
    else:
        loaded.command(name)(getattr(module, function))
    return typer.main.get_group(loaded).commands[name]


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

"""The `regard` command: its verbs, and how errors are told."""

import sys

import typer

from regard.cli import (
    ablate,
    bench,
    blend,
    calibrate,
    captions,
    cluster,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    export_vectors,
    extract,
    import_,
    index,
    point,
    reproduce,
    score,
    search,
    serve,
    train,
    tune,
)
from regard.errors import RegardError

app = typer.Typer(
    name="regard",
    help="Match photos and sentences, and see which word looked where.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("extract")(extract.extract)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("ablate")(ablate.ablate)
app.command("blend")(blend.blend)
app.command("demo")(demo.demo)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("point")(point.point)
app.command("import")(import_.import_)
app.command("export")(export.export)
app.command("export-vectors")(export_vectors.export_vectors)
app.command("reproduce")(reproduce.reproduce)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("captions")(captions.captions)
app.command("explain")(explain.explain)
app.command("score")(score.score)
app.command("serve")(serve.serve)
app.add_typer(cluster.app, name="cluster")


def run() -> None:
    """Entry point: errors made on purpose become one line and exit code 2."""
    from regard.cli.common import notes

    try:
        app()
    except RegardError as error:
        notes.print("[bold red]Error:[/bold red]", end=" ")
        notes.print(str(error), markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        notes.print("Interrupted; what was finished is kept. Run the same command to go on.")
        sys.exit(130)


if __name__ == "__main__":
    run()

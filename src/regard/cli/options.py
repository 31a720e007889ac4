"""Options that several verbs have."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_INDEX = Path(".regard-index")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for other programs.")]
Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Shipped model's name, or folder of a trained one."),
]
Data = Annotated[
    Path, typer.Option(help="Karpathy JSON, JSONL or CSV of captions, or a SCAN precomp folder.")
]
Regions = Annotated[
    Path | None, typer.Option(help="Region store; a precomp folder brings its own.")
]
Index = Annotated[
    Path, typer.Option("--index", "-i", help="Folder of the index.", show_default=True)
]
IndexModel = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Model's name or folder; default: the index's own."),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="Model's name or folder; several are averaged."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", "-x", help="What to leave out, as in .gitignore; repeatable."),
]
Compress = Annotated[
    bool, typer.Option("--compress", help="Make the index half as large, vectors in int8.")
]
Query = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT",
        help='Sentences, perhaps weighted: "a dog; 0.5: grass; -1: a leash".',
    ),
]
Split = Annotated[str, typer.Option(help="train, val, test, all; testall in COCO.")]
Protocol = Annotated[
    str, typer.Option(help="all, 1k, coco-1k-5fold or coco-5k; see docs/protocols.md.")
]
Combine = Annotated[str, typer.Option(help="How models are averaged: raw similarities, or zscore.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting, e.g. training.epochs=3. Repeatable."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Compile = Annotated[
    bool, typer.Option("--compile", help="Let torch compile the encoders for a graphics card.")
]
Paths = Annotated[str | None, typer.Option(help="Only paths like this: `*/2019/*`.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes, one thread each; default one a core.")
]

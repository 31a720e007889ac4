"""regard export: a model in the official code's own format."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli import options
from regard.cli.common import print_made


def export(
    model: Annotated[str, typer.Argument(help="Model's name, or folder of a trained one.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint to write, *.pth.tar.")],
    as_json: options.Json = False,
) -> None:
    """Write a checkpoint that the official SCAN code loads, and its vocabulary beside it.

    regard export runs/f30k/best --out model_best.pth.tar
    """
    from regard.model.checkpoint import load_checkpoint
    from regard.official.export import export_checkpoint

    checkpoint = load_checkpoint(model)
    export_checkpoint(out, checkpoint)
    name = out.name.removesuffix(".pth.tar").removesuffix(".pth")
    vocab = out.with_name(f"{name}_vocab.json")
    checkpoint.vocabulary.save(vocab)
    note = f"Its vocabulary is {vocab}; the official code looks for it in --vocab_path."
    print_made(out, {"checkpoint": str(out), "vocabulary": str(vocab)}, as_json, note)

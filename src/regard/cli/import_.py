"""regard import: official checkpoints and bottom-up-attention features, made usable here."""

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.common import AsJson, notes, print_json, progress_bar, report_skipped
from regard.errors import ConfigError


def import_(
    file: Annotated[
        Path, typer.Argument(help="Official checkpoint (.pth.tar), or features (.tsv).")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the model or region store.")],
    vocab: Annotated[
        Path | None,
        typer.Option(help="Checkpoint: the vocabulary it was trained with, JSON or VSE++'s .pkl."),
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(help="Features: Karpathy JSON whose file names replace the ids."),
    ] = None,
    producer: Annotated[
        str, typer.Option(help="Features: name of what made them, kept with the store.")
    ] = "bottom-up-attention",
    as_json: AsJson = False,
) -> None:
    """Read files of the official SCAN and VSE++ code. Nothing in a checkpoint is executed.

    regard import model_best.pth.tar --vocab f30k_precomp_vocab.json --out models/f30k

    regard import trainval_36.tsv --captions dataset_coco.json --out coco.regions
    """
    if file.suffix.lower() == ".tsv":
        _features(file, out, captions, producer, as_json=as_json)
    else:
        _checkpoint(file, out, vocab, as_json=as_json)


def _features(
    file: Path, out: Path, captions: Path | None, producer: str, *, as_json: bool
) -> None:
    from regard.official.bottom_up import feature_dim, import_tsv, names_of_ids
    from regard.store.region_store import RegionStore

    names = names_of_ids(captions) if captions else None
    with (
        RegionStore(out, producer, feature_dim(file), writable=True) as store,
        progress_bar("Reading features (bytes)") as progress,
    ):
        report = import_tsv(file, store, names, progress)
        stored = len(store)
    report_skipped(report.skipped)
    if as_json:
        print_json({"store": str(out), "photos": stored, **report._asdict()})
    else:
        notes.print(f"{report.imported} photos imported, {report.already} were there.")
        print(out)


def _checkpoint(file: Path, out: Path, vocab: Path | None, *, as_json: bool) -> None:
    from regard.config import to_tree
    from regard.model.checkpoint import save_checkpoint
    from regard.official.checkpoint import import_checkpoint, load_vocabulary

    if vocab is None:
        raise ConfigError(
            "vocabulary is not given; a checkpoint needs the one it was trained with. Add --vocab "
            "f30k_precomp_vocab.json."
        )
    checkpoint = import_checkpoint(file, load_vocabulary(vocab))
    save_checkpoint(out, checkpoint)
    config = checkpoint.config
    if as_json:
        print_json({"model": str(out), "config": to_tree(config)})
    else:
        scoring = config.scoring
        kind = f"{scoring.direction} attention, {scoring.pooling} pooling"
        if scoring.scorer != "attention":
            kind = "VSE++, a vector a caption"
        notes.print(
            f"{kind}, {config.feature_dim} to "
            f"{config.embed_dim} numbers, {len(checkpoint.vocabulary)} words."
        )
        print(out)

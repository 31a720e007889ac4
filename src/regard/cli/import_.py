"""regard import: official checkpoints and bottom-up-attention features, made usable here."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import notes, print_made, progress_bar, report_skipped
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.importing import Row

    ReadRows = Callable[[], Iterator[tuple[Row, int]]]


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Official checkpoint (.pth.tar), or features: a .tsv, a folder of .npz or .npy "
            "files, one per photo, an HDF5 file or an LMDB."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the model or region store.")],
    vocab: Annotated[
        Path | None,
        typer.Option(help="Checkpoint: the vocabulary it was trained with, JSON or VSE++'s .pkl."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Checkpoint: how it scores, e.g. pooling=mean. Repeatable; see below."
        ),
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(help="Features: Karpathy JSON whose file names replace the ids."),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(help="HDF5: which photo is in which row; default: within it or beside it."),
    ] = None,
    producer: Annotated[
        str, typer.Option(help="Features: name of what made them, kept with the store.")
    ] = "bottom-up-attention",
    as_json: options.Json = False,
) -> None:
    """Read files of the official SCAN and VSE++ code. Nothing in a checkpoint is executed.

    A checkpoint names its direction, pooling, normalization, lambda_softmax and lambda_lse. Where
    it does not, the official defaults are assumed and told; --set gives what it was trained with.

    regard import model_best.pth.tar --vocab f30k_precomp_vocab.json --out models/f30k

    regard import other.pth.tar --vocab vocab.json --set direction=i2t --out models/other

    regard import trainval_36.tsv --captions dataset_coco.json --out coco.regions

    regard import train36.hdf5 --ids train36_imgid2idx.pkl --out vqa.regions

    regard import features/ --captions dataset_flickr30k.json --producer vinvl --out f30k.regions
    """
    rows = _rows(file, ids)
    if rows is not None:
        _features(*rows, file, out, captions, producer, as_json=as_json)
    else:
        _checkpoint(file, out, vocab, settings or [], as_json=as_json)


def _rows(file: Path, ids: Path | None) -> "tuple[ReadRows, int] | None":
    """What reads the photos of a file of features, and how much there is; None of others."""
    from regard.datasets import bottom_up, hdf5, lmdb_files, one_file_each

    suffix = file.suffix.lower()
    if lmdb_files.is_lmdb(file):
        database = lmdb_files.open_lmdb(file)
        return database.rows, len(database)
    if file.is_dir():
        files = one_file_each.files_in(file)
        return partial(one_file_each.read_files, files), len(files)
    if suffix in hdf5.SUFFIXES:
        held = hdf5.open_hdf5(file, ids)
        return held.rows, len(held)
    if suffix == ".tsv":
        return partial(bottom_up.read_tsv, file), file.stat().st_size if file.exists() else 0
    return None


def _features(
    read: "ReadRows",
    total: int,
    file: Path,
    out: Path,
    captions: Path | None,
    producer: str,
    *,
    as_json: bool,
) -> None:
    from regard.datasets.bottom_up import names_of_ids
    from regard.datasets.importing import feature_dim, import_rows
    from regard.store.region_store import RegionStore

    names = names_of_ids(captions) if captions else None
    with (
        RegionStore(out, producer, feature_dim(read(), file), writable=True) as store,
        progress_bar("Reading features") as progress,
    ):
        report = import_rows(read(), total, store, names, progress)
        stored = len(store)
    report_skipped(report.skipped)
    note = f"{report.imported} photos imported, {report.already} were there."
    print_made(out, {"store": str(out), "photos": stored, **report._asdict()}, as_json, note)


def _checkpoint(
    file: Path, out: Path, vocab: Path | None, settings: list[str], *, as_json: bool
) -> None:
    from regard.config import apply_settings, to_tree
    from regard.model.checkpoint import describe, save_checkpoint
    from regard.official.checkpoint import import_checkpoint, load_vocabulary

    if vocab is None:
        raise ConfigError(
            "vocabulary is not given; a checkpoint needs the one it was trained with. Add --vocab "
            "f30k_precomp_vocab.json."
        )
    checkpoint = import_checkpoint(file, load_vocabulary(vocab), apply_settings({}, settings))
    save_checkpoint(out, checkpoint)
    assumed = checkpoint.info.get("assumed", {})
    if assumed:
        values = ", ".join(f"{name} {value}" for name, value in assumed.items())
        notes.print(
            f"{file} does not say how it scores; the official defaults are assumed: {values}. "
            "If it was trained otherwise, import it again with --set, as --set pooling=mean.",
            markup=False,
        )
    tree = {"model": str(out), "config": to_tree(checkpoint.config), "assumed": assumed}
    print_made(out, tree, as_json, f"{describe(checkpoint.config, checkpoint.vocabulary)}.")

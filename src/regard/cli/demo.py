"""regard demo: the whole way, on sample photos or on yours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import notes, print_json, progress_bar, report_passed_over, report_skipped
from regard.cli.search import print_table
from regard.errors import DataError

if TYPE_CHECKING:
    from regard.search import Index

_OWN_SENTENCES = (
    "a person smiles",
    "a dog runs on grass",
    "water and sky",
    "people sit at a table",
    "a street with cars",
)


def demo(
    photos: Annotated[
        Path | None, typer.Option("--photos", help="Folder of photos; default: samples.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the index and the figures go.")
    ] = Path("demo-out"),
    model: options.Model = "flickr8k",
    as_json: options.Json = False,
) -> None:
    """Index photos, answer a few sentences, and draw why each best photo was found.

    regard demo

    regard demo --photos ~/Pictures
    """
    from regard.indexing import update_index
    from regard.model.model import load
    from regard.photos.samples import SENTENCES, copy_samples
    from regard.search import Index

    if photos is None:
        notes.print("Sample photos:")
        copy_samples(out / "photos")
    folder = photos or out / "photos"
    loaded = load(model)
    with progress_bar("Looking at photos") as progress:
        report = update_index(out / "index", folder, loaded, progress=progress)
    report_skipped(report.skipped)
    report_passed_over(report.passed_over)
    index = Index.open(out / "index", loaded)
    if len(index) == 0:
        raise DataError(
            f"photo folder {folder} holds no photo that can be read; it must hold at least one. "
            "Name another with --photos."
        )
    notes.print(f"{len(index)} photos in the index.\n")
    sentences = SENTENCES if photos is None else _OWN_SENTENCES
    answers = [
        _answer(index, sentence, number, out, as_json)
        for number, sentence in enumerate(sentences, 1)
    ]
    if as_json:
        print_json(answers)
        return
    notes.print(
        f'\nNow ask your own:  regard search "..." --index {out / "index"}\n'
        f"or look in a browser:  regard serve --index {out / 'index'}"
    )


def _answer(index: "Index", sentence: str, number: int, out: Path, as_json: bool) -> dict[str, Any]:
    """Search for one sentence, show the table, draw the best hit."""
    from regard.explain.figure import save_figure
    from regard.photos.decode import read_photo

    result = index.search(sentence, k=5)
    best = result.hits[0]
    slug = "-".join(sentence.split()[:6])
    figure = out / "figures" / f"{number}-{slug}.png"
    figure.parent.mkdir(parents=True, exist_ok=True)
    (figure.parent / ".nomedia").touch()  # figures of photos are no photos
    save_figure(best.explain(), read_photo(best.photo.path).image, sentence, figure)
    if not as_json:
        print_table(result, title=f"“{sentence}”")
        print(f"  why: {figure}")
    hits = [{"photo": str(h.photo.path), "similarity": h.similarity} for h in result.hits]
    return {"sentence": sentence, "hits": hits, "figure": str(figure)}

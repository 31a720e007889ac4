"""regard captions: the best sentences for a photo."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import notes, output, print_json, progress_bar
from regard.cli.explain import note_unknown_words
from regard.errors import DataError

if TYPE_CHECKING:
    from regard.model.judgement import Verdict
    from regard.search.captions import RankedCaption


def captions(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    sentences: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Text file with one sentence per line, UTF-8; default: a built-in list of "
            "everyday sentences.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many sentences to show.")] = 10,
    model: options.Model = "flickr8k",
    as_json: options.Json = False,
) -> None:
    """Rank sentences by how well they fit a photo.

    regard captions beach.jpg

    regard captions beach.jpg --from sentences.txt -k 5
    """
    from regard.model.judgement import verdict
    from regard.model.model import load
    from regard.search.captions import BUILT_IN, rank_captions

    lines = _read_lines(sentences or BUILT_IN)
    loaded = load(model)
    with progress_bar("Scoring sentences") as progress:
        ranked = rank_captions(loaded, photo, lines, k, progress)
    note_unknown_words(loaded, *(caption.sentence for caption in ranked))
    overall = verdict(ranked[0].match_probability)
    if as_json:
        print_json([_tree(caption, overall) for caption in ranked])
        return
    if overall == "no sure match":
        notes.print("No sure match.")
    from rich.table import Table
    from rich.text import Text

    table = Table("", "similarity", "sentence", box=None, pad_edge=False)
    if any(caption.unsupported for caption in ranked):
        table.add_column("no region shows")
    for rank, caption in enumerate(ranked, 1):
        unseen = Text(", ".join(caption.unsupported))
        table.add_row(str(rank), f"{caption.similarity:.3f}", Text(caption.sentence), unseen)
    output.print(table)


def _tree(caption: "RankedCaption", overall: "Verdict | None") -> dict[str, Any]:
    """A sentence in the form of JSON."""
    tree = {**caption._asdict(), "verdict": overall}
    if caption.probability is None:
        del tree["probability"]
    return tree


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"sentences are read from {str(path)!r} ({error}); it must be a text file in UTF-8, "
            "one sentence per line. Check the path."
        ) from None

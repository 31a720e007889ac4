"""regard search: photos for a sentence, out of an index."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.common import (
    DEFAULT_INDEX,
    AsJson,
    IndexOption,
    PathOption,
    QueryArgument,
    notes,
    output,
    place_of,
    print_json,
    printable,
)
from regard.cli.explain import note_unscored, tell_unknown_words
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.search.catalog import Filters
    from regard.search.result import Hit, SearchResult

Orientation = Literal["landscape", "portrait", "square"]
_SHOWN_WORDS = 3


def search(
    query: QueryArgument = None,
    index: IndexOption = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", help="How many photos.")] = 10,
    like: Annotated[
        list[Path] | None, typer.Option("--like", help="A photo to look like; may be repeated.")
    ] = None,
    path: PathOption = None,
    after: Annotated[
        str | None, typer.Option(help="Only photos taken on this day or later: 2019-05-01.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only photos taken before this day.")] = None,
    orientation: Annotated[
        Orientation | None, typer.Option(help="Only landscape, portrait or square photos.")
    ] = None,
    min_size: Annotated[
        str | None, typer.Option(help="Only photos of at least so many pixels: 1920x1080.")
    ] = None,
    sort: Annotated[
        Literal["relevance", "date"], typer.Option(help="Order of the photos found.")
    ] = "relevance",
    as_json: AsJson = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Show the photos, in terminals that can.")
    ] = False,
    paths0: Annotated[
        bool, typer.Option("--paths0", help="Print paths only, each ended by a zero byte.")
    ] = False,
) -> None:
    """Find the photos that fit a sentence best.

    Parts of a query stand apart by semicolons. A part may have a weight; a negative one pushes
    photos like it down.

        regard search "a dog on a beach"

        regard search "2: a dog; grass; -1: a leash" -k 20 --after 2019-05-01

        regard search "at night" --like tower.jpg --paths0 | xargs -0 ls -l
    """
    from regard.search.index import Index
    from regard.search.query import Query

    asked = Query.parse(*(query or ()), like=like or ())
    filters = _filters(path, after, before, orientation, min_size)
    with Index.open(index) as opened:
        result = opened.search(asked, k, filters=filters, sort=sort)
        note_result(result)
        if after or before:
            _note_undated(opened.count_undated(filters))
        if as_json:
            print_json([hit_tree(hit, result) for hit in result.hits])
        elif paths0:
            for hit in result.hits:
                sys.stdout.buffer.write(os.fsencode(place_of(hit.photo.path)) + b"\0")
        elif pictures:
            _print_pictures(result)
        else:
            print_table(result)


def _filters(
    path: str | None,
    after: str | None,
    before: str | None,
    orientation: Orientation | None,
    min_size: str | None,
) -> "Filters":
    from regard.search.catalog import Filters

    return Filters(
        path=path,
        taken_after=_day("--after", after),
        taken_before=_day("--before", before),
        orientation=orientation,
        min_size=_size(min_size),
    )


def _day(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option} is {text!r}; it must be a day or a time, as 2019-05-01 or "
            "2019-05-01T18:00. Correct it."
        ) from None


def _size(text: str | None) -> tuple[int, int] | None:
    """Least width and height; one number stands for both."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    try:
        least = int(width), int(height or width)
        if min(least) < 1 or text.lower().endswith("x"):
            raise ValueError
        return least
    except ValueError:
        raise ConfigError(
            f"--min-size is {text!r}; it must be width x height in pixels, as 1920x1080, or one "
            "number for both. Correct it."
        ) from None


def note_result(result: "SearchResult") -> None:
    """Say on standard error what the reader should know of the result."""
    tell_unknown_words(result.unknown_words)
    if result.verdict == "no good match":
        notes.print("No good match.")
    if not result.hits:
        notes.print(
            "Nothing found."
            if result.total
            else "No photo passes: the filters leave out all, or the index holds none. --path is a "
            "pattern of the whole path, as '*/2019/*' or '*beach*'."
        )
    if any(hit.lacks_labels for hit in result.hits):
        notes.print(
            "The index is of an older version and does not hold what regions look like. To have "
            "that told, make it anew: regard index --rebuild"
        )


def _note_undated(number: int) -> None:
    """Say how many photos a filter of dates left out for want of one."""
    if number:
        photos = "1 photo is" if number == 1 else f"{number} photos are"
        notes.print(f"{photos} left out as no date is known of them.")


def hit_tree(hit: "Hit", result: "SearchResult") -> dict[str, object]:
    """A hit in the form of JSON."""
    from regard.explain.explanation import looks_tree

    tree: dict[str, object] = {
        "photo": place_of(hit.photo.path),
        "similarity": hit.similarity,
        "words": hit.words(),
        "id": hit.photo.id,
        "width": hit.photo.width,
        "height": hit.photo.height,
        "taken": hit.photo.taken.isoformat() if hit.photo.taken else None,
        "unsupported": hit.unsupported,
        "verdict": result.verdict,
        "match_probability": result.match_probability,
        "looks_like": looks_tree(hit.looks),
    }
    return tree if hit.probability is None else {**tree, "probability": hit.probability}


def print_table(result: "SearchResult", title: str | None = None) -> None:
    """Rank, similarity, path and the words that added most."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        *("", "similarity", "photo", "strongest words"),
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    told = {
        "no region shows": [", ".join(hit.unsupported) for hit in result.hits],
        "found by label": [_labelled(hit) for hit in result.hits],
    }
    told = {title: texts for title, texts in told.items() if any(texts)}
    for title in told:
        table.add_column(title)
    for rank, (hit, *texts) in enumerate(zip(result.hits, *told.values(), strict=True), 1):
        name = Text(printable(place_of(hit.photo.path)), overflow="fold")
        cells = [Text(text) for text in (_strongest(hit), *texts)]
        table.add_row(str(rank), f"{hit.similarity:.3f}", name, *cells)
    if result.hits:
        output.print(table)
        note_unscored(result.hits[0].wanted)


def _print_pictures(result: "SearchResult") -> None:
    """What the table says, each photo below its line."""
    from regard.cli import thumbnails

    how = thumbnails.protocol()
    if how is None or not output.is_terminal:
        raise ConfigError(
            "output is no terminal known to show pictures; it must be one such as kitty, "
            "Ghostty, iTerm2 or WezTerm. Leave --pictures out, or use `regard serve`."
        )
    for rank, hit in enumerate(result.hits, 1):
        line = f"{rank}  {hit.similarity:.3f}  {place_of(hit.photo.path)}  {_strongest(hit)}"
        output.print(line, markup=False, soft_wrap=True)
        thumbnails.show(hit.photo.path, how)


def _labelled(hit: "Hit") -> str:
    """Words found by what a region looks like, and by what."""
    pairs = hit.words_by_label.items()
    return "; ".join(f"{', '.join(words)}: {label}" for label, words in pairs)


def _strongest(hit: "Hit") -> str:
    """The words that name something with the largest shares, or cosines if none is scored."""
    from regard.explain import strongest_words

    words = strongest_words(hit.wanted, _SHOWN_WORDS)
    scored = any(explanation.words_are_scored for explanation in hit.wanted)
    return ", ".join(f"{w.word} {w.share if scored else w.relevance:.2f}" for w in words)

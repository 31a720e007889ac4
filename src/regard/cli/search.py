"""regard search: photos for a sentence, out of an index."""

import os
import sys
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli import options
from regard.cli.common import notes, output, place_of, print_json
from regard.cli.explain import note_unscored, tell_unknown_words
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.search.catalog import Filters, PhotoRecord
    from regard.search.index import Index
    from regard.search.part import Box
    from regard.search.result import Hit, SearchResult

    Alike = list[list[PhotoRecord]]

_QUOTED = "In quotation marks a sentence is taken as it stands."
Orientation = Literal["landscape", "portrait", "square"]
OrientationOption = Annotated[
    Orientation | None, typer.Option(help="Only landscape, portrait or square photos.")
]
AfterOption = Annotated[
    str | None, typer.Option(help="Only photos taken on this day or later: 2019-05-01.")
]
BoxOption = Annotated[
    str | None,
    typer.Option(
        help="The part of the --like photo that counts: x,y,width,height from 0 to 1, as "
        "0.5,0,0.5,1 for its right half."
    ),
]


_STACKED, _MORE = 3, 20  # hits asked for a photo wanted, and besides


def search(
    query: options.Query = None,
    index: options.Index = options.DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", help="How many photos to show.")] = 10,
    like: Annotated[
        list[Path] | None, typer.Option("--like", help="Photos like this one; repeatable.")
    ] = None,
    box: BoxOption = None,
    path: options.Paths = None,
    after: AfterOption = None,
    before: Annotated[str | None, typer.Option(help="Only photos taken before this day.")] = None,
    orientation: OrientationOption = None,
    min_size: Annotated[
        str | None, typer.Option(help="Only photos of at least this size in pixels: 1920x1080.")
    ] = None,
    sort: Annotated[
        Literal["relevance", "date"], typer.Option(help="Order of the photos found.")
    ] = "relevance",
    as_json: options.Json = False,
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

        regard search "a beach without people, last summer"

        regard search "in snow" --like street.jpg --box 0.1,0.4,0.3,0.5
    """
    from regard.search.index import Index
    from regard.search.part import part_of
    from regard.search.query import Query

    chosen = _chosen(like or [], box)
    filters = _filters(path, after, before, orientation, min_size)
    Query.parse(*(query or []), like=like or ())  # refused before a model is loaded
    with Index.open(index) as opened:
        texts, filters = _understood(query or [], filters, opened)
        asked = Query.parse(*texts, like=like or ())
        if chosen is not None:
            regions = opened.model.encode_images([(like or [])[0]]).photo(0)
            asked = replace(asked, like=(part_of(regions, chosen),))
        result = opened.search(asked, _depth(k, sort), filters=filters, sort=sort)
        note_result(result, filters)
        if filters.taken_after or filters.taken_before:
            _note_undated(opened.count_undated(filters))
        _print(result, k, as_json=as_json, paths0=paths0, pictures=pictures)


def _depth(k: int, sort: str) -> int:
    """Hits to ask for, so that after stacking as many are left as are wanted.

    By date no more than these: the newest of many would be others than the newest of the best.
    """
    return _STACKED * k + _MORE if k > 0 and sort == "relevance" else k


def _print(
    result: "SearchResult",
    k: int,
    *,
    as_json: bool,
    paths0: bool,
    pictures: bool,
) -> None:
    """The best k of what was found, in the form that was asked for, each with those it is like."""
    stacks = result.stacks()[:k]
    result = replace(result, hits=[first for first, *_ in stacks])
    alike = [[hit.photo for hit in others] for _, *others in stacks]
    if as_json:
        rows = zip(result.hits, alike, strict=True)
        print_json(
            [
                {**hit_tree(hit, result), "alike": [place_of(photo.path) for photo in others]}
                for hit, others in rows
            ]
        )
    elif paths0:
        for hit in result.hits:
            sys.stdout.buffer.write(os.fsencode(place_of(hit.photo.path)) + b"\0")
    elif pictures:
        _print_pictures(result)
    else:
        print_table(result, alike=alike)


def _understood(
    texts: list[str], filters: "Filters", index: "Index"
) -> tuple[list[str], "Filters"]:
    """Queries as they are meant, and the time and colour they name as filters; told to people."""
    from regard.search.understanding import read

    given = filters.taken_after or filters.taken_before
    queries = []
    for text in texts:
        meant = read(text, index.model, date.today(), index.shown_words, toned=index.has_tones())
        queries.append(meant.text or meant.read_as)
        if meant.language:
            _note(f"The model reads English; this looks like {meant.language}.")
        if meant.read_as != text:
            _note(f"Showing results for “{meant.read_as}”. {_QUOTED}")
        if meant.tone:
            filters = replace(filters, tone=meant.tone)
            mostly = "" if meant.tone == "black and white" else "mostly "
            _note(f"Only {mostly}{meant.tone} photos. {_QUOTED}")
        if meant.said and not given:
            since, until = meant.span
            end = until and until + timedelta(days=1)
            filters = replace(
                filters,
                taken_after=datetime.combine(since, time.min) if since else None,
                taken_before=datetime.combine(end, time.min) if end else None,
            )
            days = f"{since or 'the first'} to {until or 'the last'}"
            _note(f"Only photos taken from {days}: “{meant.said}” is read as a time. {_QUOTED}")
    return queries, filters


def _note(text: str) -> None:
    notes.print(text, markup=False)


def _chosen(like: list[Path], box: str | None) -> "Box | None":
    """The part of the photo to look like that counts; None for all of it."""
    from regard.search.part import Box

    if box is None:
        return None
    if len(like) != 1:
        raise ConfigError(
            f"--box is given with {len(like)} photos; it must be given with one, of which it is a "
            "part. Name that with --like."
        )
    return Box.parse(box)


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


def note_result(result: "SearchResult", filters: "Filters") -> None:
    """Say on standard error what the reader should know of the result."""
    tell_unknown_words(result.unknown_words)
    if result.verdict == "no sure match":
        notes.print("No sure match.")
    if not result.total:
        notes.print(_why_none(filters), markup=False)
    if any(hit.lacks_labels for hit in result.hits):
        notes.print(
            "The index is of an older version and does not hold what regions look like. To have "
            "that told, make it anew: regard index --rebuild"
        )


def _why_none(filters: "Filters") -> str:
    """What keeps every photo out, as far as filters say."""
    from regard.search.catalog import NO_FILTERS

    if filters == NO_FILTERS:
        return "The index holds no photo yet. Run `regard index PHOTOS`."
    said = []
    if filters.taken_after is not None:
        said.append(f"was taken on or after {filters.taken_after:%Y-%m-%d}")
    if filters.taken_before is not None:
        said.append(f"was taken before {filters.taken_before:%Y-%m-%d}")
    if filters.orientation is not None:
        said.append(f"is {filters.orientation}")
    if filters.tone is not None:
        said.append(f"is {filters.tone}")
    if filters.min_size is not None:
        said.append("has at least {} x {} pixels".format(*filters.min_size))
    if filters.path is not None:
        said.append(f"has a path that fits {filters.path!r}")
    hint = " A pattern is of the whole path, as '*/2019/*' or '*beach*'." if filters.path else ""
    return f"No photo {' and '.join(said)}.{hint}"


def _note_undated(number: int) -> None:
    """Say how many photos a filter of dates left out for want of one."""
    if number:
        photos = "1 photo is" if number == 1 else f"{number} photos are"
        notes.print(f"{photos} left out because no date is known.")


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
        "is_read": hit.is_read,
    }
    return tree if hit.probability is None else {**tree, "probability": hit.probability}


def print_table(
    result: "SearchResult", title: str | None = None, alike: "Alike | None" = None
) -> None:
    """A line a photo: rank, how well it fits, and its path, whole, so that it can be copied.

    Args:
        alike: of each, photos that are nearly the same and have no line.
    """
    if title is not None:
        output.print(title, markup=False)
    counts = [len(others) for others in alike or [[]] * len(result.hits)]
    for rank, (hit, more) in enumerate(zip(result.hits, counts, strict=True), 1):
        told = {
            "read here": ", ".join(hit.words_read),
            "not found": ", ".join(hit.unsupported),
            "found by label": _labelled(hit),
        }
        notices = "".join(f"   ({what}: {words})" for what, words in told.items() if words)
        if more:
            notices += f"   and {more} more like it"
        _print_line(f"{_head(rank, hit)}  {place_of(hit.photo.path)}{notices}")
    if result.hits:
        note_unscored(result.hits[0].wanted)


def _print_line(text: str) -> None:
    """A line that only the terminal may break, so that a name stays one word."""
    output.print(text, markup=False, soft_wrap=True)


def _head(rank: int, hit: "Hit") -> str:
    """Rank and strength of a photo; the similarity where nothing is known of the match."""
    return f"{rank:>3}  {hit.judgement.strength or f'{hit.similarity:.3f}':<8}"


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
        _print_line(f"{_head(rank, hit)}  {place_of(hit.photo.path)}")
        thumbnails.show(hit.photo.path, how)


def _labelled(hit: "Hit") -> str:
    """Words found by what a region looks like, and by what."""
    pairs = hit.words_by_label.items()
    return "; ".join(f"{', '.join(words)}: {label}" for label, words in pairs)

"""regard cluster: the stages that many photos need, on a Ray cluster."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import (
    notes,
    open_split,
    output,
    print_json,
    print_made,
    progress_bar,
    report_passed_over,
    report_skipped,
)
from regard.errors import DataError

if TYPE_CHECKING:
    from regard.cluster.places import Location
    from regard.cluster.searching import Answer
    from regard.photos.find import PhotoFile

app = typer.Typer(
    help="The stages that many photos need, on the machines of a Ray cluster.",
    no_args_is_help=True,
)

Address = Annotated[
    str,
    typer.Option(
        help="The cluster's head, as 10.0.0.5:6379; auto: the cluster this machine is part of; "
        "local: this machine alone."
    ),
]
Staging = Annotated[
    str | None,
    typer.Option(
        help="Folder or URI, seen by every machine, for shards on their way; default: the result's "
        "own folder."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="At most, one CPU each; default: all but one per machine."),
]


@app.command("extract")
def extract(
    photos: Annotated[
        str, typer.Argument(help="Folder or URI of photos, or a caption file on this machine.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Region store to make or add to.")],
    address: Address = "auto",
    images: Annotated[
        str | None,
        typer.Option("--images", help="With a caption file: folder or URI its photos are in."),
    ] = None,
    extractor: Annotated[str, typer.Option(help="Which extractor.")] = "pyramid",
    staging: Staging = None,
    workers: Workers = None,
    as_json: options.Json = False,
) -> None:
    """`regard extract` on a cluster: photos to a region store.

    Run it again to go on after an interruption: what is stored is not done twice.

        regard cluster extract s3://photos/2024 --out 2024.regions --staging s3://scratch/regard
    """
    from regard.cluster.session import connected, require_ray

    require_ray()
    from regard.cli.extract import said_of
    from regard.cluster.building import extract_photos

    listed, place = _list_photos(photos, images)
    with connected(address), progress_bar("Extracting regions") as progress:
        report = extract_photos(
            listed,
            place,
            out,
            extractor,
            staging=_location(staging),
            workers=workers,
            progress=progress,
        )
    report_skipped(report.skipped)
    tree = {"store": str(out), **report._asdict()}
    print_made(out, tree, as_json, said_of(report, len(report.skipped)))


def _location(text: str | None) -> "Location | None":
    from regard.cluster.places import Location

    return None if text is None else Location.of(text)


def _list_photos(photos: str, images: str | None) -> "tuple[list[tuple[str, PhotoFile]], Location]":
    """Keys and files of the photos of a folder, or of those a caption file names."""
    from regard.cluster.places import Location
    from regard.datasets.captions import photo_names
    from regard.photos.find import PhotoFile

    from_file = "://" not in photos and Path(photos).is_file()
    place = Location.of(images or str(Path(photos).parent / "images") if from_file else photos)
    scan = place.scan()
    by_key = {file.path.removeprefix(place.name).lstrip("/"): file for file in scan.files}
    if from_file:
        names, left_out = photo_names(Path(photos))
        report_skipped(left_out)
        return [(n, by_key.get(n) or PhotoFile(f"{place.name}/{n}", 0, 0)) for n in names], place
    report_passed_over(scan.passed_over)
    report_skipped(scan.unreadable)
    if not by_key:
        raise DataError(f"{photos} has no photos; it must hold at least one. Check the place.")
    return list(by_key.items()), place


@app.command("index")
def index(
    photos: Annotated[str, typer.Argument(help="Folder or URI of photos.")],
    index_folder: options.Index = options.DEFAULT_INDEX,
    address: Address = "auto",
    model: options.IndexModel = None,
    exclude: options.Exclude = None,
    compress: options.Compress = False,
    staging: Staging = None,
    workers: Workers = None,
    as_json: options.Json = False,
) -> None:
    """`regard index` on a cluster: make an index of photos, or bring it up to date.

    The index is that of a single machine and serves there as well.

        regard cluster index s3://photos/2024 --index 2024.index --staging s3://scratch/regard
    """
    from regard.cluster.session import connected, require_ray

    require_ray()
    from regard.cli.index import tell
    from regard.cluster.building import index_photos
    from regard.cluster.places import Location
    from regard.model.checkpoint import DEFAULT_MODEL
    from regard.model.model import load
    from regard.search.catalog import summarize

    known = summarize(index_folder)
    loaded = load(model or (known.model if known else DEFAULT_MODEL))
    with connected(address), progress_bar("Indexing photos") as progress:
        report = index_photos(
            index_folder,
            Location.of(photos),
            loaded,
            excludes=exclude,
            compressed=compress or (known is not None and known.compressed),
            staging=_location(staging),
            workers=workers,
            progress=progress,
        )
    tell(index_folder, [report], as_json)


@app.command("evaluate")
def evaluate(
    data: options.Data,
    address: Address = "auto",
    model: options.Models = None,
    regions: options.Regions = None,
    split: options.Split = "val",
    protocol: options.Protocol = "all",
    combine: options.Combine = "raw",
    workers: Workers = None,
    as_json: options.Json = False,
) -> None:
    """`regard evaluate` on a cluster: tiles of the similarity matrix on many machines.

    Every machine must see the data, the regions and the model at the same place.

        regard cluster evaluate --data coco.json --regions coco.regions --split test
    """
    from regard.cluster.session import connected, require_ray

    require_ray()
    from regard.cli.evaluate import show
    from regard.cluster.evaluating import ClusterSimilarity, Split
    from regard.evaluation.report import Judge
    from regard.model.checkpoint import DEFAULT_MODEL
    from regard.model.model import load

    dataset = open_split(data, split, regions)
    loaded = [load(name) for name in model or [DEFAULT_MODEL]]
    where = (str(data.resolve()), split, str(regions.resolve()) if regions else "", protocol)
    with connected(address), progress_bar("Scoring captions") as progress:
        scored = ClusterSimilarity(Split(*where), workers)
        judge = Judge(protocol, combine=combine, similarity=scored)
        report = judge.evaluate(loaded, dataset, data, split, progress)
    show(report, as_json)


@app.command("search")
def search(
    query: options.Query = None,
    index_folder: options.Index = options.DEFAULT_INDEX,
    address: Address = "auto",
    k: Annotated[int, typer.Option("-k", help="How many photos to show.")] = 10,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="File of queries, one per line; - reads standard input."),
    ] = None,
    path: options.Paths = None,
    holders: Annotated[
        int | None, typer.Option(help="Actors, a whole CPU each; default half the CPUs.")
    ] = None,
    patience: Annotated[
        float, typer.Option(help="Seconds to wait for an answer while lost holders are rebuilt.")
    ] = 60.0,
    as_json: options.Json = False,
) -> None:
    """`regard search` on a cluster: shards held by actors on many machines.

    Every machine must see the index at the same place. Exit code 1 says that a part of the index
    did not answer; standard error names it.

        regard cluster search "a dog on a beach" --index /mnt/shared/2024.index

        regard cluster search --from queries.txt --json --index /mnt/shared/2024.index
    """
    from regard.cluster.session import connected, require_ray

    require_ray()
    from regard.cli.search import note_result
    from regard.cluster.searching import ClusterIndex
    from regard.search import Filters, Query

    whole = True
    with (
        connected(address),
        ClusterIndex(index_folder, holders=holders, patience=patience) as opened,
    ):
        for texts in _queries(query or [], source):
            answer = opened.search(Query.parse(*texts), k, filters=Filters(path=path))
            note_result(answer.result, Filters(path=path))
            _show(answer, texts, len(opened.parts), as_json)
            whole = whole and not answer.missing
    if not whole:
        raise typer.Exit(1)


def _queries(arguments: list[str], source: Path | None) -> Iterator[list[str]]:
    """The query of the command line, or those of a file as they come."""
    if source is None or arguments:
        yield arguments
    if source is None:
        return
    if str(source) != "-" and not source.is_file():
        raise DataError(f"--from is {str(source)!r}; it must be a file of queries. Check the path.")
    with sys.stdin if str(source) == "-" else source.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield [line.strip()]


def _show(answer: "Answer", texts: list[str], parts: int, as_json: bool) -> None:
    from regard.cli.search import hit_tree, print_table

    for part, reason in answer.missing:
        notes.print(
            f"Part {part.number} of {parts} is missing, {part.photos} photos in "
            f"{len(part.shards)} shards: {reason}",
            markup=False,
        )
    if as_json:
        missing = [
            {"shards": list(part.shards.values()), "photos": part.photos, "reason": reason}
            for part, reason in answer.missing
        ]
        hits = [hit_tree(hit, answer.result) for hit in answer.result.hits]
        print_json({"query": "; ".join(texts), "hits": hits, "missing": missing})
        return
    if len(texts) and not as_json:
        output.print("; ".join(texts), markup=False, style="bold")
    print_table(answer.result)

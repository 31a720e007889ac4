"""regard models: pretrained backbones, what is here and what can be had."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.common import (
    notes,
    open_split,
    output,
    print_figures,
    print_json,
    print_made,
    printable,
    progress_bar,
    read_captions,
)
from regard.errors import CheckpointError, ConfigError, StoreError

if TYPE_CHECKING:
    from regard.backbones.check import Checked
    from regard.backbones.model import BackboneModel

app = typer.Typer(help="Pretrained vision-language backbones: list, get and check them.")
_TESTS = {"Flickr30K": 1000, "COCO": 5000}  # photos of the splits that figures are published of
Name = Annotated[
    str, typer.Argument(help="Short name, owner/name on the hub, or folder of a checkpoint.")
]


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    index: Annotated[
        list[Path] | None,
        typer.Option("--index", "-i", help="Index whose model is told; may be repeated."),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="First time one photo with each backbone not timed yet, using random weights.",
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List the models that are here and the backbones that can be had.

    Nothing is downloaded. Seconds per photo are measured on this machine with one photo: with
    --measure, and again with a backbone's own weights when it is downloaded or checked.

        regard models

        regard models --measure

        regard models --index ~/pictures.index
    """
    if context.invoked_subcommand is not None:
        return
    if measure:
        _measure()
    rows = [*_shipped(), *_backbones()]
    uses = _uses(index)
    if as_json:
        print_json({"models": rows, "indexes": uses})
        return
    _show(rows)
    for folder, model in uses.items():
        output.print(f"{folder} uses {model}.", markup=False)


def _measure() -> None:
    from regard.backbones.check import measure_shape, measured
    from regard.backbones.settings import known

    untimed = [name for name in known() if name not in measured()]
    with progress_bar("Timing backbones") as progress:
        for done, name in enumerate(untimed):
            progress(done, len(untimed))
            measure_shape(name)
        progress(len(untimed), len(untimed))


def _shipped() -> list[dict[str, Any]]:
    from regard.model.checkpoint import shipped_models

    return [
        {"name": name, "here": True, "licence": "see its card", "languages": "English"}
        for name in shipped_models()
    ]


def _backbones() -> list[dict[str, Any]]:
    from regard.backbones.check import measured
    from regard.backbones.hub import names_here
    from regard.backbones.loading import revision_of
    from regard.backbones.settings import known, repository_of

    here, seconds = names_here(), measured()
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "here": name in here,
            "megabytes": about.megabytes,
            "licence": about.licence,
            "languages": about.languages,
            "maps": about.maps,
            "seconds": seconds.get(name),
            "published": about.told,
        }
        for name, about in known().items()
    ]
    others = [name for name in here if name not in known()]
    rows += [{"name": name, "here": True, "seconds": seconds.get(name)} for name in others]
    revisions = {name: revision_of(repository_of(name)) for name in here}
    return [{**row, "revision": revisions.get(row["name"])} for row in rows]


def _uses(folders: list[Path] | None) -> dict[str, str]:
    """The model of each index; of the usual one, where there is one, if none is named."""
    from regard.store.manifest import MANIFEST

    if folders is None:
        folders = [options.DEFAULT_INDEX] if (options.DEFAULT_INDEX / MANIFEST).exists() else []
    return {str(folder): _model_of(folder) for folder in folders}


def _model_of(folder: Path) -> str:
    from regard.search.catalog import Catalog, require_index
    from regard.store.region_store import RegionStore

    require_index(folder)
    with RegionStore(folder) as store:
        model = Catalog(store.database, folder).model
    if not model:
        raise StoreError(f"index {folder} names no model; it must name one. Make it anew.")
    return model


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from regard.backbones.settings import known

    table = Table("model", "here", "MB", "licence", "languages", "maps", box=None, pad_edge=False)
    table.add_column("s a photo", justify="right")
    table.add_column("published, not run by us")
    for row in rows:
        seconds = row.get("seconds")
        table.add_row(
            printable(row["name"]),
            (row.get("revision") or "yes")[:7] if row["here"] else "",
            *(str(row.get(key) or "") for key in ("megabytes", "licence", "languages", "maps")),
            f"{seconds:.2f}" if seconds else "",
            row.get("published") or "",
        )
    output.print(table)
    notes.print("Get one with: regard models get NAME")
    if any(row["name"] in known() and not row.get("seconds") for row in rows):
        notes.print("Seconds of those without: regard models --measure")


@app.command()
def get(
    name: Name,
    revision: Annotated[
        str | None, typer.Option(help="Commit or branch on the hub; default: its main one.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Download a backbone, or the detector vg-frcnn, once; afterwards everything runs offline.

    Says the licence and the size first. An interrupted download goes on where it was, and what
    came is verified.

    regard models get siglip2-b16

    regard models get vg-frcnn
    """
    from regard.backbones.check import measure
    from regard.backbones.hub import ask_hub, download, is_detector
    from regard.backbones.loading import is_text
    from regard.backbones.model import load

    if (Path(name) / "config.json").is_file():
        raise ConfigError(f"model is {name!r}, a folder; it must be a name. Use it as it is.")
    offer = ask_hub(name, revision)
    licence = offer.licence or "none named on its card"
    notes.print(
        f"{offer.repository}, revision {offer.revision[:12]}: {offer.megabytes:.0f} MB, "
        f"licence {licence}.",
        markup=False,
    )
    folder = download(offer)
    about = {"name": name, "repository": offer.repository, "revision": offer.revision}
    about |= {"licence": licence, "folder": str(folder)}
    if is_detector(name) or is_text(folder):
        use = f"train --recipe RECIPE --set model.text.name={name}"
        if is_detector(name):
            use = f"extract PHOTOS --detector {name} --out STORE"
        print_made(folder, about, as_json, f"Use it: regard {use}")
        return
    loaded = load(name)
    seconds = measure(loaded)
    if as_json:
        print_json({**about, "seconds": seconds})
        return
    output.print(f"{folder}", markup=False)
    notes.print(
        f"{seconds:.2f} s a photo here, in {loaded.extractor.precision}. "
        f"Use it: regard index PHOTOS --model {name}"
    )


@app.command()
def check(
    name: Name,
    data: Annotated[
        Path | None,
        typer.Option(help="Captions of Flickr30K or COCO, if you have them, to set beside theirs."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of their photos; default images/ beside the data.")
    ] = None,
    split: options.Split = "test",
    as_json: options.Json = False,
) -> None:
    """See whether a backbone finds the sample photos and points at what is in them.

    The sentences and boxes were written by hand; no answer of any backbone went into them. With
    --data retrieval is measured, too, and set beside what was published.

        regard models check siglip2-b16

        regard models check siglip-b16 --data dataset_flickr30k.json --images flickr30k-images

        regard models check siglip2-b16 --json > result.json
    """
    from regard.backbones.check import check as run
    from regard.backbones.model import load
    from regard.backbones.settings import is_backbone, known

    if not is_backbone(name):
        raise CheckpointError(
            f"model is {name!r}; it must be a backbone. `regard models` lists them."
        )
    loaded = load(name, background=False)
    checked = run(loaded)
    about = known().get(name)
    published = about.published if about else {}
    judged = data and _retrieval(loaded, data, images or data.parent / "images", split, published)
    if as_json:
        pointed = [one._asdict() for one in checked.pointed]
        told = {**checked._asdict(), "pointed": pointed, "model": loaded.identity}
        print_json({**told, "retrieval": judged})
        return
    _tell(checked)
    if judged:
        _tell_retrieval(judged)
    elif about and about.published:
        notes.print(f"Published, not run by us: {about.told}.", markup=False)
    notes.print("How to measure that, and to send the result: docs/backbones.md")


def _retrieval(
    loaded: "BackboneModel",
    data: Path,
    images: Path,
    split: str,
    published: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """Figures of a split, with what was published of the same data; photos are seen once."""
    from platformdirs import user_cache_path

    from regard.evaluation.report import Judge
    from regard.regions.pipeline import extract_to_store
    from regard.store.region_store import RegionStore

    extractor = loaded.extractor
    place = user_cache_path("regard") / "checks" / f"{data.stem}-{loaded.fits.name}"
    photos = [(photo, images / photo) for photo in read_captions(data, split).photos]
    with (
        RegionStore(place, extractor.identity, extractor.feature_dim, writable=True) as store,
        progress_bar("Seeing photos") as progress,
    ):
        extract_to_store(photos, store, loaded.extractor_name, progress=progress)
    dataset = open_split(data, split, place)
    with progress_bar("Scoring captions") as progress:
        report = Judge().evaluate([loaded], dataset, data, split, progress)
    sides = report.retrieval
    named = {
        **{f"image to text R@{k}": value for k, value in sides.caption_retrieval.recall.items()},
        **{f"text to image R@{k}": value for k, value in sides.image_retrieval.recall.items()},
        "rSum": sides.rsum,
    }
    of = "COCO" if "coco" in data.name.lower() else "Flickr30K"
    return {
        "data": str(data),
        "photos": report.images,
        "figures": named,
        "published": published.get(of, {}),
        "published_of": f"{of}, {_TESTS[of]:,} photos",
    }


def _tell_retrieval(judged: dict[str, Any]) -> None:
    rows = [
        (name, f"{judged['published'].get(name, '-')}", f"{value:.1f}")
        for name, value in judged["figures"].items()
    ]
    print_figures(f"{judged['photos']:,} photos", ("", "published", "here"), rows)
    notes.print(f"Published of {judged['published_of']}, not run by us.", markup=False)


def _tell(checked: "Checked") -> None:
    from rich.table import Table

    table = Table("sentence", box=None, pad_edge=False)
    table.add_column("rank of its photo", justify="right")
    for sentence, rank in checked.ranks.items():
        table.add_row(sentence, str(rank))
    output.print(table)
    inside = [one.word for one in checked.pointed if one.is_inside]
    chance = sum(one.chance for one in checked.pointed)
    output.print(
        f"Own photo first: {checked.found_first} of {len(checked.ranks)}. Words that point into "
        f"their box: {len(inside)} of {len(checked.pointed)} ({', '.join(inside) or 'none'}); by "
        f"chance {chance:.1f}. {checked.seconds:.2f} s a photo, in {checked.precision}."
    )

"""regard models: pretrained backbones, what is here and what can be had."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli.common import (
    DEFAULT_INDEX,
    AsJson,
    notes,
    output,
    print_json,
    printable,
)
from regard.errors import CheckpointError, ConfigError, StoreError

if TYPE_CHECKING:
    from regard.backbones.check import Checked

app = typer.Typer(help="Pretrained vision-language backbones: list, get and check them.")
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
    as_json: AsJson = False,
) -> None:
    """List the models that are here and the backbones that can be had.

    Nothing is downloaded. Seconds a photo are measured on this machine when a backbone is got or
    checked.

        regard models

        regard models --index ~/pictures.index
    """
    if context.invoked_subcommand is not None:
        return
    rows = [*_shipped(), *_backbones()]
    uses = _uses(index)
    if as_json:
        print_json({"models": rows, "indexes": uses})
        return
    _show(rows)
    for folder, model in uses.items():
        output.print(f"{folder} uses {model}.", markup=False)


def _shipped() -> list[dict[str, Any]]:
    from regard.model.checkpoint import shipped_models

    return [
        {"name": name, "here": True, "licence": "see its card", "languages": "English"}
        for name in shipped_models()
    ]


def _backbones() -> list[dict[str, Any]]:
    from regard.backbones.check import measured
    from regard.backbones.hub import names_here
    from regard.backbones.settings import known

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
            "published": about.published,
        }
        for name, about in known().items()
    ]
    others = [name for name in here if name not in known()]
    return rows + [{"name": name, "here": True, "seconds": seconds.get(name)} for name in others]


def _uses(folders: list[Path] | None) -> dict[str, str]:
    """The model of each index; of the usual one, where there is one, if none is named."""
    from regard.store.manifest import MANIFEST

    if folders is None:
        folders = [DEFAULT_INDEX] if (DEFAULT_INDEX / MANIFEST).exists() else []
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

    table = Table("model", "here", "MB", "licence", "languages", "maps", box=None, pad_edge=False)
    table.add_column("s a photo", justify="right")
    table.add_column("published, not run by us")
    for row in rows:
        seconds = row.get("seconds")
        table.add_row(
            printable(row["name"]),
            "yes" if row["here"] else "",
            *(str(row.get(key) or "") for key in ("megabytes", "licence", "languages", "maps")),
            f"{seconds:.2f}" if seconds else "",
            row.get("published") or "",
        )
    output.print(table)
    notes.print("Get one with: regard models get NAME")


@app.command()
def get(
    name: Name,
    revision: Annotated[
        str | None, typer.Option(help="Commit or branch on the hub; default: its main one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a backbone, once; afterwards everything runs offline.

    Says the licence and the size first. An interrupted download goes on where it was, and what
    came is verified.

    regard models get siglip2-b16
    """
    from regard.backbones.check import measure
    from regard.backbones.hub import ask_hub, download
    from regard.backbones.model import load
    from regard.backbones.settings import repository_of

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
    seconds = measure(load(name))
    if as_json:
        about = {"name": name, "repository": repository_of(name), "revision": offer.revision}
        print_json({**about, "licence": licence, "folder": str(folder), "seconds": seconds})
        return
    output.print(f"{folder}", markup=False)
    notes.print(f"{seconds:.2f} s a photo here. Use it: regard index PHOTOS --model {name}")


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """See whether a backbone finds the sample photos and points at what is in them.

    The sentences and boxes were written by hand; no answer of any backbone went into them.

        regard models check siglip2-b16

        regard models check siglip2-b16 --json > result.json
    """
    from regard.backbones.check import check as run
    from regard.backbones.model import load
    from regard.backbones.settings import is_backbone, known

    if not is_backbone(name):
        raise CheckpointError(
            f"model is {name!r}; it must be a backbone. `regard models` lists them."
        )
    loaded = load(name)
    checked = run(loaded)
    about = known().get(name)
    if as_json:
        pointed = [one._asdict() for one in checked.pointed]
        print_json({**checked._asdict(), "pointed": pointed, "model": loaded.identity})
        return
    _tell(checked)
    if about and about.published:
        notes.print(f"Published, not run by us: {about.published}.", markup=False)
    notes.print("How to measure that, and to send the result: docs/backbones.md")


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
        f"chance {chance:.1f}. {checked.seconds:.2f} s a photo."
    )

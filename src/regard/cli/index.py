"""regard index: a folder of photos to an index, kept up to date."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from regard.cli import options
from regard.cli.common import (
    notes,
    print_json,
    progress_bar,
    progress_bars,
    report_passed_over,
    report_skipped,
)
from regard.errors import BusyError, ConfigError, DataError, StoreError

if TYPE_CHECKING:
    from regard.indexing import IndexReport, TextReport
    from regard.model.model import Model
    from regard.search.catalog import Summary

RebuildOption = Annotated[
    bool,
    typer.Option(
        "--rebuild",
        help="Make the index anew, as for another model. The one there is is searched until that "
        "is done; interrupted, it resumes when rerun.",
    ),
]

ForgetOption = Annotated[
    Path | None, typer.Option(help="Take a folder that was indexed out of the index.")
]
TextOption = Annotated[
    bool,
    typer.Option(
        "--read-text",
        help="Also read what is written in photos, in those indexed before too; takes about one "
        "second per photo and core. Needs pip install 'regard[text]'.",
    ),
]


def index(
    photos: Annotated[
        Path | None,
        typer.Argument(help="Folder of photos, searched recursively; default: those indexed."),
    ] = None,
    index_folder: options.Index = options.DEFAULT_INDEX,
    model: options.IndexModel = None,
    exclude: options.Exclude = None,
    workers: options.Workers = None,
    compress: options.Compress = False,
    check: Annotated[
        bool, typer.Option("--check", help="Verify every checksum and mend what is damaged.")
    ] = False,
    rebuild: RebuildOption = False,
    read_text: TextOption = False,
    forget: ForgetOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and follow changes until Ctrl+C.")
    ] = False,
    device: Annotated[
        str, typer.Option(help="Device for a pretrained backbone; see docs/devices.md.")
    ] = "cpu",
    as_json: options.Json = False,
) -> None:
    """Make an index of photos, or bring it up to date.

    Run it again whenever photos were added, changed, moved or deleted: only what is new is read.
    Patterns given with --exclude are remembered for their folder. Without a folder, all folders
    that were indexed before are brought up to date. With --watch this goes on by itself.

        regard index ~/Pictures

        regard index ~/Pictures --exclude screenshots/ --exclude '*.gif'

        regard index --check

        regard index ~/Pictures --watch
    """
    from regard.indexing import forget_folder
    from regard.model.checkpoint import DEFAULT_MODEL

    given = {"--check": check, "--forget": forget, "--watch": watch, "--rebuild": rebuild}
    _one_task({**given, "--read-text": read_text, "--exclude": exclude, str(photos): photos})
    known = _summary(index_folder, rebuild)
    loaded = _load(model or (known.model if known else DEFAULT_MODEL), device)
    if check:
        _check(index_folder, loaded, workers, as_json)
        return
    if forget is not None:
        tell(index_folder, [forget_folder(index_folder, forget, loaded)], as_json)
        return
    compressed = compress or (known is not None and known.compressed)
    how = _How(loaded, workers, compressed, read_text and _can_read())
    folders = _folders(photos, exclude, known.folders if known else {})
    if rebuild:
        _rebuild(index_folder, folders, how, as_json)
    if watch or not rebuild:
        (_watch if watch else _bring)(index_folder, folders, how, as_json)


class _How(NamedTuple):
    loaded: "Model"
    workers: int | None
    compressed: bool
    read_text: bool


def _can_read() -> bool:
    """True, or an error where nothing is installed that reads text."""
    from regard.regions.text import require_reader

    require_reader()
    return True


def _load(name: str, device: str) -> "Model":
    """A model that sees photos on a device."""
    from regard.device import PROCESSOR, usable_device
    from regard.model.model import load

    device = usable_device(device)
    loaded = load(name, device=device)
    if device != PROCESSOR and not (loaded.ranks_wholes or loaded.config.backbone):
        raise ConfigError(
            f"device is {device!r}; it must be {PROCESSOR}, on which this model sees photos. Leave "
            "--device out, or name a pretrained backbone (`regard models`)."
        )
    return loaded


def _one_task(asked: dict[str, object]) -> None:
    """Refuse options of several tasks at once, of which all but one would do nothing."""
    given = [name for name, value in asked.items() if value not in (None, False)]
    if len(given) > 1 and given[0] in ("--check", "--forget"):
        raise ConfigError(
            f"{given[0]} is given with {given[1]}; it must come without. Run one after the other."
        )


def _folders(
    photos: Path | None, exclude: list[str] | None, known: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Folders to look at, each with its exclude patterns: those given, else those remembered.

    Of those indexed before, one that is not there now (a drive that is not mounted) is left as
    it is in the index.
    """
    from regard.photos.ignore import known_as

    if photos is not None:
        place = known_as(os.path.abspath(photos), known)  # noqa: PTH100 - links keep their names
        known = {place: known.get(place, [])}
    there = {place: excludes for place, excludes in known.items() if Path(place).is_dir()}
    if not there:
        raise DataError(
            f"photo folder is {', '.join(known) or 'not given'}; it must be a folder that is "
            "there. Say which: regard index PHOTOS"
        )
    for place in set(known) - set(there):
        notes.print(
            f"{place} is not there; its photos stay in the index. If it is gone for good: "
            f"regard index --forget {place}",
            markup=False,
        )
    return there if exclude is None else dict.fromkeys(there, exclude)


def _summary(folder: Path, rebuild: bool) -> "Summary | None":
    """What the index says of itself; one that is to be made anew may be damaged."""
    from regard.search.catalog import summarize

    try:
        return summarize(folder)
    except StoreError:
        if not rebuild:
            raise
        return None


def _update(folder: Path, photos: str, excludes: list[str], how: _How) -> "IndexReport":
    from regard.indexing import update_index

    with progress_bar("Indexing photos") as progress:
        return update_index(
            folder,
            photos,
            how.loaded,
            excludes=excludes,
            compressed=how.compressed,
            progress=progress,
            workers=how.workers,
        )


def _bring(index: Path, folders: dict[str, list[str]], how: _How, as_json: bool) -> None:
    """Bring folders up to date once."""
    from regard.search.texts import FILE

    reports = [_update(index, *one, how) for one in folders.items()]
    tell(index, reports, as_json, _read_text(index, how))
    came = any(report.added or report.updated for report in reports)
    if came and not how.read_text and (index / FILE).exists():
        notes.print(
            f"What is written in new photos was not read. To have it: regard index --index {index} "
            "--read-text",
            markup=False,
        )


def _rebuild(index: Path, folders: dict[str, list[str]], how: _How, as_json: bool) -> None:
    """Make an index anew beside the one there is, which is searched until it is whole."""
    from regard.indexing.rebuilding import rebuilding

    with rebuilding(index, how.loaded, compressed=how.compressed) as place:
        reports = [_update(place, *one, how) for one in folders.items()]
    tell(index, reports, as_json, _read_text(index, how))


def _read_text(index: Path, how: _How) -> "TextReport | None":
    """Read what is written in the photos of an index, if that is asked for."""
    from regard.indexing import read_texts

    if not how.read_text:
        return None
    with progress_bar("Reading text") as progress:
        return read_texts(index, how.loaded, progress=progress, workers=how.workers)


def _watch(index: Path, folders: dict[str, list[str]], how: _How, as_json: bool) -> None:
    """Keep folders up to date until Ctrl+C, and say what was done whenever something was."""
    from regard.indexing.watch import watch_folders

    left: dict[str, tuple[dict[str, str], dict[str, int]]] = {}

    def update(photos: str) -> None:
        report = _update(index, photos, folders[photos], how)
        news = any(number for name, number in _counts([report]).items() if name != "unchanged")
        rest = report.skipped, report.passed_over
        texts = _read_text(index, how)
        if news or left.get(photos) != rest or (texts and texts.read):
            _say(index, [report], as_json, texts)
        left[photos] = rest

    def busy(error: BusyError) -> None:
        notes.print(f"{error} Tried again by itself.", markup=False)

    def tell_unfollowed(text: str) -> None:
        notes.print(f"Note: {text}", markup=False)

    notes.print(f"Following {', '.join(folders)}  (stop with Ctrl+C)", markup=False)
    try:
        watch_folders(folders, index, update, busy=busy, tell=tell_unfollowed)
    except KeyboardInterrupt:
        notes.print("Stopped. The next run finds what changes until then.")


def tell(
    folder: Path,
    reports: "list[IndexReport]",
    as_json: bool,
    texts: "TextReport | None" = None,
) -> None:
    """Say what was done, over all folders, and where the index is."""
    _say(folder, reports, as_json, texts)
    if not as_json:
        print(folder)


def _say(
    folder: Path, reports: "list[IndexReport]", as_json: bool, texts: "TextReport | None"
) -> None:
    skipped = {path: why for report in reports for path, why in report.skipped.items()}
    passed_over: Counter[str] = Counter()
    for report in reports:
        passed_over.update(report.passed_over)
    skipped |= texts.skipped if texts else {}
    counts = _counts(reports)
    report_skipped(skipped)
    report_passed_over(passed_over)
    if as_json:
        rest: dict[str, object] = {"skipped": skipped, "passed_over": passed_over}
        if texts:
            rest |= {"text": {**texts._asdict(), "skipped": list(texts.skipped)}}
        print_json({"index": str(folder), **counts, **rest})
        return
    said = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    notes.print(f"Files: {said or 'none'}{f', {len(skipped)} skipped' if skipped else ''}.")
    if texts:
        notes.print(
            f"Text: found in {texts.with_text} of the {texts.read} photos that were read now "
            f"({texts.seconds:.0f} s)."
        )


def _counts(reports: "list[IndexReport]") -> dict[str, int]:
    """Files by what was done with them."""
    names = (name for name in reports[0]._fields if name not in ("skipped", "passed_over"))
    return {name: sum(getattr(report, name) for report in reports) for name in names}


def _check(folder: Path, loaded: "Model", workers: int | None, as_json: bool) -> None:
    """Verify an index, mend it and say what was found."""
    from regard.indexing import check_index

    with progress_bars("Checking shards", "Reading photos again") as (verifying, progress):
        report = check_index(
            folder, loaded, verifying=verifying, progress=progress, workers=workers
        )
    report_skipped(report.lost)
    if as_json:
        print_json({"index": str(folder), **report._asdict()})
    elif report.damaged:
        notes.print(
            f"{len(report.damaged)} shards were damaged: {report.restored} files restored, "
            f"{len(report.lost)} lost."
        )
    else:
        notes.print("Every shard is whole.")
    if report.lost:
        raise typer.Exit(1)

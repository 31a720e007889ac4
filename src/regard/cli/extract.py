"""regard extract: photos to a region store."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.common import print_made, progress_bar, report_passed_over, report_skipped
from regard.errors import ConfigError, DataError

if TYPE_CHECKING:
    from regard.regions.pipeline import ExtractionReport


def extract(
    photos: Annotated[
        Path,
        typer.Argument(help="Folder of photos (searched recursively), or a caption file."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Region store to make or add to.")],
    images: Annotated[
        Path | None,
        typer.Option("--images", help="With a caption file: the folder its photos are in."),
    ] = None,
    extractor: Annotated[str, typer.Option(help="Which extractor.")] = "pyramid",
    detector: Annotated[
        str | None,
        typer.Option(help="Instead: vg-frcnn, the Visual Genome Faster R-CNN (bottom-up regions)."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Of the detector: file or folder; default: as `regard models get` got."),
    ] = None,
    device: options.Device = "cpu",
    workers: options.Workers = None,
    as_json: options.Json = False,
) -> None:
    """Read photos and store the features of their regions.

    Run it again to go on after an interruption or to add new photos: what is stored is not done
    twice. Photos that cannot be read are skipped, named and counted.

        regard extract ~/Pictures --out pictures.regions

        regard extract dataset_flickr8k.json --images flickr8k/images --out flickr8k.regions

        regard extract ~/Pictures --detector vg-frcnn --weights pytorch_model.bin --device cuda
        --out pictures.regions
    """
    from regard.regions.extractor import load_extractor
    from regard.regions.pipeline import extract_to_store
    from regard.store.region_store import RegionStore

    name = _named(extractor, detector, weights, device)
    loaded = load_extractor(name)
    listed, unreadable = list_photos(photos, images)
    with (
        RegionStore(out, loaded.identity, loaded.feature_dim, writable=True) as store,
        progress_bar("Extracting regions") as progress,
    ):
        report = extract_to_store(listed, store, name, workers, progress)
        stored = len(store)
    skipped = {**unreadable, **report.skipped}
    report_skipped(skipped)
    tree = {"store": str(out), "photos": stored, **report._asdict(), "skipped": skipped}
    print_made(out, tree, as_json, said_of(report, len(skipped)))


def _named(extractor: str, detector: str | None, weights: Path | None, device: str) -> str:
    """The name of the extractor that is meant.

    Raises:
        ConfigError: there is no such detector, or something is asked for that has no place.
        CheckpointError: the detector's weights are not on this machine.
    """
    from regard.backbones.hub import detector_here
    from regard.device import PROCESSOR, usable_device
    from regard.regions.extractor import BACKBONE, DETECTOR, at_device

    if detector is None:
        if weights is not None:
            raise ConfigError(f"weights are {str(weights)!r}; they are of a detector. Name it.")
        where = usable_device(device)
        if extractor.startswith(BACKBONE):
            return at_device(extractor, where)
        if device not in ("auto", PROCESSOR):
            raise ConfigError(
                f"device is {device!r}; {extractor} must have the processor. Leave --device out, "
                "or name a detector or a backbone."
            )
        return extractor
    if detector != DETECTOR:
        raise ConfigError(f"detector is {detector!r}; it must be {DETECTOR}. Name that.")
    return f"{DETECTOR}:{weights or detector_here()}@{device}"


def said_of(report: "ExtractionReport", skipped: int) -> str:
    """What an extraction did, in words."""
    return f"{report.extracted} photos extracted, {report.already} were there, {skipped} skipped."


def list_photos(photos: Path, images: Path | None) -> tuple[list[tuple[str, Path]], dict[str, str]]:
    """Keys and paths of the photos of a folder, or of those a caption file names.

    Returns:
        They, and what could not be looked at, with the reasons. What lies beside the photos of a
        folder is counted on standard error.
    """
    from regard.datasets.captions import photo_names
    from regard.photos.find import scan_folder

    if photos.is_file():
        folder = images or photos.parent / "images"
        if not folder.is_dir():
            raise DataError(
                f"photos of {photos.name} are looked for in {str(folder)!r}; it must be a "
                "folder. Name it with --images."
            )
        names, left_out = photo_names(photos)
        report_skipped(left_out)
        return [(name, folder / name) for name in names], {}
    scan = scan_folder(photos)
    report_passed_over(scan.passed_over)
    root = Path(os.path.abspath(photos))  # noqa: PTH100 - links keep their names
    paths = [Path(file.path) for file in scan.files]
    if not paths:
        report_skipped(scan.unreadable)
        raise DataError(
            f"{photos} has no photos; it must hold at least one. Known endings are .jpg, .png, "
            ".webp, .gif, .bmp, .tif and a few more."
        )
    return [(path.relative_to(root).as_posix(), path) for path in paths], scan.unreadable

"""regard evaluate --gallery: the page of right and wrong answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from regard.cli.common import notes, progress_bar
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.dataset import Dataset
    from regard.evaluation.report import Judge, Report
    from regard.model.model import Model


def judge_with_gallery(
    judge: "Judge",
    models: "Sequence[Model]",
    dataset: "Dataset",
    split: str,
    out: Path,
    images: Path,
) -> "Report":
    """Measure retrieval and draw the page.

    Args:
        out: folder for the page.
        images: folder of the photos.

    Raises:
        ConfigError: there are several galleries, or the data set has no photos.
        DataError: the folder of photos is not there.
        PhotoError: a photo cannot be read.
    """
    from regard.datasets.dataset import StoreDataset
    from regard.evaluation.ranking import rank
    from regard.studies.gallery import Material, write_gallery

    if judge.protocol != "all":
        raise ConfigError(
            f"protocol is {judge.protocol!r}; a page is drawn of the whole split. "
            "Leave --protocol out."
        )
    if not isinstance(dataset, StoreDataset):
        raise ConfigError(
            "a page shows photos; the data must be a caption file with --regions. "
            "SCAN's folders bring none."
        )
    with progress_bar("Scoring captions") as progress:
        scores = judge.similarities(models, dataset, progress)
    ranks = rank(scores, dataset.captions.photo_of_caption, judge.ties)
    report = judge.report([ranks], dataset, split, len(models))
    with progress_bar("Drawing queries") as progress:
        material = Material(models[0], dataset, images, scores, report)
        page = write_gallery(out, material, progress=progress)
    notes.print(f"Page: {page}", markup=False)
    return report

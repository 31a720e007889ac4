"""regard evaluate --grounding: whether words look where they should, as JSON or a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.cli.common import notes, print_figures, print_json, progress_bar
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.dataset import BoxedDataset
    from regard.evaluation.grounding import Answer, Evidence
    from regard.model.model import Model


def judge_grounding(
    models: "Sequence[Model]", dataset: "BoxedDataset", entities: Path, as_json: bool
) -> None:
    """Measure and print.

    Raises:
        ConfigError: there are several models.
        DataError: the data set has no boxes, or the phrases cannot be read or are of other photos.
    """
    from regard.evaluation.grounding import ground, most_attended, most_similar

    if len(models) > 1:
        raise ConfigError(f"models are {len(models)}; grounding judges one at a time. Name one.")
    ways = {"map": _map_of_cosines, "most_attended": most_attended, "most_similar": most_similar}
    if models[0].pointer is not None:
        ways = {"map": _map_shown, "map_of_cosines": ways.pop("map"), **ways}
    with progress_bar("Grounding photos") as progress:
        tree = ground(models[0], dataset, entities, ways, progress).tree("map")
    if as_json:
        print_json(tree)
    else:
        _show(tree)


def _map_shown(evidence: "Evidence") -> "Answer":
    """By the map people are shown of models that learned to point."""
    from regard.evaluation.ways import from_map
    from regard.explain.maps import pointed_scores

    assert evidence.pointing is not None
    return from_map(pointed_scores(evidence.pointing), evidence.boxes, evidence.size)


def _map_of_cosines(evidence: "Evidence") -> "Answer":
    """By the map of other models, which needs no boxes in training."""
    from regard.evaluation.ways import from_map
    from regard.explain.maps import cosine_scores

    scores = cosine_scores(evidence.cosines, evidence.attention)
    return from_map(scores, evidence.boxes, evidence.size)


def _show(tree: dict[str, Any]) -> None:
    groups = (tree["ways"], tree["baselines"], {f"map, {k}": v for k, v in tree["types"].items()})
    print_figures(
        f"{tree['phrases']} phrases",
        ("", "pointing %", "box R@1 %"),
        *([_row(name, accuracy) for name, accuracy in group.items()] for group in groups),
    )
    notes.print("A point hits inside a box of the phrase, a region overlapping one by a half.")


def _row(name: str, accuracy: dict[str, float]) -> tuple[str, str, str]:
    pointed, overlapped = accuracy["pointing_accuracy"], accuracy["box_recall@1"]
    return name.replace("_", " "), f"{pointed:.1f}", f"{overlapped:.1f}"

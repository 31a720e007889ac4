"""regard evaluate --explanations: whether explanations are true of the model, way by way."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.cli.common import notes, print_figures, print_json, progress_bar

if TYPE_CHECKING:
    from regard.datasets.dataset import BoxedDataset
    from regard.model.model import Model

_FRACTIONS = ("0.1", "0.5")  # of the regions; the others are in the JSON


def print_faithfulness(
    models: "Sequence[Model]",
    dataset: "BoxedDataset",
    ways: list[str] | None,
    entities: Path | None,
    pairs: int,
    as_json: bool,
) -> None:
    """Measure and print.

    Args:
        ways: to explain; None takes this program's own.

    Raises:
        ConfigError: a model ranks whole photos, there is no such way, or it needs torch.
    """
    from regard.evaluation.faithfulness import judge_ways
    from regard.evaluation.ways import OWN, ways_of

    wanted = ways_of(ways) if ways else OWN
    found: list[dict[str, Any]] = []
    for model in models:
        with progress_bar("Explaining photos") as progress:
            how: dict[str, Any] = {"entities": entities, "progress": progress}
            trees = judge_ways(model, dataset, wanted, pairs, **how)
        found += [{"model": model.source, "way": way, **tree} for way, tree in trees.items()]
    if as_json:
        print_json({"judged": found})
        return
    head, rows = table(found)
    print_figures(f"Explanations, {found[0]['pairs']} pairs", head, rows)
    notes.print("Of what falls and what is left: by the explanation / at random (pairs it wins).")


def table(found: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A column for each way of each model: its head, and a row for each measure."""
    kinds = {kind: None for one in found for kind in (one["pointing"] or {}).get("types", ())}
    columns = [_column(one, list(kinds)) for one in found]
    head = ("", *(f"{one['model']}: {one['way']}" for one in found))
    return head, [(title, *(column[title] for column in columns)) for title in columns[0]]


def _column(one: dict[str, Any], kinds: list[str]) -> dict[str, str]:
    """Every measure of a way in words."""
    cells = {"largest error of shares": _sized(one["max_share_error"])}
    for what, title in (("deletion", "falls without"), ("insertion", "left with only")):
        for fraction in _FRACTIONS:
            cells[f"{title} {float(fraction):.0%}"] = _curve(one[what][fraction])
    exchanged = {name: "-" if v is None else f"{v:.0f}" for name, v in one["exchanged"].items()}
    cells["a word put in place of another shows less, %"] = exchanged["ranked"]
    cells["reported absent, %: absent words; true words"] = (
        "-" if exchanged["told"] == "-" else "{told}; {false_alarms}".format(**exchanged)
    )
    if kinds:
        cells["pointing; box R@1, %"] = _pointed(one["pointing"])
    for kind in kinds:
        cells[f"- {kind}"] = _pointed(one["pointing"]["types"].get(kind))
    return {**cells, "ms per photo": f"{1000 * one['seconds']:.1f}"}


def _sized(error: float | None) -> str:
    if error is None:
        return "-"
    return f"{error:.0e}" if error < 1e-3 else f"{error:.3f}"


def _curve(one: dict[str, float]) -> str:
    return f"{one['explained']:.4f} / {one['random']:.4f} ({one['wins']:.0f} %)"


def _pointed(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['pointing_accuracy']:.1f}; {one['box_recall@1']:.1f}"

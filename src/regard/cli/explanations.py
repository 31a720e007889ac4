"""regard evaluate --explanations: whether explanations are true of the model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from regard.cli.common import notes, print_figures, print_json, progress_bar
from regard.errors import ConfigError

if TYPE_CHECKING:
    from regard.datasets.dataset import Dataset
    from regard.model.model import Model


def print_faithfulness(models: "Sequence[Model]", dataset: "Dataset", as_json: bool) -> None:
    """Measure and print.

    Raises:
        ConfigError: there are several models, or the one ranks whole photos.
    """
    from regard.evaluation.faithfulness import judge_explanations

    if len(models) > 1:
        raise ConfigError(f"models are {len(models)}; explanations are of one. Name one.")
    with progress_bar("Explaining photos") as progress:
        tree = judge_explanations(models[0], dataset, progress=progress)
    if as_json:
        print_json(tree)
    else:
        _show(tree)


def _show(tree: dict[str, Any]) -> None:
    rows = [
        (f"{title} {float(fraction):.0%}", *_figures(one))
        for name, title in (("deletion", "fall without"), ("insertion", "left with only"))
        for fraction, one in tree[name].items()
    ]
    head = ("", "regions looked at", "random regions", "% of pairs that win")
    print_figures(f"Similarity, {tree['pairs']} pairs", head, rows)
    notes.print(
        f"Shares sum to the similarity to {tree['max_share_error']:.0e}. "
        f"An explanation takes {1000 * tree['seconds']:.1f} ms."
    )
    exchanged = tree["exchanged"]
    if exchanged is None:
        notes.print("The model never tells words that no region shows: see `regard calibrate`.")
        return
    notes.print(
        f"Told as shown by no region: {exchanged['told']:.0f} % of {exchanged['words']} words put "
        f"in place of another, and {exchanged['false_alarms']:.0f} % of words that were there."
    )


def _figures(one: dict[str, float]) -> tuple[str, str, str]:
    return f"{one['explained']:.4f}", f"{one['random']:.4f}", f"{one['wins']:.0f}"

"""regard evaluate --agreement: how far similarities agree with people, as JSON or a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from regard.cli.common import notes, print_figures, print_json

if TYPE_CHECKING:
    from regard.datasets.dataset import Dataset
    from regard.model.model import Model


def judge_agreement(models: "Sequence[Model]", dataset: "Dataset", as_json: bool) -> None:
    """Measure and print, for every model and for all together.

    Raises:
        ShapeError: there are too few photos.
        CheckpointError: a model was trained on features of another kind.
    """
    import numpy as np

    from regard.evaluation.agreement import WEIGHTS, Parts, agreement, draw_pairs, parts_of

    pairs = draw_pairs(dataset.captions)
    made = {model.source: parts_of(model, dataset, pairs) for model in models}
    if len(made) > 1:
        sums = (np.mean(arrays, 0) for arrays in zip(*made.values(), strict=True))
        made["all together"] = Parts(*sums)
    found = [
        (name, weight, agreement(parts.at(weight), pairs))
        for name, parts in made.items()
        for weight in WEIGHTS
    ]
    if as_json:
        print_json([{"model": n, "lowered": w, **tau._asdict()} for n, w, tau in found])
        return
    rows = [(n, f"{w:g}", f"{tau.likeness:.1f}", f"{tau.kinds:.1f}") for n, w, tau in found]
    head = ("", "lowered", "likeness", "own > near > other")
    print_figures("Agreement with people's captions, Kendall's tau-c in per cent", head, rows)
    notes.print(
        f"{len(pairs.photo)} pairs of {len(dataset.captions.photos)} photos. Lowered: how much is "
        "taken off of what ranking takes off for hubs and lengths. `regard score` and "
        "probabilities use what the model was calibrated to."
    )

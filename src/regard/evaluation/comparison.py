"""How much more one model finds than another, and how sure that is.

`gain` compares R@1, as in the paper's "relative improvement", `differences` every recall and
rSum. Both models are judged on the same
redrawn photos, so that what is hard for both does not blur their difference; a model trained with
several seeds has the mean of their hits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from regard.core.metrics import RECALL_AT
from regard.evaluation.ranking import Interval, Ranks, hits_by_photo, interval, redrawn
from regard.shapes import Bool, Float, Int

_RESAMPLES = 2000


class Gain(NamedTuple):
    """Relative difference in R@1, in per cent."""

    gain: float
    interval: Interval
    """95 %, over redrawn photos; it knows nothing of other seeds than those trained."""


class FirstAnswers(NamedTuple):
    """Queries of each photo that were answered first, and all of them."""

    hits: Float[np.ndarray, " photo"]
    queries: Int[np.ndarray, " photo"]

    @property
    def recall(self) -> float:
        """R@1 in per cent; 0 where there is no query."""
        return 100 * float(self.hits.sum()) / max(int(self.queries.sum()), 1)


def captions_found(runs: Sequence[Ranks]) -> FirstAnswers:
    """Photos whose first caption is right; mean over runs."""
    hits = np.mean([run.of_images == 1 for run in runs], axis=0)
    return FirstAnswers(hits, np.ones(len(hits), np.int64))


def images_found(
    runs: Sequence[Ranks], wanted: Bool[np.ndarray, " cap"] | None = None
) -> FirstAnswers:
    """Captions whose first photo is right, by photo; mean over runs.

    Args:
        wanted: captions that count; None takes all.
    """
    owner, photos = runs[0].photo_of_caption, len(runs[0].of_images)
    counts = np.ones(len(owner), bool) if wanted is None else wanted
    hits = np.mean([run.of_captions == 1 for run in runs], axis=0) * counts
    return FirstAnswers(
        np.bincount(owner, hits, photos), np.bincount(owner, counts, photos).astype(np.int64)
    )


def gain(ours: FirstAnswers, theirs: FirstAnswers) -> Gain:
    """What one model finds more than another, relative to the other."""
    photos = len(ours.hits)
    random = np.random.default_rng(0)
    draws = random.integers(photos, size=(_RESAMPLES, photos))
    drawn = ours.hits[draws].sum(1) / np.maximum(theirs.hits[draws].sum(1), 1e-9)
    total = 100 * (float(ours.hits.sum()) / max(float(theirs.hits.sum()), 1e-9) - 1)
    return Gain(total, interval(100 * (drawn - 1)))


def differences(ours: Sequence[Sequence[Ranks]], theirs: Sequence[Sequence[Ranks]]) -> Any:
    """Recalls of two models on the same queries, and their differences, as plain values.

    Args:
        ours, theirs: of each run, its ranks in every gallery; the mean of the runs' hits counts.

    Returns:
        image_to_text and text_to_image by "R@K", and rsum: first, second, difference, and its
        interval, 95 % over redrawn photos.
    """
    sides = [_mean_hits(runs) for runs in (ours, theirs)]
    captions, hits = sides[0][1], np.stack([hits for hits, _ in sides])
    queries = np.repeat([len(captions), captions.sum()], len(RECALL_AT))
    found = 100 * hits.sum(1) / queries  # (model, six)
    draws = redrawn(hits, captions)

    def compared(chosen: slice) -> dict[str, Any]:
        first, second = (float(side[chosen].sum()) for side in found)
        apart = (draws[:, 0, chosen] - draws[:, 1, chosen]).sum(1)
        told = {"first": first, "second": second, "difference": first - second}
        return {**told, "interval": list(interval(apart))}

    half = len(RECALL_AT)
    return {
        side: {f"R@{k}": compared(slice(at + n, at + n + 1)) for n, k in enumerate(RECALL_AT)}
        for side, at in (("image_to_text", 0), ("text_to_image", half))
    } | {"rsum": compared(slice(0, 2 * half))}


def _mean_hits(
    runs: Sequence[Sequence[Ranks]],
) -> tuple[Float[np.ndarray, "photo six"], Int[np.ndarray, " photo"]]:
    found = [hits_by_photo(galleries) for galleries in runs]
    return np.mean([hits for hits, _ in found], axis=0), found[0][1]

"""How much more one model finds than another, in per cent, and how sure that is.

R@1 is compared, as in the paper's "relative improvement". Both models are judged on the same
redrawn photos, so that what is hard for both does not blur their difference; a model trained with
several seeds has the mean of their hits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from regard.evaluation.ranking import Interval, Ranks

_RESAMPLES = 2000
_LEVEL = (2.5, 97.5)


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
    low, high = np.percentile(100 * (drawn - 1), _LEVEL)
    total = 100 * (float(ours.hits.sum()) / max(float(theirs.hits.sum()), 1e-9) - 1)
    return Gain(total, (float(low), float(high)))

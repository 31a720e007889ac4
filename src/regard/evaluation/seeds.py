"""Several seeds as one figure: their mean, and how sure it is."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

# Student's t that 97.5 % lie below, for 1 to 10 degrees of freedom
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_NORMAL = 1.95996


class OverSeeds(NamedTuple):
    """A figure of several runs that differ in their seed alone."""

    mean: float
    interval: tuple[float, float] | None
    """95 %, by Student's t; None of a single run."""

    def __str__(self) -> str:
        """The mean, and half of the interval's width."""
        if self.interval is None:
            return f"{self.mean:.1f}"
        return f"{self.mean:.1f} ± {self.interval[1] - self.mean:.1f}"


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Mean of the runs' figures, and where the mean of many more would lie."""
    mean = statistics.fmean(values)
    if len(values) == 1:
        return OverSeeds(mean, None)
    half = _student(len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return OverSeeds(mean, (mean - half, mean + half))


def _student(freedom: int) -> float:
    """Beyond the table by Cornish and Fisher's expansion."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z, cube, fifth = _NORMAL, _NORMAL**3, _NORMAL**5
    return (
        z + (cube + z) / (4 * freedom) + (5 * fifth + 16 * cube + 3 * z) / (96 * freedom * freedom)
    )

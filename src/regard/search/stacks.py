"""Photos that are nearly the same: copies, edits, bursts, by their mean regions' directions.

Knows unit vectors only.
"""

import numpy as np
from jaxtyping import Float, Int

ALIKE = 0.9
"""Cosine from which two photos are nearly the same. Of 40 photos made a quarter brighter one had
less (0.88), of 40 cut at the edges by some hundredths none (0.91), of 40 cut by a fifth about 10;
halved in size and much compressed, most had less. Of 80 different photos the two most alike had
0.76."""
_BLOCK = 1024  # photos compared with all others at a time


def leaders(units: Float[np.ndarray, "photo dim"]) -> Int[np.ndarray, " photo"]:
    """For each photo the first one that it nearly is, of those that are no other's; else itself."""
    count = len(units)
    lead = np.arange(count)
    free = np.ones(count, bool)
    for start in range(0, count, _BLOCK):
        near = units[start : start + _BLOCK] @ units[start:].T >= ALIKE
        for row in np.flatnonzero(near.sum(1) > 1):
            place = start + int(row)
            if not free[place]:
                continue
            others = start + np.flatnonzero(near[row])
            others = others[(others > place) & free[others]]
            lead[others] = place
            free[others] = False
    return lead

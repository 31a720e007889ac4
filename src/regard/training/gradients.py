"""The last look at a step before it changes the weights."""

import math
from collections.abc import Iterable

from torch import nn

from regard.device import read
from regard.errors import ShapeError


def clip(weights: Iterable[nn.Parameter], most: float, loss: float, *, skips: bool = False) -> None:
    """Scale the whole gradient down to a norm; refuse a step that would spoil the weights.

    Args:
        most: largest norm of the gradient.
        loss: of the step.
        skips: whether a gradient that is not finite is left out by whoever scales the loss.

    Raises:
        ShapeError: the loss or the gradient is not finite.
    """
    norm = float(read(nn.utils.clip_grad_norm_(weights, most)))
    if not (math.isfinite(loss) and (skips or math.isfinite(norm))):
        raise ShapeError(
            f"loss of a step is {loss:g} and the norm of its gradient {norm:g}; both must be "
            "finite. The step was left out, and what was saved is from before it. Begin anew with "
            "a lower learning rate."
        )

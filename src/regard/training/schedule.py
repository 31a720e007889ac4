"""Learning rate by step."""

import math

from regard.training.config import TrainConfig

_COSINE_FLOOR = 0.02  # the cosine schedule ends at this share of the learning rate


def learning_rate(step: int, steps_per_epoch: int, config: TrainConfig) -> float:
    """Learning rate of a step, counted from 0 over the whole run."""
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "step":
        decays = (step // steps_per_epoch) // config.decay_epochs
        return float(config.learning_rate * warm * 0.1**decays)
    done = step / (steps_per_epoch * config.epochs)
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * warm * (_COSINE_FLOOR + (1 - _COSINE_FLOOR) * cosine)

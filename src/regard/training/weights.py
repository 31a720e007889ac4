"""From the network that learns to a model that is kept."""

from typing import Any

import numpy as np
import torch

from regard.core.network import MatchingModel
from regard.device import read
from regard.model.checkpoint import Checkpoint
from regard.model.labels import LabelClasses
from regard.words.vocabulary import Vocabulary


def checkpoint_of(
    network: MatchingModel,
    vocabulary: Vocabulary,
    extractor: str,
    info: dict[str, Any],
    labels: LabelClasses | None = None,
    tokenizer: str = "",
) -> Checkpoint:
    """A model with a copy of the network's weights; training on does not change it."""
    weights = weights_of(network)
    known = network.config, weights, vocabulary, extractor, info
    return Checkpoint(*known, labels=labels, tokenizer=tokenizer)


def weights_of(module: torch.nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """A copy of a module's weights by name, in float32."""
    state = module.state_dict().items()
    return {f"{prefix}{name}": np.array(read(value.float())) for name, value in state}

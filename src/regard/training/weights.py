"""From a kept model to the network that learns, and back."""

from typing import Any

import numpy as np
import torch

from regard.core.network import MatchingModel
from regard.model.checkpoint import Checkpoint
from regard.model.labels import LabelClasses
from regard.training.labels import install
from regard.words.vocabulary import Vocabulary


def network_of(checkpoint: Checkpoint) -> MatchingModel:
    """The network with a copy of a model's weights, in float32, ready for inference."""
    network = MatchingModel(checkpoint.config, len(checkpoint.vocabulary))
    state = {name: np.array(value, np.float32) for name, value in checkpoint.weights.items()}
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    if checkpoint.labels is not None:
        install(network, checkpoint.labels)
    return network.eval()


def checkpoint_of(
    network: MatchingModel,
    vocabulary: Vocabulary,
    extractor: str,
    info: dict[str, Any],
    labels: LabelClasses | None = None,
) -> Checkpoint:
    """A model with a copy of the network's weights; training on does not change it."""
    weights = weights_of(network)
    return Checkpoint(network.config, weights, vocabulary, extractor, info, labels=labels)


def weights_of(module: torch.nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """A copy of a module's weights by name, in float32."""
    state = module.state_dict().items()
    return {f"{prefix}{name}": np.array(value.float().numpy(force=True)) for name, value in state}

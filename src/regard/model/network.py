"""A kept model as the network of torch, to learn further or to encode on a graphics card; back."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.core.network import MatchingModel
from regard.device import put, read
from regard.errors import ConfigError
from regard.model.checkpoint import Checkpoint
from regard.model.labels import LabelClasses
from regard.shapes import Bool, Float, Int
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
    tokenizer: str = "",
) -> Checkpoint:
    """A model with a copy of the network's weights; training on does not change it."""
    known = network.config, weights_of(network), vocabulary, extractor, info
    return Checkpoint(*known, labels=labels, tokenizer=tokenizer)


def weights_of(module: torch.nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """A copy of a module's weights by name, in float32."""
    state = module.state_dict().items()
    return {f"{prefix}{name}": np.array(read(value.float())) for name, value in state}


def install(network: MatchingModel, classes: LabelClasses) -> None:
    """Give a network the classes; its regions' mean and deviation must be set already.

    Raises:
        ConfigError: the classes are of other features.
    """
    regions = network.regions
    if regions.labels is None or classes.weight.shape[1] != len(regions.mean):
        raise ConfigError(
            f"labels are read off {classes.weight.shape[1]} features; the model has "
            f"{len(regions.mean)} and must have as many. Use the file made for its extractor."
        )
    weight = torch.from_numpy(classes.weight)
    bias = torch.from_numpy(classes.bias) + weight @ regions.mean
    regions.labels.classify(
        weight * regions.deviation, bias, torch.from_numpy(classes.states).float()
    )


class Encoders:
    """A model's encoders on a device, with the calls of `model.encoders`: numpy in, numpy out."""

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        self._network, self._device = put(network_of(checkpoint), device), device

    @torch.no_grad()
    def regions(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Embed raw features."""
        network, sizes = self._network, torch.from_numpy(counts)
        return read(network.regions(self._put(features).float(), network.label_names(), sizes))

    @torch.no_grad()
    def words(
        self,
        word_ids: Int[np.ndarray, "cap word"],
        lengths: Int[np.ndarray, " cap"],
        states: Float[np.ndarray, "cap word state"] | None = None,
        naming: Bool[np.ndarray, "cap word"] | None = None,
    ) -> Float[np.ndarray, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros."""
        more = (None if part is None else self._put(part) for part in (states, naming))
        ids = self._put(word_ids)
        return read(self._network.words(ids, torch.from_numpy(lengths), *more))

    def _put(self, values: np.ndarray) -> Tensor:
        return put(torch.from_numpy(values), self._device)

"""The network of a file of weights: sizes read from it, every weight there once."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from regard.errors import CheckpointError
from regard.regions.frcnn.network import FasterRcnn, Sizes
from regard.store.pickles import DAMAGE
from regard.store.shards import digest

_NAMES = ("pytorch_model.bin", "model.safetensors")
_REMEDY = "Name the pytorch_model.bin of unc-nlp/frcnn-vg-finetuned, or its folder."
_COUNTED = "num_batches_tracked"  # by a normalisation in training; some files leave it out


class Weights(NamedTuple):
    """A network as it was published."""

    network: FasterRcnn
    digest: str
    """Sixteen hex digits of the file's sha256."""


def read_network(path: Path) -> Weights:
    """The network of a file, or of a folder that has one.

    Raises:
        CheckpointError: it is missing or damaged, or weights are missing, too many, of other shapes
            or not finite.
    """
    path = next((path / name for name in _NAMES if (path / name).is_file()), path)
    try:
        state = _state(path)
        tag = digest(path)[:16]
    except (*DAMAGE, SafetensorError) as error:
        refused = isinstance(error, pickle.UnpicklingError)
        reason = "it asks for more than tensors" if refused else str(error).partition("\n")[0]
        raise CheckpointError(
            f"weights of the detector in {str(path)!r} cannot be read ({reason}); they must be a "
            f"state dict of tensors. {_REMEDY}"
        ) from None
    return Weights(filled(state, str(path)), tag)


def _state(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    state: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(one, Tensor) for one in state.values()):
        raise ValueError("it is no state dict")
    return state


def filled(state: Mapping[str, Tensor], where: str) -> FasterRcnn:
    """A network with the weights of a state dict, on the device they are on.

    Raises:
        CheckpointError: weights are missing, too many, of other shapes or not finite.
    """
    try:
        sizes = sizes_of(state)
    except (LookupError, ValueError) as error:
        raise CheckpointError(
            f"weights of the detector in {where!r} have no {error}; they must be those of a Faster "
            f"R-CNN with attributes. {_REMEDY}"
        ) from None
    with torch.device("meta"):
        network = FasterRcnn(sizes)
    wanted = network.state_dict()
    given = {name: one for name, one in state.items() if not name.endswith(_COUNTED)}
    needed = {name: one for name, one in wanted.items() if not name.endswith(_COUNTED)}
    for name in sorted(given.keys() ^ needed.keys()):
        raise CheckpointError(
            f"weight {name} in {where!r} is {'missing' if name in needed else 'not known'}; every "
            f"weight of the network must be there once. {_REMEDY}"
        )
    for name, one in given.items():
        finite = one.is_meta or bool(one.isfinite().all())
        if one.shape != needed[name].shape or not finite:
            shape = f"of shape {tuple(one.shape)}" if finite else "not finite"
            raise CheckpointError(
                f"weight {name} in {where!r} is {shape}; it must be finite numbers of shape "
                f"{tuple(needed[name].shape)}. {_REMEDY}"
            )
    device = next(iter(given.values())).device
    counts = {name: torch.zeros((), dtype=torch.int64, device=device) for name in wanted}
    network.load_state_dict({**counts, **{n: one.float() for n, one in given.items()}}, assign=True)
    return network.eval().requires_grad_(False)


def sizes_of(state: Mapping[str, Tensor]) -> Sizes:
    """Sizes of the network that weights are of.

    Raises:
        LookupError: a weight is missing that tells them; names it.
    """

    def shape(name: str) -> tuple[int, ...]:
        return tuple(state[name].shape)

    places = [re.match(r"\w+\.res(\d)\.(\d+)\.", name) for name in state]
    last = {one[1]: 0 for one in places if one}
    for one in filter(None, places):
        last[one[1]] = max(last[one[1]], int(one[2]))
    predictor = "roi_heads.box_predictor"
    return Sizes(
        tuple(last[stage] + 1 for stage in "2345"),
        stem=shape("backbone.stem.conv1.weight")[0],
        narrow=shape("backbone.res2.0.conv1.weight")[0],
        wide=shape("backbone.res2.0.conv3.weight")[0],
        anchors=shape("proposal_generator.anchor_generator.cell_anchors.0")[0],
        hidden=shape("proposal_generator.rpn_head.conv.weight")[0],
        classes=shape(f"{predictor}.cls_score.weight")[0] - 1,
        attributes=shape(f"{predictor}.attr_score.weight")[0] - 1,
        name=shape(f"{predictor}.cls_embedding.weight")[1],
        attribute_hidden=shape(f"{predictor}.fc_attr.weight")[0],
    )

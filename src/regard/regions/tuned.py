"""Tuned ends of the backbone on disk: what training changed, and nothing else.

What was added to the weights of the pointwise convolutions behind the border is kept in int8 with
a scale for every output channel, and what was added to their biases in float16: tuning moves
weights little, so that steps of the additions are far finer than steps of the weights would be.
Features are always made with the numbers as stored, so nothing downstream ever sees others.
"""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from regard.errors import CheckpointError
from regard.regions.backbone import WEIGHTS_TAG, EfficientNetLite2, SameConv, load_backbone

BACKBONE = "backbone.safetensors"
"""Name of such a file; in a model's folder it is what the model was trained with."""
SHIPPED = Path(__file__).parents[1] / "weights" / BACKBONE


def tunable(network: EfficientNetLite2) -> dict[str, SameConv]:
    """The convolutions that tuning changes, by name."""
    found: dict[str, SameConv] = {"head": network.head}
    for number in range(network.border, len(network.blocks)):
        for kind in ("expand", "project"):
            conv: nn.Module = getattr(network.blocks[number], kind)
            assert isinstance(conv, SameConv)
            found[f"blocks.{number}.{kind}"] = conv
    return found


@torch.no_grad()
def save_tuned(network: EfficientNetLite2, path: Path) -> None:
    """Write what the convolutions of a network have more than those its package brings."""
    tensors: dict[str, Tensor] = {}
    begun = tunable(load_backbone())
    for name, conv in tunable(network).items():
        added = (conv.weight - begun[name].weight).flatten(1)
        scale = added.abs().amax(1).clamp_min(1e-12).div(127)
        tensors[f"{name}.weight"] = (added / scale[:, None]).round().clamp(-127, 127).char()
        tensors[f"{name}.scale"] = scale
        tensors[f"{name}.bias"] = (_bias(conv) - _bias(begun[name])).half()
    save_file(tensors, path, {"backbone": WEIGHTS_TAG})
    path.chmod(0o644)  # the library keeps its files to their owner


def _bias(conv: SameConv) -> Tensor:
    assert conv.bias is not None  # the folded batch norm's
    return conv.bias


@torch.no_grad()
def apply_tuned(network: EfficientNetLite2, path: Path) -> str:
    """Tune a network as its package brings it; gives the tag of the file, eight hex digits.

    Raises:
        CheckpointError: the file is missing, damaged or of another backbone.
    """
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("backbone") != WEIGHTS_TAG:
                raise CheckpointError(
                    f"{path} tunes another backbone; it must be made for EfficientNet-Lite2 "
                    f"{WEIGHTS_TAG}. Make it with `regard tune`."
                )
            for name, conv in tunable(network).items():
                scale = file.get_tensor(f"{name}.scale")[:, None]
                conv.weight.add_((file.get_tensor(f"{name}.weight") * scale)[:, :, None, None])
                _bias(conv).add_(file.get_tensor(f"{name}.bias").float())
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); it must be a tuned backbone. "
            "Restore the file, or make it with `regard tune`."
        ) from None
    return tag_of(path)


@torch.no_grad()
def blend_tuned(source: Path, target: Path, share: float) -> None:
    """Write a backbone between the one its package brings (0) and a tuned one (1).

    Raises:
        CheckpointError: as for `apply_tuned`.
    """
    if share == 1:  # stored numbers stay as they are
        target.write_bytes(source.read_bytes())
        return
    network, tuned = load_backbone(), load_backbone()
    apply_tuned(tuned, source)
    for mine, theirs in zip(tunable(network).values(), tunable(tuned).values(), strict=True):
        for value, wanted in zip(mine.parameters(), theirs.parameters(), strict=True):
            value.lerp_(wanted, share)
    save_tuned(network, target)


def tag_of(path: Path) -> str:
    """First eight hex digits of a file's sha256; part of the identity of features made with it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]

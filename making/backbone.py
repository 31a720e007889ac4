"""Makes the backbone that ships: ImageNet's weights, their tuning, and one ONNX file of both.

Usage: python -m making.backbone [FILE]. Needs `regard[train]`. FILE is the one in the package
unless another is named. `backbone_tuning.safetensors` beside this file holds what `regard tune`
and `regard blend` have added to the pointwise convolutions of the last two stages and the head:
weights as int8 with a scale for every output channel, biases as float16.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from regard.regions.pyramid import SHIPPED
from regard.training.tuning.backbone import EfficientNetLite2, SameConv, load_backbone
from regard.training.tuning.onnx_file import save_backbone

TUNING = Path(__file__).parent / "backbone_tuning.safetensors"


def tunable(network: EfficientNetLite2) -> dict[str, SameConv]:
    """The convolutions that tuning changes, by name: the pointwise ones behind the border."""
    convs: dict[str, SameConv] = {"head": network.head}
    for number in range(network.border, len(network.blocks)):
        for kind in ("expand", "project"):
            conv: nn.Module = getattr(network.blocks[number], kind)
            assert isinstance(conv, SameConv)
            convs[f"blocks.{number}.{kind}"] = conv
    return convs


@torch.no_grad()
def shipped_network() -> EfficientNetLite2:
    """The network whose features the shipped models were trained on."""
    network, added = load_backbone(), load_file(TUNING)
    for name, conv in tunable(network).items():
        steps = added[f"{name}.weight"] * added[f"{name}.scale"][:, None]
        conv.weight += steps[:, :, None, None]
        conv.bias += added[f"{name}.bias"].float()
    return network


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    save_backbone(shipped_network(), out)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB")

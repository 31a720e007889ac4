"""The backbone as an ONNX file: pixels and pooling weights in, features of the boxes out.

The graph says with ONNX's operators what `EfficientNetLite2` and `pool_levels` say with torch's.
A convolution's weights are kept as 16-bit whole numbers with a scale for every output channel,
half of float32's size and, at a step of 1/32767 of the channel's largest weight, finer than
float16; biases are kept in float32. Under their names in the network they are read back from here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from regard.errors import CheckpointError
from regard.regions.pyramid import STRIDES, pyramid_boxes
from regard.store.atomic import write_bytes
from regard.training.tuning.backbone import (
    NUM_CHANNELS,
    TAPPED,
    Block,
    EfficientNetLite2,
    SameConv,
    load_backbone,
)

_REGIONS = len(pyramid_boxes())
_COARSE_FROM = 2  # the first map of the coarser stride
_OPSET, _IR_VERSION = 20, 10  # onnxruntime 1.18 and later reads these


def backbone_bytes(network: EfficientNetLite2) -> bytes:
    """Content of the file that gives the features of this network."""
    graph = _Graph()
    features = _pooled(graph, _maps(graph, network, _normalized(graph)))
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["height", "width", 3])]
    inputs += [
        helper.make_tensor_value_info(
            f"pool{stride}", TensorProto.FLOAT, [_REGIONS, f"places{stride}"]
        )
        for stride in STRIDES
    ]
    output = helper.make_tensor_value_info(
        features, TensorProto.FLOAT, [_REGIONS, sum(NUM_CHANNELS)]
    )
    made = helper.make_model(
        helper.make_graph(graph.nodes, "backbone", inputs, [output], graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(made)
    contents: bytes = made.SerializeToString(deterministic=True)
    return contents


def save_backbone(network: EfficientNetLite2, path: Path) -> None:
    """Write the file that gives the features of this network, whole or not at all."""
    write_bytes(path, backbone_bytes(network))


def read_backbone(path: Path) -> EfficientNetLite2:
    """The network of a file, with weights as stored.

    Raises:
        CheckpointError: the file is missing, damaged or holds another network.
    """
    try:
        graph = onnx.load_model_from_string(path.read_bytes()).graph
        stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        network = EfficientNetLite2()
        with torch.no_grad():
            for name, conv in _convolutions(network).items():
                weight = stored[f"{name}.weight"].astype(np.float32) * stored[f"{name}.scale"]
                conv.weight.copy_(torch.from_numpy(weight))
                _bias(conv).copy_(torch.from_numpy(stored[f"{name}.bias"].copy()))
    except (OSError, DecodeError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); it must be a backbone. "
            "Restore the file, or make it with `regard tune`."
        ) from None
    return network.requires_grad_(False).eval()


def blend_backbone(source: Path, target: Path, share: float) -> None:
    """Write a backbone between the one its package brings (0) and that of a file (1).

    Raises:
        CheckpointError: as for `read_backbone`.
    """
    if share == 1:  # stored numbers stay as they are
        write_bytes(target, source.read_bytes())
        return
    network = load_backbone()
    for mine, theirs in zip(network.parameters(), read_backbone(source).parameters(), strict=True):
        mine.lerp_(theirs, share)
    save_backbone(network, target)


class _Graph:
    """Nodes and constants as they are added; each is named by what it gives."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: ArrayLike) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name


def _convolutions(network: EfficientNetLite2) -> dict[str, SameConv]:
    """All convolutions by name."""
    modules = network.named_modules()
    return {name: module for name, module in modules if isinstance(module, SameConv)}


def _bias(conv: SameConv) -> torch.Tensor:
    assert conv.bias is not None  # the folded batch norm's
    return conv.bias


def _normalized(graph: _Graph) -> str:
    """(H, W, 3) bytes to (1, 3, H, W) floats, (x - 127) / 128."""
    floats = graph.node("Cast", ["pixels"], "floats", to=TensorProto.FLOAT)
    middle = graph.constant("middle", np.float32(127))
    width = graph.constant("width", np.float32(128))
    centred = graph.node("Sub", [floats, middle], "centred")
    scaled = graph.node("Div", [centred, width], "scaled")
    planes = graph.node("Transpose", [scaled], "planes", perm=[2, 0, 1])
    first = graph.constant("first_axis", np.array([0]))
    return graph.node("Unsqueeze", [planes, first], "image")


def _conv(graph: _Graph, conv: SameConv, name: str, x: str) -> str:
    """A convolution padded as TensorFlow's SAME, with its weights in 16 bits."""
    weight = conv.weight.detach().numpy()  # (out, in, k, k)
    scale = np.abs(weight).max((1, 2, 3), keepdims=True).clip(1e-12) / np.float32(32767)
    steps = np.rint(weight / scale).astype(np.int16)
    stored = graph.constant(f"{name}.weight", steps)
    floats = graph.node("Cast", [stored], f"{name}.floats", to=TensorProto.FLOAT)
    scaled = graph.node("Mul", [floats, graph.constant(f"{name}.scale", scale)], f"{name}.scaled")
    bias = graph.constant(f"{name}.bias", _bias(conv).detach().numpy())
    return graph.node(
        "Conv",
        [x, scaled, bias],
        name,
        auto_pad="SAME_UPPER",
        group=conv.groups,
        kernel_shape=list(conv.kernel_size),
        strides=list(conv.stride),
    )


def _relu6(graph: _Graph, x: str) -> str:
    return graph.node("Clip", [x, "zero", "six"], f"{x}.relu6")


def _block(graph: _Graph, block: Block, name: str, x: str) -> str:
    """An inverted bottleneck."""
    y = x
    if block.expand is not None:
        y = _relu6(graph, _conv(graph, block.expand, f"{name}.expand", x))
    y = _relu6(graph, _conv(graph, block.depthwise, f"{name}.depthwise", y))
    y = _conv(graph, block.project, f"{name}.project", y)
    return graph.node("Add", [y, x], f"{name}.sum") if block.adds else y


def _maps(graph: _Graph, network: EfficientNetLite2, image: str) -> list[str]:
    """The five maps."""
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x = _relu6(graph, _conv(graph, network.stem, "stem", image))
    ends = []
    for number, block in enumerate(network.blocks):
        assert isinstance(block, Block)
        x = _block(graph, block, f"blocks.{number}", x)
        if number in network.stage_ends[-TAPPED:]:
            ends.append(x)
    return [*ends, _relu6(graph, _conv(graph, network.head, "head", x))]


def _pooled(graph: _Graph, maps: list[str]) -> str:
    """Means of the boxes on every map, each L2-normalised, side by side."""
    last = graph.constant("last_axis", np.array([-1]))
    least = graph.constant("least", np.float32(1e-12))
    levels = []
    for number, (level, channels) in enumerate(zip(maps, NUM_CHANNELS, strict=True)):
        pool = f"pool{STRIDES[number >= _COARSE_FROM]}"
        shape = graph.constant(f"shape{number}", np.array([channels, -1]))
        flat = graph.node("Reshape", [level, shape], f"flat{number}")
        mean = graph.node("Gemm", [pool, flat], f"mean{number}", transB=1)
        norm = graph.node("ReduceL2", [mean, last], f"norm{number}", keepdims=1)
        safe = graph.node("Max", [norm, least], f"safe{number}")
        levels.append(graph.node("Div", [mean, safe], f"level{number}"))
    return graph.node("Concat", levels, "features", axis=1)

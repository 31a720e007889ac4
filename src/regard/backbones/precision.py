"""In which precision a backbone sees photos: the quickest one here whose vectors stay the same.

float32, bfloat16 and weights in int8 are timed on sample photos with the backbone's own weights,
once for every machine and version, and kept with the other times (`kernels.precision`). What is
rougher than float32 is taken only where every vector stays the same but for a little, so that
ranks stay. REGARD_PRECISION overrules it. Sentences are read in float32.
"""

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from regard.backbones.protocol import Backbone, Seen
from regard.kernels.precision import (
    WORTH,
    keep_times,
    kept_times,
    key_here,
    least_times,
    overruled,
)
from regard.photos.decode import read_photo
from regard.photos.samples import FOLDER
from regard.shapes import Bool, Float

AGREE = 0.999
"""Least cosine of a vector with its own in float32."""
_PHOTOS = ("cat.jpg", "coffee.jpg", "rocket.jpg")
_TURNS = 2
See = Callable[[Float[np.ndarray, "photo 3 side side"], Bool[np.ndarray, "region patch"]], Seen]


def quickest(backbone: Backbone, digest: str, inside: Bool[np.ndarray, "region patch"]) -> str:
    """The precision that was found to be the quickest here: float32, bfloat16 or int8.

    Args:
        digest: of the weights.
        inside: patches of each window.
    """
    wanted = overruled()
    if wanted != "fast":
        return wanted
    times = times_of(backbone, digest, inside)
    best = min(times, key=times.__getitem__)
    return best if WORTH * times[best] < times["float32"] else "float32"


def times_of(
    backbone: Backbone, digest: str, inside: Bool[np.ndarray, "region patch"]
) -> dict[str, float]:
    """Seconds of the precisions that agree, measured unless they are known; float32 is one."""
    device = torch.device(backbone.device)
    key = key_here(f"backbone {digest} on {device}, {len(inside)} regions", torch.__version__)
    if "float32" in (kept := kept_times(key)):
        return kept
    photos = [read_photo(FOLDER / name, backbone.side).image for name in _PHOTOS]
    pixels = np.stack([backbone.look(photo).pixels for photo in photos])
    exact = backbone.see(pixels, inside)
    works: dict[str, Callable[[], Seen]] = {"float32": partial(backbone.see, pixels, inside)}
    for name in ("bfloat16", "int8") if device.type == "cpu" else ("bfloat16",):
        see = in_precision(backbone, name)
        if _agreement(see(pixels, inside), exact) >= AGREE:
            works[name] = partial(see, pixels, inside)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    times = least_times(works, _TURNS, clock)
    keep_times(key, times)
    return times


def in_precision(backbone: Backbone, precision: str) -> See:
    """What sees photos in a precision: float32, bfloat16 or int8."""
    if precision == "float32":
        return backbone.see
    if precision == "int8":
        return _in_int8(backbone).see

    def see(
        pixels: Float[np.ndarray, "photo 3 side side"], inside: Bool[np.ndarray, "region patch"]
    ) -> Seen:
        with torch.autocast(torch.device(backbone.device).type, torch.bfloat16):
            return backbone.see(pixels, inside)

    return see


def _in_int8(backbone: Any) -> Backbone:
    """The same backbone whose tower that sees has linear maps in int8."""
    network = copy.copy(backbone._network)
    network._modules = dict(network._modules)
    network.vision_model = copy.deepcopy(network.vision_model)
    for module in list(network.vision_model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is torch.nn.Linear:
                setattr(module, name, _Int8Linear(child))
    rough: Any = copy.copy(backbone)
    rough._network = network
    return rough  # type: ignore[no-any-return]


class _Int8Linear(torch.nn.Module):
    """A linear map of int8 numbers, each row of weights and of inputs with a scale of its own."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        weight, self._scales = _rounded(linear.weight.detach())
        self._weight, self._bias = weight.T, linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The map of some rows."""
        rows, scales = _rounded(inputs.flatten(0, -2))
        mapped = torch._int_mm(rows, self._weight) * scales * self._scales.T
        mapped = mapped if self._bias is None else mapped + self._bias
        return mapped.view(*inputs.shape[:-1], -1)


def _rounded(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows in int8, and what to multiply each by."""
    scales = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
    return (rows / scales).round().to(torch.int8), scales


def _agreement(one: Seen, other: Seen) -> float:
    """Least cosine of the same vectors of two."""
    return min(float((a * b).sum(-1).min()) for a, b in zip(one, other, strict=True))

"""Where numbers are computed: this machine's processor, or a graphics card by torch.

The one place that knows names of devices, moves there what is computed with, and reads values
back. Torch is imported only where something else than the processor is asked for.
"""

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from regard.errors import ConfigError

if TYPE_CHECKING:
    import torch

PROCESSOR = "cpu"
_NAMES = "auto, cpu, cuda, cuda:N or mps"
_TILES = 2 << 30  # bytes for scores where the memory that is free cannot be asked for

Moved = TypeVar("Moved", bound="torch.Tensor | torch.nn.Module")


def usable_device(name: str) -> str:
    """The device that is meant, if torch finds it; auto takes a graphics card where there is one.

    Raises:
        ConfigError: it is another name, torch is not installed, or it finds no such device.
    """
    kind, colon, number = name.partition(":")
    numbered = kind == "cuda" and number.isdecimal()
    if kind not in ("auto", PROCESSOR, "cuda", "mps") or (colon and not numbered):
        raise ConfigError(f"device is {name!r}; it must be {_NAMES}. Name one of these.")
    if name == PROCESSOR:
        return name
    try:
        import torch
    except ImportError as error:
        if name == "auto":
            return PROCESSOR
        raise ConfigError(
            f"device is {name!r}; it must be cpu where torch is not installed. "
            "Run: pip install 'regard[train]'"
        ) from error
    there = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if name == "auto":
        return next((kind for kind, count in there.items() if count), PROCESSOR)
    if int(number or 0) >= there[kind]:
        raise ConfigError(
            f"device is {name!r}; torch must find it, and finds {there[kind]} of that kind. "
            "Leave it out to use the processor, or install torch built for the graphics card."
        )
    return name


def on_processor(tensor: "torch.Tensor") -> bool:
    """Whether a tensor lies where the ways that are written for processors apply."""
    return tensor.device.type == PROCESSOR


def put(what: Moved, device: "str | torch.device") -> Moved:
    """A tensor or a network on a device; what lies in pinned memory is not waited for."""
    moved: Any = what.to(device, non_blocking=True)
    return moved  # type: ignore[no-any-return]


def pinned(tensor: "torch.Tensor", device: str) -> "torch.Tensor":
    """A tensor where a card can fetch it by itself; elsewhere it stays where it is."""
    return tensor.pin_memory() if device.startswith("cuda") else tensor


def read(tensor: "torch.Tensor") -> np.ndarray:
    """Values of a tensor, which a graphics card is waited for."""
    values: np.ndarray = tensor.detach().numpy(force=True)
    return values


def peak_memory(device: str) -> int:
    """Most bytes that this process has had at once: of the card, or of the processor's memory."""
    kind = device.partition(":")[0]
    if kind == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if kind == "mps":
        import torch

        return int(torch.mps.driver_allocated_memory())  # at present: it keeps no record
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def memory_for_tiles(device: str) -> int:
    """Bytes that scores may take beside what is there: half of what a card has free."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0] // 2)
    return _TILES

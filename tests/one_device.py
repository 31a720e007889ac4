"""Watches that what computes on a device has all it needs there.

On torch's `meta` device tensors have shapes and no values: whatever reads one but by
`regard.device.read` raises.
"""

import sys

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from regard import device

MOVES = {"aten._to_copy", "aten.copy_", "aten._pack_padded_sequence"}


class OneDevice(TorchDispatchMode):
    """Raises where an operation has tensors of two devices; counts those on `meta`."""

    def __init__(self):
        super().__init__()
        self.far = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        done = function(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, done)) if isinstance(x, torch.Tensor)]
        kinds = {tensor.device.type for tensor in tensors}
        if len(kinds) > 1:
            assert str(function.overloadpacket) in MOVES, f"{function} mixes {kinds}"
        self.far += "meta" in kinds
        return done


def ones(tensor):
    """What is read of a tensor that has no values."""
    assert tensor.device.type == "meta"
    return np.ones(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def without_values(monkeypatch):
    """Values are read by one function alone, which has none to give and gives ones."""
    real = device.read
    for module in list(sys.modules.values()):
        if getattr(module, "read", None) is real:
            monkeypatch.setattr(module, "read", ones)
    monkeypatch.setattr(torch.optim, "AdamW", unfused(torch.optim.AdamW))


def unfused(optimizer):
    """Its fused form is for devices that have values."""
    return lambda *given, **named: optimizer(*given, **(named | {"fused": False}))

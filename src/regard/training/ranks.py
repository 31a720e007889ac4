"""Several processes that train one model together: who is who, and what they tell each other.

Each embeds its own part of a batch; vectors are gathered, and every process asks with its own
pairs among all of them, so the hardest negatives are those of the whole batch. Gradients flow back
through the gathering, and those of the weights are summed, not averaged as torch's own wrapper
does: a loss is a sum over pairs, of which each process has a part.

`torchrun` starts the processes and says in the environment who is who.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

from regard.errors import ConfigError

_PATIENCE = timedelta(days=1)  # one validates while the others wait


@dataclass(frozen=True)
class Ranks:
    """A process among those that train together."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that validates, writes and tells."""
        return self.rank == 0

    def part(self, pairs: int) -> slice:
        """Its own of the pairs of a batch.

        Raises:
            ConfigError: the batch cannot be parted evenly.
        """
        if pairs % self.count:
            raise ConfigError(
                f"a batch has {pairs} pairs; their number must be a multiple of the processes', "
                f"{self.count}. Change training.batch_size or --nproc-per-node."
            )
        each = pairs // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def gather(self, tensor: Tensor) -> Tensor:
        """Tensors of one shape from all, stacked in their order; a gradient goes back to each."""
        gathered: Tensor = _Gather.apply(tensor, self)  # type: ignore[no-untyped-call]
        return gathered

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of one tensor over all; a gradient goes back to each."""
        return self.gather(tensor).sum(0) if self.count > 1 else tensor

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Sum tensors over all processes, in place."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        totals = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, total in zip(tensors, totals, strict=True):
            tensor.copy_(total.view(tensor.shape))

    def told(self, values: Sequence[float]) -> list[float]:
        """What the leading process says."""
        if self.count == 1:
            return list(values)
        said = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(said, 0)
        return [float(value) for value in said]

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """The leading process goes through alone, then the others: what it made, they find."""
        if not self.leads:
            self._meet()
        yield
        if self.leads:
            self._meet()

    def _meet(self) -> None:
        if self.count > 1:
            distributed.barrier()


ALONE = Ranks()


@contextmanager
def joined(device: str) -> Iterator[tuple[Ranks, str]]:
    """Meet the other processes that `torchrun` started, if it did; gives one's own device, too.

    Raises:
        ConfigError: the processes cannot compute on the device together.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ConfigError(
            f"device is {device!r}; it must be cpu or cuda for several processes. Name one with "
            "--device."
        )
    if kind == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    ways = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    distributed.init_process_group(ways, timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size()), device
    finally:
        distributed.destroy_process_group()


class _Gather(torch.autograd.Function):
    """Stacks the tensors of all; each gets back the sum of what all say of its own."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, ranks: Ranks) -> Tensor:
        ctx.rank = ranks.rank
        parts = [torch.empty_like(tensor) for _ in range(ranks.count)]
        distributed.all_gather(parts, tensor.contiguous())
        return torch.stack(parts)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total[ctx.rank], None

"""A GRU over captions of many lengths, and its gradient, in few and large products (CPU).

The numbers are `nn.GRU`'s. Captions are taken longest first, word by word, so that a step
multiplies only captions that still go on; both directions step together, the backward one over
mirrored captions; nothing is multiplied in the first step, whose state is zero; each weight's
gradient is one product over all words. Products are of the type asked for, all else is float32.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from regard.model.recurrence import ENDS, GRU
from regard.shapes import Float, Int


class Packing(NamedTuple):
    """Real words of padded captions in the order they are read."""

    places: Int[Tensor, " real"]
    """Index of each word among all (cap * word) padded ones."""
    mirror: Int[Tensor, " real"]
    """Where the same caption's word lies that is as far from the end as this from the start."""
    sizes: tuple[int, ...]
    """Captions that have a first, second, ... word."""


def pack(lengths: Int[Tensor, " cap"], width: int) -> Packing:
    """The order in which captions of some lengths, padded to `width` words, are read."""
    order = np.argsort(-lengths.numpy(), kind="stable")
    sorted_lengths = lengths.numpy()[order]
    going = np.arange(width)[:, None] < sorted_lengths[None]  # (W, C)
    step, caption = going.nonzero()
    index = going.reshape(-1).cumsum().reshape(going.shape) - 1
    mirror = index[sorted_lengths[caption] - 1 - step, caption]
    sizes = tuple(int(n) for n in going.sum(1) if n)
    return Packing(torch.from_numpy(order[caption] * width + step), torch.from_numpy(mirror), sizes)


def read(
    rnn: nn.GRU, inputs: Float[Tensor, "real input"], packing: Packing, dtype: torch.dtype
) -> Float[Tensor, "real dim"]:
    """States of a one-layer GRU over packed words, the mean of both directions if it has two.

    Args:
        dtype: of the products' factors; float32 gives what `nn.GRU` gives.
    """
    ends = ENDS[: 1 + rnn.bidirectional]
    weights = [getattr(rnn, name + end) for end in ends for name in GRU]
    states: Tensor = _Read.apply(inputs, packing, dtype, *weights)  # type: ignore[no-untyped-call]
    return states


class _Kept(NamedTuple):
    """What the gradient needs of the way there; gates are in the order reset, update, new."""

    gates: Float[Tensor, "way real 3*dim"]
    hidden: Float[Tensor, "way real dim"]
    """The state's share in the new gate, before the reset."""
    before: Float[Tensor, "way real dim"]
    """Each word's previous state, in the products' type; undefined for first words."""
    states: Float[Tensor, "way real dim"]


class _Step(NamedTuple):
    """Where the words of one step lie, and those of the step before."""

    first: int
    here: slice
    earlier: slice


def _steps(sizes: Sequence[int]) -> list[_Step]:
    borders = [0, *accumulate(sizes)]
    steps = [_Step(0, slice(0, sizes[0]), slice(0, 0))]
    for begin, (low, high) in zip(borders, pairwise(borders[1:]), strict=False):
        steps.append(_Step(low, slice(low, high), slice(begin, begin + high - low)))
    return steps


class _Way(NamedTuple):
    """Weights of one direction in the products' type."""

    into: Float[Tensor, "3*dim input"]
    across: Float[Tensor, "3*dim dim"]


def _ways(weights: Sequence[Tensor], dtype: torch.dtype) -> Iterator[_Way]:
    for n in range(0, len(weights), 4):
        yield _Way(weights[n].to(dtype), weights[n + 1].to(dtype))


def _begin(
    inputs: list[Tensor], ways: list[_Way], weights: Sequence[Tensor], dim: int
) -> Float[Tensor, "way real 3*dim"]:
    """The inputs' share in every gate, with all biases but the state's in the new gate."""
    gates = torch.empty(len(ways), len(inputs[0]), 3 * dim)
    for n, (given, way) in enumerate(zip(inputs, ways, strict=True)):
        bias = weights[4 * n + 2].clone()
        bias[: 2 * dim] += weights[4 * n + 3][: 2 * dim]
        torch.add(given @ way.into.T, bias, out=gates[n])
    return gates


def _run(
    gates: Tensor, ways: list[_Way], bias: Float[Tensor, "way one dim"], sizes: Sequence[int]
) -> _Kept:
    """All steps; the gates' inputs become the gates."""
    count, real, dim = gates.shape[0], gates.shape[1], bias.shape[-1]
    dtype = ways[0].across.dtype
    hidden, states = torch.empty(count, real, dim), torch.empty(count, real, dim)
    before = torch.zeros(count, real, dim, dtype=dtype)
    products = torch.empty(count, sizes[0], 3 * dim, dtype=dtype)
    for first, here, earlier in _steps(sizes):
        gate, share = gates[:, here], hidden[:, here]
        reset, update, new = gate.chunk(3, -1)
        if first:
            before[:, here] = states[:, earlier]
            product = products[:, : gate.shape[1]]
            for n, way in enumerate(ways):
                torch.mm(before[n, here], way.across.T, out=product[n])
            gate[..., : 2 * dim] += product[..., : 2 * dim]
            torch.add(product[..., 2 * dim :], bias, out=share)
        else:
            share.copy_(bias.expand_as(share))
        gate[..., : 2 * dim].sigmoid_()
        new.addcmul_(reset, share).tanh_()
        previous = states[:, earlier] if first else torch.zeros_like(new)
        torch.lerp(new, previous, update, out=states[:, here])
    return _Kept(gates, hidden, before, states)


def _unroll(
    kept: _Kept, ways: list[_Way], gradient: Float[Tensor, "way real dim"], sizes: Sequence[int]
) -> Float[Tensor, "way real 4*dim"]:
    """Gradients of what enters the gates, in the order new, reset, update, state's share in new.

    The first three are the inputs', the last three the state's.
    """
    count, real, dim = gradient.shape
    dtype = kept.before.dtype
    entering = torch.empty(count, real, 4 * dim, dtype=dtype)
    carried = torch.zeros(count, sizes[0], dim)
    products = torch.empty(count, sizes[0], dim, dtype=dtype)
    a, b, c = (torch.empty(count, sizes[0], dim) for _ in range(3))
    for first, here, earlier in reversed(_steps(sizes)):
        size = here.stop - here.start
        part = _Part(entering[:, here], carried[:, :size], a[:, :size], b[:, :size], c[:, :size])
        part.into.add_(gradient[:, here])
        previous = kept.states[:, earlier] if first else torch.zeros_like(part.into)
        _differentiate(part, kept.gates[:, here], kept.hidden[:, here], previous)
        if first:
            for n, way in enumerate(ways):
                torch.mm(entering[n, here, dim:], way.across, out=products[n, :size])
            torch.add(part.c, products[:, :size], out=part.into)
    return entering


class _Part(NamedTuple):
    """One step's gradients: of what enters its gates, of its states, and room."""

    entering: Tensor
    into: Tensor
    a: Tensor
    b: Tensor
    c: Tensor


def _differentiate(part: _Part, gate: Tensor, share: Tensor, previous: Tensor) -> None:
    """Fill `entering`, and leave in `c` what goes straight to the previous state."""
    reset, update, new = gate.chunk(3, -1)
    of_new, of_reset, of_update, of_share = part.entering.chunk(4, -1)
    gradient, a, b, c = part.into, part.a, part.b, part.c
    torch.addcmul(update, update, update, value=-1, out=b)  # z (1 - z)
    torch.sub(previous, new, out=a).mul_(gradient)
    torch.mul(a, b, out=of_update)
    torch.mul(gradient, update, out=c)
    torch.sub(gradient, c, out=a)
    torch.mul(new, new, out=b)
    a.addcmul_(a, b, value=-1)
    of_new.copy_(a)
    torch.mul(a, reset, out=of_share)
    torch.addcmul(reset, reset, reset, value=-1, out=b)
    torch.mul(a.mul_(share), b, out=of_reset)


class _Read(torch.autograd.Function):
    """The GRU as one differentiable operation; differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, packing: Packing, dtype: torch.dtype, *weights: Tensor
    ) -> Tensor:
        ways, dim = list(_ways(weights, dtype)), weights[1].shape[1]
        low = inputs.to(dtype)
        given = [low, low[packing.mirror]][: len(ways)]
        bias = torch.stack([weights[4 * n + 3][2 * dim :] for n in range(len(ways))])[:, None]
        kept = _run(_begin(given, ways, weights, dim), ways, bias, packing.sizes)
        ctx.packing, ctx.ways, ctx.given, ctx.kept = packing, ways, given, kept
        if len(ways) == 1:
            return kept.states[0].clone()
        return (kept.states[0] + kept.states[1][packing.mirror]).div_(2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        packing, ways, given, before = ctx.packing, ctx.ways, ctx.given, ctx.kept.before
        dim, first = gradient.shape[-1], packing.sizes[0]
        both = gradient[None]
        if len(ways) > 1:
            both = torch.stack([gradient, gradient[packing.mirror]]).div_(2)
        entering = _unroll(ctx.kept, ways, both, packing.sizes)
        del ctx.kept, ctx.given, both  # most of a step's memory, before the gradients ask for more
        weights: list[Tensor] = []
        inputs = torch.zeros(gradient.shape[0], given[0].shape[1])
        for n, way in enumerate(ways):
            own = entering[n]
            of_input, total = own[:, : 3 * dim], own.sum(0).float()
            of_state = own[first:, dim:].T @ before[n, first:]
            into = (of_input.T @ given[n]).float().roll(-dim, 0)
            weights += [into, of_state.float(), total[: 3 * dim].roll(-dim), total[dim:]]
            share = (of_input @ way.into.roll(dim, 0)).float()
            inputs += share if n == 0 else share[packing.mirror]
        return inputs, None, None, *weights

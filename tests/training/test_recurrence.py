"""The GRU read in large products is nn.GRU, in its states and in every gradient."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.training.recurrence import pack, read


def by_torch(rnn, inputs, lengths):
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    width = inputs.shape[1]
    states, _ = pad_packed_sequence(rnn(packed)[0], batch_first=True, total_length=width)
    return torch.stack(states.chunk(2, -1)).mean(0) if rnn.bidirectional else states


def by_us(rnn, inputs, lengths, dtype=torch.float32):
    packing = pack(lengths, inputs.shape[1])
    states = read(rnn, inputs.flatten(0, 1)[packing.places], packing, dtype)
    padded = states.new_zeros(inputs.shape[0] * inputs.shape[1], states.shape[1])
    return padded.index_copy(0, packing.places, states).view(*inputs.shape[:2], -1)


def gradients(rnn, inputs, states):
    weights = torch.linspace(-1, 1, states.numel()).view(states.shape)
    return torch.autograd.grad((states * weights).sum(), [inputs, *rnn.parameters()])


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=7),
    slack=st.integers(0, 2),
    both=st.booleans(),
    dim=st.integers(1, 6),
)
def test_states_and_gradients_are_those_of_torch(lengths, slack, both, dim):
    torch.manual_seed(0)
    rnn = nn.GRU(5, dim, batch_first=True, bidirectional=both)
    inputs = torch.randn(len(lengths), max(lengths) + slack, 5, requires_grad=True)
    lengths = torch.tensor(lengths)
    expected, actual = by_torch(rnn, inputs, lengths), by_us(rnn, inputs, lengths)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(
        gradients(rnn, inputs, actual), gradients(rnn, inputs, expected), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_bfloat16_products_stay_near():
    torch.manual_seed(0)
    rnn = nn.GRU(30, 64, batch_first=True, bidirectional=True)
    inputs, lengths = torch.randn(9, 12, 30, requires_grad=True), torch.arange(4, 13)
    expected, actual = by_torch(rnn, inputs, lengths), by_us(rnn, inputs, lengths, torch.bfloat16)
    assert (actual - expected).abs().max() < 0.01
    for ours, theirs in zip(
        gradients(rnn, inputs, actual), gradients(rnn, inputs, expected), strict=True
    ):
        assert (ours - theirs).norm() < 0.01 * theirs.norm()

"""The network: unit vectors, padding that changes nothing, and gradients everywhere."""

import pytest
import torch

from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.errors import ConfigError

SMALL = {"feature_dim": 6, "embed_dim": 8, "word_dim": 5, "state_dim": 4, "word_hidden": 7}


def made(**settings):
    torch.manual_seed(0)
    return MatchingModel(ModelConfig(**SMALL, **settings), 10).eval()


def captions(model, lengths):
    """Word ids, lengths and, where the model wants them, states."""
    ids = torch.arange(len(lengths) * max(lengths)).reshape(len(lengths), -1) % 10
    states = torch.randn(*ids.shape, 4, generator=torch.Generator().manual_seed(1))
    return ids, torch.tensor(lengths), states if model.needs_states else None


@pytest.mark.parametrize("encoding", ["gru", "last", "states"])
def test_words_are_unit_vectors_and_padding_is_zero(encoding):
    model = made(word_encoding=encoding)
    vectors = model.words(*captions(model, [3, 5]))
    assert vectors.shape == (2, 5, 8)
    torch.testing.assert_close(vectors.norm(dim=-1)[0], torch.tensor([1.0, 1, 1, 0, 0]))


@pytest.mark.parametrize("encoding", ["gru", "last", "states"])
def test_a_caption_alone_is_embedded_as_among_others(encoding):
    model = made(word_encoding=encoding)
    ids, lengths, states = captions(model, [3, 5])
    alone = model.words(ids[:1, :3], lengths[:1], None if states is None else states[:1, :3])
    torch.testing.assert_close(model.words(ids, lengths, states)[:1, :3], alone)


def test_unknown_words_differ_where_states_tell_them_apart():
    model = made(word_encoding="states")
    ids = torch.full((1, 2), 3)
    vectors = model.words(ids, torch.tensor([2]), torch.randn(1, 2, 4))
    assert (vectors[0, 0] - vectors[0, 1]).abs().max() > 0.01


@pytest.mark.parametrize("encoding", ["gru", "last", "states"])
def test_the_whole_network_has_a_gradient_everywhere(encoding):
    model = made(word_encoding=encoding, region_mlp=True)
    regions, words = model.regions(torch.randn(2, 3, 6)), model.words(*captions(model, [3, 5]))
    (regions.sum() + words[..., 0].sum()).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embed_dim": 0}, "model.embed_dim is 0; it must be at least 1"),
        ({"dropout": 1.0}, "model.dropout is 1.0"),
    ],
)
def test_sizes_no_network_can_have_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**settings)

"""The encoders for CPUs give the model's own vectors and gradients."""

from dataclasses import replace

import pytest
import torch

from regard.core.attention import l2norm
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.training.encoders import embed_regions, embed_words, unit

LENGTHS = torch.tensor([3, 6, 1, 5])


def model(**changed):
    torch.manual_seed(0)
    config = ModelConfig(feature_dim=40, embed_dim=24, word_dim=8, state_dim=7, word_hidden=9)
    return MatchingModel(replace(config, **changed), 30)


def labelled(**changed):
    network = model(word_encoding="states", labels=True, **changed)
    network.regions.labels.classify(torch.randn(12, 40), torch.randn(12), torch.randn(12, 7))
    return network


def agree(found, expected, parameters, within):
    weights = torch.linspace(-1, 1, found.numel()).view(found.shape)
    grads = [torch.autograd.grad((x * weights).sum(), parameters) for x in (found, expected)]
    for ours, theirs in [(found, expected), *zip(*grads, strict=True)]:
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() <= within * theirs.norm()


@pytest.mark.parametrize(("precision", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("mlp", [False, True])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
def test_regions(stored, mlp, standardised, precision, within):
    encoder = model(region_mlp=mlp).regions
    if standardised:
        encoder.mean.uniform_(-1, 1)
        encoder.deviation.uniform_(0.5, 2)
    features = torch.randn(50, 6, 40).to(stored)  # more than one part
    found = embed_regions(encoder, features, precision)
    agree(found, encoder(features.float()), list(encoder.parameters()), within)


def test_labelled_regions():
    network, features = labelled(), torch.randn(50, 6, 40)
    found = embed_regions(network.regions, features, torch.float32, network.label_names())
    learned = [*network.regions.parameters(), network.words.linear.weight]
    agree(found, network.regions(features, network.label_names()), learned, 1e-5)
    assert not torch.allclose(found, network.regions(features))


def test_labels_are_dropped_photo_by_photo_while_training():
    network = labelled(label_dropout=0.5)
    features, names = torch.randn(60, 3, 40), network.label_names()
    plain = network.regions(features)
    same = torch.isclose(network.train().regions(features, names), plain).all(-1)
    assert (same.all(1) | ~same.any(1)).all()
    assert 10 < same.all(1).sum() < 50
    assert not torch.isclose(network.eval().regions(features, names), plain).all(-1).any()


@pytest.mark.parametrize(("precision", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"bidirectional": False},
        {"word_encoding": "last", "bidirectional": False},
        {"word_encoding": "states"},
        {"word_encoding": "states", "word_weights": True},
    ],
    ids=str,
)
def test_words(changed, precision, within):
    encoder = model(**changed).words
    states = torch.randn(4, 6, 7) if changed.get("word_encoding") == "states" else None
    naming = (torch.arange(6) < LENGTHS[:, None]) & (torch.arange(6) != 1)
    texts = torch.randint(0, 30, (4, 6)), LENGTHS, states, naming
    found = embed_words(encoder, *texts, precision)
    agree(found, encoder(*texts), list(encoder.parameters()), within)
    assert not found[torch.arange(6)[None] >= LENGTHS[:, None]].any()


def test_unit_is_l2norm_even_at_zero():
    vectors = torch.randn(300, 5)
    vectors[7] = 0
    vectors.requires_grad_()
    agree(unit(vectors), l2norm(vectors, -1), [vectors], 1e-6)

"""What later papers add equals their equations, written out as loops."""

import numpy as np
import papers
import pytest
import torch

from regard.core.attention import masked_mean, similarity
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.pooling import Pooler
from regard.core.scoring import Scoring
from regard.core.shares import word_parts
from regard.errors import ConfigError

SIZES = {"feature_dim": 5, "embed_dim": 6, "word_dim": 4, "state_dim": 4, "word_hidden": 3}


def padded(sides):
    """Vectors of several lengths with rubbish after them, and how many are real."""
    counts = torch.tensor([len(side) for side in sides])
    out = torch.randn(len(sides), int(counts.max()) + 1, sides[0].shape[1])
    for row, side in zip(out, sides, strict=True):
        row[: len(side)] = side
    return out, counts


def weights_of(module, prefix=""):
    return {prefix + name: value.numpy() for name, value in module.state_dict().items()}


@pytest.fixture
def pooler():
    torch.manual_seed(0)
    made = Pooler()
    torch.nn.init.normal_(made.linear.weight)
    return made


@torch.no_grad()
def test_gpo_is_the_paper_s(pooler):
    sides = [torch.randn(count, 7) for count in (4, 1, 9, 4)]
    vectors, counts = padded(sides)
    parts = pooler(vectors, counts)
    for row, side in enumerate(sides):
        expected = papers.gpo(side.numpy(), weights_of(pooler, "pooler."), "pooler")
        expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(parts[row].sum(0), expected, atol=1e-5)
        assert not parts[row, len(side) :].any()


@torch.no_grad()
def test_gpo_of_equal_weights_is_the_mean(pooler):
    torch.nn.init.zeros_(pooler.linear.weight)
    vectors, counts = padded([torch.randn(count, 7) for count in (4, 9)])
    mask = torch.arange(vectors.shape[1]) < counts[:, None]
    torch.testing.assert_close(pooler(vectors, counts).sum(1), masked_mean(vectors, mask))


@pytest.mark.parametrize("encoding", ["gru", "states"])
def test_a_model_that_pools_gives_the_paper_s_cosine_and_shares_of_it(encoding):
    torch.manual_seed(1)
    scoring = Scoring(scorer="pooled")
    config = ModelConfig(**SIZES, gpo=True, scoring=scoring, word_encoding=encoding)
    model = MatchingModel(config, 10)
    features, counts = padded([torch.randn(3, 5), torch.randn(2, 5)])
    ids, lengths = torch.arange(8).reshape(2, 4), torch.tensor([4, 3])
    states = torch.randn(2, 4, 4) if encoding == "states" else None
    regions = model.regions(features, None, counts)
    words = model.words(ids, lengths, states)
    masks = [
        torch.arange(side.shape[1]) < n[:, None]
        for side, n in ((regions, counts), (words, lengths))
    ]
    found = similarity(regions, words, *masks, scoring)
    (found.sum() + words[..., 0].sum()).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in model.parameters())
    with torch.no_grad():
        plain = MatchingModel(ModelConfig(**SIZES, word_encoding=encoding), 10)
        embedded = model.regions.project(features)
        expected = papers.gpo(embedded[1, :2].numpy(), weights_of(model), "regions.pooler")
    np.testing.assert_allclose(
        regions[1].sum(0).detach(), expected / np.linalg.norm(expected), atol=1e-5
    )
    assert {name for name in weights_of(model) if name not in weights_of(plain)} == {
        name for name in weights_of(model) if ".pooler." in name
    }
    sides = (regions.detach().numpy()[:1], words.detach().numpy()[:1])
    parts = word_parts(*sides, *(mask.numpy()[:1] for mask in masks), scoring)
    np.testing.assert_allclose(parts.share.sum(), found[0, 0].item(), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"scoring": Scoring()},
        {"word_encoding": "last"},
        {"word_encoding": "states", "labels": True},
    ],
)
def test_learned_pooling_is_for_pooled_vectors_alone(settings):
    with pytest.raises(ConfigError, match=r"model.gpo is True; it must be false but with"):
        ModelConfig(**{"scoring": Scoring(scorer="pooled"), **settings}, gpo=True)


def test_chan_is_the_paper_s():
    generator = torch.Generator().manual_seed(2)
    photos, captions = (
        [torch.nn.functional.normalize(torch.randn(n, 6, generator=generator), dim=-1) for n in ns]
        for ns in ((3, 5), (4, 1, 6))
    )
    (regions, counts), (words, lengths) = padded(photos), padded(captions)
    masks = [
        torch.arange(side.shape[1]) < n[:, None]
        for side, n in ((regions, counts), (words, lengths))
    ]
    scoring = Scoring(scorer="hard", pooling="lse", lambda_lse=10.0)
    found = similarity(regions, words, *masks, scoring)
    expected = [[papers.chan(r.numpy(), w.numpy(), 0.1) for w in captions] for r in photos]
    np.testing.assert_allclose(found, expected, atol=1e-6)

"""What later papers add equals their equations, written out as loops."""

import numpy as np
import papers
import pytest
import torch

from regard.core.attention import masked_mean, similarity
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.pooling import Pooler
from regard.core.reasoner import Reasoner
from regard.core.reasoning import reasoned
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


LEARNED = {"embed_dim": 6, "aspects": 4, "reasoning_steps": 2}


def reasoner(scorer):
    torch.manual_seed(4)
    made = Reasoner(ModelConfig(**LEARNED, scoring=Scoring(scorer=scorer)))
    for weight in (*made.parameters(), *made.buffers()):
        torch.nn.init.uniform_(weight, 0.1, 1.5)
        weight.data *= torch.where(torch.rand_like(weight) < 0.3, -1, 1)
    if scorer == "saf":
        made.gate_variance.abs_()
    return made


def photos_and_captions():
    generator = torch.Generator().manual_seed(5)
    return (
        [torch.nn.functional.normalize(torch.randn(n, 6, generator=generator), dim=-1) for n in ns]
        for ns in ((3, 5), (4, 1, 6))
    )


@pytest.mark.parametrize("scorer", ["sgr", "saf"])
@torch.no_grad()
def test_sgraf_is_the_paper_s_by_torch_and_by_numpy(scorer):
    photos, captions = photos_and_captions()
    (regions, counts), (words, lengths) = padded(photos), padded(captions)
    masks = [
        torch.arange(side.shape[1]) < n[:, None]
        for side, n in ((regions, counts), (words, lengths))
    ]
    made = reasoner(scorer).eval()
    weights = {name: value.numpy() for name, value in made.weights().items()}
    judge = papers.saf if scorer == "saf" else lambda *sides: papers.sgr(*sides, 2)
    pairs = [[(r.double().numpy(), w.double().numpy()) for w in captions] for r in photos]
    expected = [[judge(*pair, weights) for pair in row] for row in pairs]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(made.all_pairs(regions, words, *masks), expected, atol=1e-5)
    one = made(regions, words[:2], masks[0], masks[1][:2])
    np.testing.assert_allclose(one, np.diagonal(expected), atol=1e-5)
    sides = (regions[:, None], words[None], masks[0][:, None], masks[1][None])
    light = reasoned(*(side.numpy() for side in sides), weights, Scoring(scorer=scorer))
    np.testing.assert_allclose(light, expected, atol=1e-5)


@pytest.mark.parametrize("scorer", ["sgr", "saf"])
def test_all_of_sgraf_learns(scorer):
    photos, captions = photos_and_captions()
    (regions, counts), (words, lengths) = padded(photos), padded(captions)
    masks = [
        torch.arange(side.shape[1]) < n[:, None]
        for side, n in ((regions, counts), (words, lengths))
    ]
    made = reasoner(scorer).train()
    before = {name: value.clone() for name, value in made.named_buffers()}
    made.all_pairs(regions, words, *masks)[0].sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in made.parameters())
    assert all((value != before[name]).any() for name, value in made.named_buffers())
    with torch.no_grad():  # as negatives are found
        after = {name: value.clone() for name, value in made.named_buffers()}
        made.all_pairs(regions, words, *masks)
    assert all((value == after[name]).all() for name, value in made.named_buffers())


def test_what_needs_sums_over_words_refuses_reasoned_similarities():
    sides = np.ones((1, 2, 3)), np.ones((1, 2, 3)), np.ones((1, 2), bool), np.ones((1, 2), bool)
    for ask in (word_parts, similarity):
        with pytest.raises(ConfigError, match="no sums over words"):
            ask(*sides, Scoring(scorer="sgr"))
    with pytest.raises(ConfigError, match="with scorer 'saf' it must be 't2i'"):
        Scoring(scorer="saf", direction="i2t")

"""The encoders without a framework give what the readable network gives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.model.encoders import RegionEncoder, StateEncoder, WordEncoder, shapes
from regard.model.labels import LabelClasses
from regard.model.network import install

WORDS = 11


def network(**sizes):
    torch.manual_seed(sizes["embed_dim"])
    made = MatchingModel(ModelConfig(**sizes), WORDS).eval()
    made.regions.mean.copy_(torch.randn(made.regions.mean.shape))
    made.regions.deviation.copy_(torch.rand(made.regions.deviation.shape) + 0.5)
    if getattr(made.words, "weigh", None) is not None:
        torch.nn.init.normal_(made.words.weigh.weight)
    return made


def weights_of(made, dtype=np.float32):
    return {name: value.numpy().astype(dtype) for name, value in made.state_dict().items()}


def classified(made, labels):
    """A network with labels, and its classes as they are kept; None without."""
    if made.regions.labels is None:
        return None
    generator = np.random.default_rng(labels)
    sizes = ((labels, made.config.feature_dim), labels, (labels, made.config.state_dim))
    numbers = [generator.normal(size=size) for size in sizes]
    classes = LabelClasses.of(list(map(str, range(labels))), *numbers)
    install(made, classes)
    return classes


def embedded(config, weights, ids, lengths, states, naming=None):
    if config.word_encoding == "states":
        read = StateEncoder(
            weights, names_only=config.word_weights, whole_weight=config.whole_weight
        )
        return read(ids, lengths, states, naming)
    return WordEncoder(weights, last=config.word_encoding == "last")(ids, lengths)


def growth(*parts):
    """How much rounding grows where sums of larger numbers are made unit vectors."""
    lengths = torch.stack(parts).sum(0).norm(dim=-1)
    if not lengths.numel():
        return 1
    return max(1, float(sum(part.norm(dim=-1) for part in parts).max() / lengths.min()))


@torch.no_grad()
def growth_of_regions(made, features):
    standard = (features - made.regions.mean) / made.regions.deviation
    linear, mlp = made.regions.linear, made.regions.mlp
    hidden = made.regions.mlp(standard) if mlp is not None else torch.zeros(())
    bias = linear.bias.expand(*standard.shape[:-1], -1)
    grown = growth(linear(standard) - bias, bias, hidden.expand_as(bias))
    names = made.label_names()
    if names is None:
        return grown
    plain = made.regions(features)
    return grown * growth(plain, made.regions.labels(standard, names))


@torch.no_grad()
def growth_of_words(made, ids, states):
    if not made.needs_states:
        return 1
    parts = made.words.linear(states), made.words.mlp(states), made.words.embed.weight[ids]
    return growth(*parts) * (5 if made.config.weighs_words else 1)


def sizes():
    number = st.integers(1, 9)
    common = {"feature_dim": number, "embed_dim": number, "word_dim": number, "state_dim": number}
    common |= {"word_hidden": number, "region_mlp": st.booleans(), "bidirectional": st.booleans()}
    read = {"word_encoding": st.sampled_from(["gru", "last"])}
    states = {"word_encoding": st.just("states"), "labels": st.booleans()}
    weighs = {"word_weights": st.just(True), "whole_weight": st.sampled_from([0.0, 0.25])}
    weighs |= {"scoring": st.sampled_from([Scoring(pooling="weighted"), Scoring(direction="i2t")])}
    pools = {"word_encoding": st.sampled_from(["gru", "states"]), "gpo": st.just(True)}
    pools |= {"scoring": st.just(Scoring(scorer="pooled"))}
    kinds = (read, states, states | weighs, pools)
    return st.one_of(*(st.fixed_dictionaries(common | own) for own in kinds))


@settings(deadline=None)
@given(sizes())
def test_names_and_shapes_are_the_networks(size):
    made = network(**size)
    found = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    assert shapes(made.config, WORDS) == found


@settings(deadline=None)
@given(sizes(), st.integers(0, 700), st.integers(0, 3), st.integers(1, 14))
def test_regions_are_the_networks(size, photos, regions, labels):
    made = network(**size)
    classes = classified(made, labels)
    features = np.random.default_rng(photos).normal(size=(photos, regions, size["feature_dim"]))
    features = features.astype(np.float32)
    with torch.no_grad():
        counts = np.random.default_rng(regions).integers(0, regions + 1, photos)
        sides = torch.from_numpy(features), made.label_names(), torch.from_numpy(counts)
        expected = made.regions(*sides)
    found = RegionEncoder(weights_of(made), classes)(features, counts)
    assert found.dtype == np.float32
    grown = growth_of_regions(made, torch.from_numpy(features))
    agree(made, found, expected, grown)


@settings(deadline=None)
@given(sizes(), st.lists(st.integers(3, 9), min_size=1, max_size=80), st.integers(0, 2))
def test_words_are_the_networks(size, lengths, room):
    made = network(**size)
    generator = np.random.default_rng(len(lengths))
    lengths = np.array(lengths)
    ids = generator.integers(0, WORDS, (len(lengths), lengths.max() + room))
    states = generator.normal(size=(*ids.shape, size["state_dim"])).astype(np.float32)
    naming = generator.random(ids.shape) < 0.5
    naming[:, 1] = True
    naming[:, 0] = False
    naming &= np.arange(ids.shape[1]) < lengths[:, None]
    with torch.no_grad():
        given = (torch.from_numpy(states) if made.needs_states else None, torch.from_numpy(naming))
        expected = made.words(torch.from_numpy(ids), torch.from_numpy(lengths), *given)
    found = embedded(made.config, weights_of(made), ids, lengths, states, naming)
    if made.config.word_weights:
        assert not found[:, 1:][~naming[:, 1:]].any()
        assert found[:, 0].any() == (made.config.whole_weight > 0)
    if made.config.weighs_words:
        np.testing.assert_allclose(np.linalg.norm(found.sum(1), axis=-1), 1, atol=1e-4)
    assert found.dtype == np.float32
    grown = growth_of_words(made, ids, torch.from_numpy(states))
    if made.config.weighs_words:
        grown *= float(expected.norm(dim=-1).sum(1).max()) ** 2
    agree(made, found, expected, grown)


def agree(made, found, expected, grown):
    """Vectors alike but for rounding; of pooled ones their sums, for parts may change places."""
    if made.config.gpo:
        grown *= 1 + float(expected.norm(dim=-1).sum(1).max()) ** 2 if expected.numel() else 1
        found, expected = found.sum(1), expected.sum(1)
    np.testing.assert_allclose(found, expected, atol=2e-6 * grown)


@pytest.mark.parametrize("encoding", ["gru", "last", "states"])
def test_float16_weights_are_read_as_they_are(encoding):
    made = network(feature_dim=4, embed_dim=5, word_dim=3, state_dim=4, word_encoding=encoding)
    half = weights_of(made, np.float16)
    full = {name: value.astype(np.float32) for name, value in half.items()}
    ids, lengths = np.array([[1, 2, 3]]), np.array([3])
    states = np.ones((1, 3, 4), np.float32)
    found, expected = (embedded(made.config, w, ids, lengths, states) for w in (half, full))
    np.testing.assert_array_equal(found, expected)
    features = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(RegionEncoder(half)(features), RegionEncoder(full)(features))


def test_a_vector_that_embeds_to_zero_stays_zero():
    made = network(feature_dim=4, embed_dim=5)
    weights = {name: 0 * value for name, value in weights_of(made).items()}
    weights["regions.deviation"] += 1
    assert not RegionEncoder(weights)(np.ones((2, 4), np.float32)).any()

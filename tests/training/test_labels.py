"""Classes of regions are given to a network, and named by words."""

import numpy as np
import pytest
import torch
from making.label_classes import states_of

from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.errors import ConfigError
from regard.model.labels import LabelClasses
from regard.model.network import install
from regard.words.states import padded_states

NAMES = ("cat", "café table", "great white shark")


def classes(features=5):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(3, features)), rng.normal(size=3), rng.normal(size=(3, 384))
    return LabelClasses.of(NAMES, *numbers)


def network(**sizes):
    torch.manual_seed(0)
    made = MatchingModel(ModelConfig(feature_dim=5, word_encoding="states", **sizes), 9).eval()
    made.regions.mean.normal_()
    made.regions.deviation.uniform_(0.5, 2)
    return made


def test_a_network_is_given_the_classifier_of_raw_features():
    made, given = network(labels=True), classes()
    install(made, given)
    raw, names = torch.randn(4, 2, 5), torch.eye(3)
    logits = raw @ torch.from_numpy(given.weight).T + torch.from_numpy(given.bias)
    found = made.regions.labels((raw - made.regions.mean) / made.regions.deviation, names)
    expected = torch.softmax(logits, -1) @ (names - names.mean(0))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_classes_of_other_features_are_refused():
    with pytest.raises(ConfigError, match="read off 4 features; the model has 5"):
        install(network(labels=True), classes(4))


def test_a_name_has_the_mean_state_of_its_words():
    words = ["a", "photo", "of", "a", "great", "white", "shark"]
    expected = padded_states([words])[0, 5:8].mean(0)
    np.testing.assert_allclose(states_of(NAMES)[2], expected, atol=1e-5)

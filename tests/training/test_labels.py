"""Classes of regions: kept, given to a network, and named by words."""

import numpy as np
import pytest
import torch

from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.errors import CheckpointError, ConfigError
from regard.training.labels import LabelClasses, install, states_of
from regard.words.states import padded_states

NAMES = ("cat", "café table", "great white shark")


def classes(features=5):
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, features)), rng.normal(size=3)
    return LabelClasses(NAMES, weight.astype(np.float32), bias.astype(np.float32))


def network(**sizes):
    torch.manual_seed(0)
    made = MatchingModel(ModelConfig(feature_dim=5, word_encoding="states", **sizes), 9).eval()
    made.regions.mean.normal_()
    made.regions.deviation.uniform_(0.5, 2)
    return made


def test_a_file_holds_names_and_numbers_to_int8(tmp_path):
    whole = classes()
    whole.save(tmp_path / "labels.safetensors")
    kept = LabelClasses.load(tmp_path / "labels.safetensors")
    assert kept.names == NAMES
    steps = np.abs(whole.weight).max(1, keepdims=True) / 127
    assert (np.abs(kept.weight - whole.weight) <= steps / 2 + 1e-6).all()
    np.testing.assert_array_equal(kept.bias, whole.bias)
    assert kept.digest != whole.digest


def test_a_file_that_is_missing_or_torn_is_named(tmp_path):
    path = tmp_path / "labels.safetensors"
    with pytest.raises(CheckpointError, match=r"no file .*labels\.safetensors"):
        LabelClasses.load(path)
    path.write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="cannot be read"):
        LabelClasses.load(path)


def test_a_network_is_given_the_classifier_of_raw_features():
    made, given = network(labels=3), classes()
    install(made, given)
    raw = torch.randn(4, 2, 5)
    logits = raw @ torch.from_numpy(given.weight).T + torch.from_numpy(given.bias)
    names = torch.eye(3)
    found = made.regions.labels((raw - made.regions.mean) / made.regions.deviation, names)
    expected = torch.softmax(logits, -1) @ (names - names.mean(0))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_another_number_of_labels_is_refused():
    with pytest.raises(ConfigError, match=r"classes are 3 of 5 features.*Set model\.labels"):
        install(network(labels=4), classes())
    with pytest.raises(ConfigError, match="ask for none"):
        install(network(), classes())


def test_a_name_has_the_mean_state_of_its_words():
    words = ["a", "photo", "of", "a", "great", "white", "shark"]
    expected = padded_states([words])[0, 5:8].mean(0)
    np.testing.assert_allclose(states_of(NAMES)[2].numpy(), expected, atol=1e-5)

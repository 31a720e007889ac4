"""The extractor without a network counts colours and edges of the right places."""

import numpy as np
import pytest
from drawn_scenes import draw_scene
from PIL import Image

from regard.photos.decode import Photo
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import pyramid_boxes

HUES, GREYS, EDGES = 12, 5, 9
CHANNELS = HUES + GREYS + EDGES


def extract(image):
    return load_extractor("statistics")(Photo(image, *image.size))


def cells(image):
    """Squared features (region, 9 cells and the whole, channel)."""
    return extract(image).vectors.reshape(36, 10, CHANNELS) ** 2


def test_regions_are_those_of_the_photo():
    regions = extract(draw_scene(0).image.resize((300, 200)))
    extractor = load_extractor("statistics")
    assert regions.vectors.shape == (36, extractor.feature_dim)
    assert regions.vectors.dtype == np.float32
    assert regions.boxes == pytest.approx(pyramid_boxes() * [300, 200, 300, 200])
    assert (regions.width, regions.height) == (300, 200)


@pytest.mark.parametrize(
    ("colour", "channel"),
    [
        ((255, 0, 0), 0), ((255, 255, 0), 2), ((0, 255, 0), 4), ((0, 0, 255), 8),
        ((0, 0, 0), HUES), ((128, 128, 128), HUES + 2), ((255, 255, 255), HUES + GREYS - 1),
    ],
)  # fmt: skip
def test_plain_colours_fill_their_bin(colour, channel):
    regions = cells(Image.new("RGB", (120, 90), colour))
    wanted = np.zeros(CHANNELS)
    wanted[channel] = 1
    assert np.abs(regions - wanted).max() < 1e-5


@pytest.mark.parametrize(("axis", "channel"), [(1, 0), (0, EDGES // 2)])
def test_edges_have_their_direction(axis, channel):
    pixels = np.zeros((96, 96, 3), np.uint8)
    index = [slice(None), slice(None)]
    index[axis] = slice(48, None)
    pixels[tuple(index)] = 255
    edges = cells(Image.fromarray(pixels))[0, 9, HUES + GREYS :]
    near = edges[channel] + edges[channel + 1]  # a quarter turn falls between two bins
    assert near == pytest.approx(edges.sum())
    assert near > 0


def test_every_box_describes_its_own_place():
    """Against counting the pixels of each box one by one."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:, 48:] = (0, 0, 255)
    pixels[:48, :48] = (255, 0, 0)
    regions = cells(Image.fromarray(pixels))
    for box, features in zip(pyramid_boxes(), regions, strict=True):
        x1, y1, x2, y2 = np.rint(box * 96).astype(int)
        inside = pixels[y1:y2, x1:x2]
        assert features[9, 8] == pytest.approx((inside[..., 2] == 255).mean(), abs=1e-6)
        assert features[9, 0] == pytest.approx((inside[..., 0] == 255).mean(), abs=1e-6)


def test_cells_of_a_box_run_by_rows():
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[32:64, 64:] = (255, 0, 0)  # the sixth of nine
    regions = cells(Image.fromarray(pixels))[0, :9, 0]
    assert regions == pytest.approx([0, 0, 0, 0, 0, 1, 0, 0, 0], abs=1e-6)


def test_resolution_hardly_matters():
    image = draw_scene(1).image
    large = image.resize((image.width * 3, image.height * 3), Image.Resampling.BICUBIC)
    assert np.abs(extract(image).vectors - extract(large).vectors).mean() < 0.02


@pytest.mark.parametrize("size", [(8, 8), (8, 4000), (4000, 8)])
def test_any_shape_of_photo(size):
    regions = extract(Image.new("RGB", size, (10, 200, 30)))
    assert np.isfinite(regions.vectors).all()

"""Maps of photos are what the backbone gives, made once, and turn left to right."""

import numpy as np
import pytest
import torch
from PIL import Image
from small import draw

from regard.photos.decode import read_photo
from regard.regions.pyramid import network_size
from regard.training.tuning.backbone import load_backbone, pool_levels
from regard.training.tuning.photo_maps import PhotoMaps


@pytest.fixture(scope="module")
def network():
    return load_backbone()


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    sizes = [(60, 60), (90, 60), (60, 60)]
    return [draw(folder / f"{n}.png", n, size) for n, size in enumerate(sizes)]


@pytest.fixture(scope="module")
def maps(network, paths, tmp_path_factory):
    return PhotoMaps(paths, network, tmp_path_factory.mktemp("maps"), threads=1)


def straight(network, path):
    """The maps of the untuned part, made one photo at a time."""
    image = read_photo(path).image
    resized = image.resize(network_size(*image.size), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        return network.beginning((pixels.float() - 127) / 128)


def test_units_hold_what_the_backbone_gives(network, paths, maps):
    assert maps.rows_by_size == {(320, 320): [0, 2], (480, 320): [1]}
    for rows in ([0, 2], [1], [2]):
        unit = maps.unit(rows)
        for place, row in enumerate(rows):
            wanted = straight(network, paths[row])
            torch.testing.assert_close(unit.maps[place], wanted[1][0], atol=2e-3, rtol=2e-3)
            levels = pool_levels(wanted)[0]
            torch.testing.assert_close(unit.levels[place], levels, atol=2e-3, rtol=2e-3)


def test_mirrored_levels_are_those_of_the_mirrored_maps(maps):
    plain, turned = maps.unit([1]), maps.unit([1], mirrored=True)
    torch.testing.assert_close(turned.maps, plain.maps.flip(3))
    again = pool_levels([turned.maps])  # the last untuned level, pooled from the turned map
    torch.testing.assert_close(turned.levels[..., 88:], again, atol=2e-3, rtol=2e-3)


def test_maps_are_made_once_and_replaced_for_other_photos(network, paths, tmp_path):
    progress_told = []
    for wanted in (paths, paths, paths[:1]):
        PhotoMaps(
            wanted, network, tmp_path, threads=2, progress=lambda *at: progress_told.append(at)
        )
    assert progress_told[-1] == (1, 1)
    assert [at for at in progress_told if at[1] == 3] == sorted(
        {at for at in progress_told if at[1] == 3}
    )


def test_a_photo_that_changed_is_looked_at_again(network, tmp_path):
    paths = [draw(tmp_path / f"{n}.png", n) for n in range(2)]
    first = PhotoMaps(paths, network, tmp_path / "maps", threads=1).unit([0])
    draw(paths[0], 7)
    second = PhotoMaps(paths, network, tmp_path / "maps", threads=1).unit([0])
    assert not torch.equal(first.maps, second.maps)
    wanted = straight(network, paths[0])[1][0]
    torch.testing.assert_close(second.maps[0], wanted, atol=2e-3, rtol=2e-3)

"""The default extractor: 36 boxes laid over the photo, features from EfficientNet-Lite2.

One forward pass a photo; every box is the mean of 7 x 7 bilinear samples of five maps, each map
L2-normalised, concatenated to 2048 numbers, SCAN's input width. Pooling is linear in the map,
so it is one matrix product with weights that depend on the map's size only.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from regard.photos.decode import Photo
from regard.regions.backbone import WEIGHTS_TAG, load_backbone
from regard.regions.tuned import SHIPPED, apply_tuned
from regard.store.shards import Regions

SHORT_SIDE = 320
LONG_SIDE = 1600  # a panorama is squeezed to this, so that one photo cannot take all memory
_SAMPLES = 7


def _grid(cells: int, size: float) -> list[tuple[float, float, float, float]]:
    """Boxes of a relative size whose origins are spread evenly so that they fill the photo."""
    starts = np.linspace(0.0, 1.0 - size, cells)
    return [(x, y, x + size, y + size) for y in starts for x in starts]


def pyramid_boxes() -> Float[np.ndarray, "36 4"]:
    """The 36 boxes in units of the photo's width and height.

    The whole; 2 x 2 overlapping of side 0.6; 3 x 3 of 0.42; 4 x 4 of 0.3; the four halves; the
    central half and the central three quarters.
    """
    boxes = [(0.0, 0.0, 1.0, 1.0), *_grid(2, 0.6), *_grid(3, 0.42), *_grid(4, 0.3)]
    boxes += [(0, 0, 0.5, 1), (0.5, 0, 1, 1), (0, 0, 1, 0.5), (0, 0.5, 1, 1)]
    boxes += [(0.25, 0.25, 0.75, 0.75), (0.125, 0.125, 0.875, 0.875)]
    return np.array(boxes, np.float32)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # kept for callers that need gradients through the maps
def _pool_weights(height: int, width: int) -> Float[Tensor, "region place"]:
    """Weights that average 7 x 7 bilinear samples of every box of a height x width map."""
    boxes = torch.from_numpy(pyramid_boxes())
    steps = (torch.arange(_SAMPLES) + 0.5) / _SAMPLES
    across = boxes[:, 0:1] + steps * (boxes[:, 2:3] - boxes[:, 0:1])  # (R, 7)
    down = boxes[:, 1:2] + steps * (boxes[:, 3:4] - boxes[:, 1:2])
    return torch.einsum("ry,rx->ryx", _bilinear(down, height), _bilinear(across, width)).flatten(1)


def _bilinear(places: Float[Tensor, "region sample"], size: int) -> Float[Tensor, "region size"]:
    """Mean weight each cell of an axis gets from samples at places in 0..1, edges clamped."""
    exact = (places * size - 0.5).clamp(0, size - 1)
    low = exact.floor().long().clamp(max=size - 1)
    part = exact - low
    high = (low + 1).clamp(max=size - 1)
    weights = torch.zeros(len(places), size)
    weights.scatter_add_(1, low, (1 - part) / places.shape[1])
    return weights.scatter_add_(1, high, part / places.shape[1])


def pool_levels(
    maps: Sequence[Float[Tensor, "image channel row column"]],
) -> Float[Tensor, "image region feature"]:
    """Mean of every box on every map, each L2-normalised, side by side."""
    levels = []
    for found in maps:
        weights = _pool_weights(*found.shape[-2:])
        places = found.permute(0, 2, 3, 1).flatten(1, 2)  # (image, place, channel)
        levels.append(F.normalize(weights @ places, dim=-1))
    return torch.cat(levels, -1)


def network_size(width: int, height: int) -> tuple[int, int]:
    """Size a photo is resized to: short side 320, sides multiples of 32, at most 1600 long."""
    scale = SHORT_SIDE / min(width, height)
    return (
        min(LONG_SIDE, max(32, round(width * scale / 32) * 32)),
        min(LONG_SIDE, max(32, round(height * scale / 32) * 32)),
    )


UNTUNED = f"pyramid-1/efficientnet-lite2-{WEIGHTS_TAG}/short{SHORT_SIDE}"
"""Identity of the features of the backbone as its package brings it."""


def tuned_identity(tag: str) -> str:
    """Identity of the features of a tuned backbone, by the tag of its file."""
    return f"pyramid-2/efficientnet-lite2-{WEIGHTS_TAG}-{tag}/short{SHORT_SIDE}"


class PyramidExtractor:
    """EfficientNet-Lite2 features of the 36 fixed boxes.

    Args:
        tuned: file with convolutions that were tuned (`regard tune`); None leaves the network
            as its package brings it.
    """

    feature_dim = 2048
    short_side = SHORT_SIDE

    def __init__(self, tuned: Path | None = None) -> None:
        self._network = load_backbone()
        self._boxes = pyramid_boxes()
        self.identity = UNTUNED
        if tuned is not None:
            self.identity = tuned_identity(apply_tuned(self._network, tuned))

    def __call__(self, photo: Photo) -> Regions:
        """Extract the 36 regions of a photo."""
        size = network_size(photo.width, photo.height)
        resized = photo.image.resize(size, Image.Resampling.BICUBIC)
        scale = np.array([photo.width, photo.height] * 2, np.float32)
        return Regions(
            self.features(np.asarray(resized)),
            self._boxes * scale,
            np.ones(len(self._boxes), np.float32),
            photo.width,
            photo.height,
        )

    @torch.inference_mode()
    def features(self, pixels: np.ndarray) -> Float[np.ndarray, "36 2048"]:
        """Features of one photo already at network size.

        Args:
            pixels: (H, W, 3) uint8 RGB.
        """
        x = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]  # channels last in memory
        return pool_levels(self._network((x.float() - 127) / 128))[0].numpy()


def shipped() -> PyramidExtractor:
    """The extractor with the backbone that comes with the package, tuned to captions."""
    return PyramidExtractor(SHIPPED)

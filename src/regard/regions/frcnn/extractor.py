"""Photos to the regions of the Faster R-CNN: 36 with features, boxes, classes and attributes.

Labels of a region are two: number c of its class, and the number of classes plus that of its
attribute, both in the order of the lists that were published with the network.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.device import PROCESSOR, put, read, usable_device
from regard.errors import PhotoError
from regard.photos.decode import Photo
from regard.regions.frcnn.weights import read_network
from regard.shapes import Float
from regard.store.shards import RegionLabels, Regions

REGIONS = 36
SHORT_SIDE, LONG_SIDE = 800, 1333  # pixels of the network's input
_LEAST_SIDE = 32  # a ribbon is squeezed to this
_MEANS = (102.9801, 115.9465, 122.7717)  # of blue, green and red


class FrcnnExtractor:
    """Regions of the network of a file of weights.

    Args:
        weights: file, or folder that has one.
        device: where to compute.

    Raises:
        CheckpointError: the weights cannot be used.
        ConfigError: there is no such device.
    """

    at_once = 1
    short_side = 1 << 30  # every photo is decoded whole: pixels are resized as published

    def __init__(self, weights: Path, device: str = PROCESSOR) -> None:
        self._device = usable_device(device)
        network, digest = read_network(weights)
        self._network = put(network, self._device)
        self._classes = network.roi_heads.box_predictor.cls_score.out_features - 1
        self.feature_dim = network.roi_heads.box_predictor.cls_score.in_features
        self.identity = f"vg-frcnn-1/{digest}"

    def several(self, photos: Sequence[Photo]) -> list[Regions]:
        """Extract the regions of photos, one after another."""
        return [self(photo) for photo in photos]

    @torch.inference_mode()
    def __call__(self, photo: Photo) -> Regions:
        """Extract the regions of a photo.

        Raises:
            PhotoError: the network proposes nothing.
        """
        pixels = put(prepared(np.asarray(photo.image)), self._device)
        found = [read(one) for one in self._network(pixels, REGIONS)]
        features, boxes, classes, likely, attributes, attribute_likely = found
        if not len(features):
            raise PhotoError(
                f"photo of {photo.width} x {photo.height} pixels has no proposal of a region; it "
                "must have one. Leave it out."
            )
        scale = np.array([photo.width / pixels.shape[2], photo.height / pixels.shape[1]] * 2)
        labels = RegionLabels.of(
            np.stack([classes, self._classes + attributes], 1),
            np.stack([likely, attribute_likely], 1),
        )
        boxes = (boxes * scale).astype(np.float32)
        return Regions(features, boxes, likely, photo.width, photo.height, labels)


def network_size(width: int, height: int) -> tuple[int, int]:
    """Size a photo is resized to: short side 800, long side at most 1333."""
    scale = min(SHORT_SIDE / min(width, height), LONG_SIDE / max(width, height))
    return max(_LEAST_SIDE, int(width * scale + 0.5)), max(_LEAST_SIDE, int(height * scale + 0.5))


def prepared(rgb: np.ndarray) -> Float[Tensor, "3 height width"]:
    """What the network looks at: blue, green and red less their means, resized bilinearly."""
    height, width = rgb.shape[:2]
    across, down = network_size(width, height)
    bgr = torch.from_numpy(rgb[..., ::-1].copy()).float().permute(2, 0, 1)
    resized = F.interpolate(bgr[None], (down, across), mode="bilinear", align_corners=False)[0]
    return resized - torch.tensor(_MEANS)[:, None, None]

"""One photo's features from named arrays, as extractors leave them: what the names mean.

    features, x, feat, roi_features    (regions, numbers), perhaps the other way round
    bbox, boxes                        perhaps: x1, y1, x2, y2 in pixels
    norm_bb, norm_boxes, spatial_features   perhaps: the same in parts of the photo, more may follow
    image_w and image_h, width and height, img_w and img_h   perhaps: the photo's size in pixels
    num_boxes, num_bbs                 perhaps: regions; what follows them is padding

Arrays may come as base64 of float32 numbers, as in .tsv files. Boxes in parts of a photo of unknown
size are put on one of 1000 x 1000; without boxes every region lies over the whole photo. Rows of
zeros at the end are padding.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from regard.datasets.importing import regions_from
from regard.shapes import Float
from regard.store.region_store import Regions

FEATURES = ("features", "x", "feat", "roi_features")
BOXES = ("bbox", "boxes")
_PARTS = ("norm_bb", "norm_boxes", "normalized_boxes", "spatial_features")
_WIDTHS, _HEIGHTS = ("image_w", "width", "img_w"), ("image_h", "height", "img_h")
_COUNTS = ("num_boxes", "num_bbs")
_UNKNOWN = (1000, 1000)  # width and height


def regions_of_fields(fields: Mapping[str, Any]) -> Regions:
    """The regions of a photo.

    Raises:
        ValueError: says what is wrong with them.
    """
    features = _found(fields, FEATURES)
    if features is None:
        raise ValueError(f"it has none of {', '.join(FEATURES)}")
    count = _found(fields, _COUNTS)
    boxes, width, height = (_found(fields, names) for names in (BOXES, _WIDTHS, _HEIGHTS))
    if features.ndim == 1 and count is not None:
        features = features.reshape(int(count), -1)
    if boxes is not None and boxes.ndim == 1:
        boxes = boxes.reshape(-1, 4)
    size = None if width is None or height is None else (int(width), int(height))
    if boxes is None:
        boxes, size = _in_pixels(_found(fields, _PARTS), size)
    if boxes is not None and features.ndim == 2 and len(features) != len(boxes):
        features = features.T if features.shape[1] == len(boxes) else features
    if count is not None:
        features = features[: int(count)]
    features = without_padding(features)
    return regions_from(features, None if boxes is None else boxes[: len(features)], size)


def _found(fields: Mapping[str, Any], names: tuple[str, ...]) -> np.ndarray | None:
    """The first array there is of several names."""
    value = next((fields[name] for name in names if name in fields), None)
    if isinstance(value, str | bytes):
        return np.frombuffer(base64.b64decode(value, validate=True), "<f4")
    return None if value is None else np.asarray(value)


def _in_pixels(
    parts: np.ndarray | None, size: tuple[int, int] | None
) -> tuple[Float[np.ndarray, "region 4"] | None, tuple[int, int] | None]:
    """Boxes in pixels of parts of a photo, and the size of the photo they lie on."""
    if parts is None:
        return None, size
    size = size or _UNKNOWN
    return parts[:, :4] * np.array([*size, *size], np.float32), size


def without_padding(features: np.ndarray) -> np.ndarray:
    """Rows of zeros at the end are left out, but for the first row."""
    if features.ndim != 2:  # which is told as what is wrong with it
        return features
    real = np.flatnonzero(features.any(1))
    return features[: real[-1] + 1 if len(real) else 1]

"""The default extractor: 36 boxes laid over the photo, features from EfficientNet-Lite2.

One forward pass a photo; every box is the mean of 7 x 7 bilinear samples of five maps, each map
L2-normalised, concatenated to 2048 numbers, SCAN's input width. Pooling is linear in the map,
so it is one matrix product with weights that depend on the map's size only. The network with its
pooling is an ONNX file, run by onnxruntime; how it is written: `regard.training.tuning.onnx_file`.
"""

import hashlib
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from regard.errors import CheckpointError
from regard.extras import bring
from regard.photos.decode import Photo
from regard.shapes import Float, UInt8
from regard.store.shards import Regions

SHORT_SIDE = 320
LONG_SIDE = 1600  # a panorama is squeezed to this, so that one photo cannot take all memory
STRIDES = (16, 32)
"""Pixels of the photo to a cell of a map: of the first two maps, of the last three."""
BACKBONE = "backbone.onnx"
"""Name of a backbone's file; in a model's folder it is what the model was trained with."""
SHIPPED = Path(__file__).parents[1] / "weights" / BACKBONE
"""The backbone that comes with the package, tuned to captions."""
_INPUTS = ["pixels", *(f"pool{stride}" for stride in STRIDES)]
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
def pool_weights(height: int, width: int) -> Float[np.ndarray, "region place"]:
    """Weights that average 7 x 7 bilinear samples of every box of a height x width map."""
    boxes = pyramid_boxes()
    steps = (np.arange(_SAMPLES, dtype=np.float32) + 0.5) / _SAMPLES
    across = boxes[:, 0:1] + steps * (boxes[:, 2:3] - boxes[:, 0:1])  # (R, 7)
    down = boxes[:, 1:2] + steps * (boxes[:, 3:4] - boxes[:, 1:2])
    rows, columns = _bilinear(down, height), _bilinear(across, width)
    weights: Float[np.ndarray, "region y x"] = rows[:, :, None] * columns[:, None, :]
    return weights.reshape(len(boxes), -1)


def _bilinear(
    places: Float[np.ndarray, "region sample"], size: int
) -> Float[np.ndarray, "region size"]:
    """Mean weight each cell of an axis gets from samples at places in 0..1, edges clamped."""
    exact = (places * size - 0.5).clip(0, size - 1)
    nearness = 1 - np.abs(exact[:, :, None] - np.arange(size, dtype=np.float32))
    mean: Float[np.ndarray, "region size"] = nearness.clip(0).mean(1)
    return mean


def network_size(width: int, height: int) -> tuple[int, int]:
    """Size a photo is resized to: short side 320, sides multiples of 32, at most 1600 long."""
    scale = SHORT_SIDE / min(width, height)
    return (
        min(LONG_SIDE, max(32, round(width * scale / 32) * 32)),
        min(LONG_SIDE, max(32, round(height * scale / 32) * 32)),
    )


def identity_of(tag: str) -> str:
    """Identity of the features of a backbone, by the tag of its weights."""
    return f"pyramid-3/efficientnet-lite2-{tag}/short{SHORT_SIDE}"


IMAGENET_TAG = "9656183e"
"""First hex digits of the sha256 of ImageNet's weights, as their package brings them."""
UNTUNED = identity_of(IMAGENET_TAG)
"""Identity of the features of the backbone with these weights."""


class PyramidExtractor:
    """EfficientNet-Lite2 features of the 36 fixed boxes.

    One thread does a photo: many photos are shared out among processes.

    Args:
        backbone: gives the content of a backbone's file; asked once, for the first photo.
        tag: tells its weights from others.
    """

    feature_dim = 2048
    short_side = SHORT_SIDE

    def __init__(self, backbone: Callable[[], bytes], tag: str) -> None:
        self._backbone = backbone
        self._boxes = pyramid_boxes()
        self.identity = identity_of(tag)

    def __call__(self, photo: Photo) -> Regions:
        """Extract the 36 regions of a photo.

        Raises:
            CheckpointError: the backbone cannot be had, or is damaged.
        """
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

    def features(self, pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "36 2048"]:
        """Features of one photo already at network size."""
        height, width, _ = pixels.shape
        pooling = {
            f"pool{stride}": pool_weights(-(-height // stride), -(-width // stride))
            for stride in STRIDES
        }
        features: np.ndarray = self._session.run(["features"], {"pixels": pixels, **pooling})[0]
        return features

    @cached_property
    def _session(self) -> Any:
        """The network, made ready for its first photo."""
        import onnxruntime  # here, since whoever only searches needs none of it
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # photos come in many sizes; a plan kept for each took 90 MB more and no less time
        options.enable_mem_pattern = False
        options.log_severity_level = 3  # errors only
        try:
            session = onnxruntime.InferenceSession(
                self._backbone(), options, providers=["CPUExecutionProvider"]
            )
            reason = "" if _inputs(session) == _INPUTS else f"it asks for {_inputs(session)}"
        except (
            *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf),
        ) as error:
            reason = str(error)
        if reason:
            raise CheckpointError(
                f"backbone of {self.identity!r} cannot be used ({reason}); it must be a whole "
                f"{BACKBONE}. Restore the file, or make it with `regard tune`."
            )
        return session


def _inputs(session: Any) -> list[str]:
    return [one.name for one in session.get_inputs()]


def file_extractor(path: Path = SHIPPED) -> PyramidExtractor:
    """The extractor with the backbone of a file.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        return PyramidExtractor(path.read_bytes, tag_of(path))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); it must be a backbone. "
            "Restore the file, or make it with `regard tune`."
        ) from None


def imagenet_extractor() -> PyramidExtractor:
    """The extractor with the backbone as ImageNet left it, which is made where it is used."""
    return PyramidExtractor(_imagenet_backbone, IMAGENET_TAG)


def _imagenet_backbone() -> bytes:
    tuning = bring("regard.training.tuning.onnx_file", "train", "the untuned backbone")
    contents: bytes = tuning.backbone_bytes(tuning.load_backbone())
    return contents


def tag_of(path: Path) -> str:
    """First eight hex digits of a file's sha256; part of the identity of features made with it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]

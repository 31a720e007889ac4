"""Photos to a network's pixels, by Pillow alone, as a checkpoint's own processor does it.

Knows what `preprocessor_config.json` says. torchvision is not needed: results are within one step
of 255 of the reference processors.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from regard.backbones.protocol import Look
from regard.errors import CheckpointError
from regard.photos.meaning import to_rgb

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Processing:
    """What is done to a picture. Defaults are those of TIPSv2, which says nothing of its own."""

    side: int
    """Pixels of the square."""
    resample: int = Image.Resampling.BILINEAR
    crop: bool = False
    """Reduce the short side to the square's and cut the middle out, rather than squeeze all in."""
    mean: Triple = (0.0, 0.0, 0.0)
    deviation: Triple = (1.0, 1.0, 1.0)

    def __call__(self, image: Image.Image) -> Look:
        """Prepare a picture of any size and mode."""
        image = image if image.mode == "RGB" else to_rgb(image)
        frame = (0.0, 0.0, 1.0, 1.0)
        if self.crop:
            image, frame = self._middle(image)
        else:
            image = image.resize((self.side, self.side), self.resample)
        values = np.asarray(image, np.float32) / 255
        values = (values - np.array(self.mean, np.float32)) / np.array(self.deviation, np.float32)
        return Look(np.ascontiguousarray(values.transpose(2, 0, 1)), frame)

    def _middle(self, image: Image.Image) -> tuple[Image.Image, tuple[float, float, float, float]]:
        width, height = image.size
        short = min(width, height)
        reduced = int(self.side * width / short), int(self.side * height / short)
        image = image.resize(reduced, self.resample)
        left, top = ((length - self.side) // 2 for length in reduced)
        box = left, top, left + self.side, top + self.side
        x1, y1, x2, y2 = (v / s for v, s in zip(box, reduced * 2, strict=True))
        return image.crop(box), (x1, y1, x2, y2)


def read_processing(tree: dict[str, Any], side: int, default: Processing) -> Processing:
    """What a preprocessor's configuration asks for.

    Args:
        tree: the configuration; empty where a checkpoint has none.
        side: of the square that the network sees.
        default: what holds where it says nothing.

    Raises:
        CheckpointError: it asks for another size than the network sees.
    """
    size = tree.get("crop_size" if default.crop else "size", side)
    if isinstance(size, dict):
        size = size.get("height", size.get("shortest_edge", side))
    if size != side:
        raise CheckpointError(
            f"pictures are to be {size} pixels wide by preprocessor_config.json; it must be "
            f"{side}, which the network sees. Restore the checkpoint's files."
        )
    normalizes = tree.get("do_normalize", True)
    mean = tree.get("image_mean", default.mean) if normalizes else (0.0, 0.0, 0.0)
    deviation = tree.get("image_std", default.deviation) if normalizes else (1.0, 1.0, 1.0)
    return Processing(
        side=side,
        resample=int(tree.get("resample", default.resample)),
        crop=default.crop,
        mean=tuple(mean),
        deviation=tuple(deviation),
    )

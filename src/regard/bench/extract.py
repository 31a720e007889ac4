"""Photos a second through the default extractor, decoding included."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from regard.kernels.hardware import available_cores
from regard.regions.extractor import DEFAULT_EXTRACTOR
from regard.regions.pipeline import extract_stream

SIZE = (500, 375)


def photo_like(seed: int) -> Image.Image:
    """A drawn picture whose JPEG is about as large and slow to decode as a photo's."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (12, 16, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), np.int16)
    grain = rng.normal(0, 9, (SIZE[1], SIZE[0], 1))
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def measure(photos: int = 160, workers: int | None = None) -> dict[str, Any]:
    """Time `photos` JPEGs of 500 x 375 after a warm-up that starts the workers."""
    workers = workers or available_cores()
    warm = 8 * workers
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(photos + warm):
            path = Path(folder) / f"{number}.jpg"
            photo_like(number % 16).save(path, quality=90)
            paths.append((path.name, path))
        started = 0.0
        for number, _ in enumerate(extract_stream(paths, DEFAULT_EXTRACTOR, workers)):
            if number == warm - 1:
                started = time.perf_counter()
        seconds = time.perf_counter() - started
    rate = photos / seconds
    return {"photos_per_second": rate, "photos": photos, "workers": workers, "size": list(SIZE)}

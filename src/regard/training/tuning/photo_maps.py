"""What the untuned part of the backbone sees in photos, made once.

Tuning the backbone's end goes over the same photos many times; its beginning does not change, so
its last map and the regions' features on its levels are kept on disk as float16.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from regard.device import put
from regard.kernels.workers import run_tasks
from regard.photos.decode import read_photo
from regard.progress import Progress, silent
from regard.regions.pyramid import SHORT_SIDE, UNTUNED, network_size, pyramid_boxes
from regard.shapes import Float
from regard.store.artefact import made_once
from regard.training.tuning.backbone import NUM_CHANNELS, EfficientNetLite2, pool_levels

_STRIDE = 16
_AT_ONCE = 2  # photos of one size that go through the network together
_CHANNELS = NUM_CHANNELS[1]
_LEVELS = sum(NUM_CHANNELS[:2])
_ORIENTATION, _FIRST_TURNED = 0x0112, 5  # EXIF: from 5 on width and height change places


class Unit(NamedTuple):
    """Some photos of one size, as the tuned part reads them."""

    maps: Float[Tensor, "photo channel row column"]
    levels: Float[Tensor, "photo region feature"]
    """Features of the levels that are not tuned."""

    def on(self, device: "str | torch.device") -> "Unit":
        """The same on a device."""
        return Unit(*(put(part, device) for part in self))


class PhotoMaps:
    """Maps of photos by row, made on first use.

    Args:
        paths: the photos; all must be readable.
        network: the backbone as it came.
        folder: keeps the maps; those of other photos are replaced.
        threads: worker threads.
        progress: told photos done and photos in all.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        network: EfficientNetLite2,
        folder: Path,
        *,
        threads: int,
        progress: Progress = silent,
    ) -> None:
        self.number = len(paths)
        """Photos in all."""
        self.rows_by_size: dict[tuple[int, int], list[int]] = {}
        """Rows of the photos of each size (width, height) in the network."""
        for row, path in enumerate(paths):
            self.rows_by_size.setdefault(_size(path), []).append(row)
        self._place = {
            row: (size, place)
            for size, rows in self.rows_by_size.items()
            for place, row in enumerate(rows)
        }

        def make(place: Path) -> None:
            self._map(place, "w+")
            self._fill(paths, network, threads, progress)

        seen = [(str(path), (about := path.stat()).st_size, about.st_mtime_ns) for path in paths]
        self._map(made_once(folder, "maps", [seen, UNTUNED], make), "r")

    def _map(self, place: Path, mode: Literal["r", "w+"]) -> None:
        """Map the files of a folder into memory."""
        shape = (self.number, len(pyramid_boxes()), _LEVELS)
        self._levels = np.memmap(place / "levels.f16", np.float16, mode, shape=shape)
        self._maps: dict[tuple[int, int], Any] = {}
        for (width, height), rows in self.rows_by_size.items():
            whole = (len(rows), height // _STRIDE, width // _STRIDE, _CHANNELS)
            path = place / f"maps-{width}x{height}.f16"
            self._maps[width, height] = np.memmap(path, np.float16, mode, shape=whole)

    def _fill(
        self,
        paths: Sequence[Path],
        network: EfficientNetLite2,
        threads: int,
        progress: Progress,
    ) -> None:
        tasks = [
            rows[start : start + _AT_ONCE]
            for rows in self.rows_by_size.values()
            for start in range(0, len(rows), _AT_ONCE)
        ]

        def work(rows: list[int]) -> None:
            size, first = self._place[rows[0]]
            pictures = [read_photo(paths[row], SHORT_SIDE).image for row in rows]
            resized = [np.asarray(p.resize(size, Image.Resampling.BICUBIC)) for p in pictures]
            pixels = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)
            with torch.inference_mode():
                maps = network.beginning((pixels.float() - 127) / 128)
                self._levels[rows] = pool_levels(maps).numpy()
            self._maps[size][first : first + len(rows)] = maps[-1].permute(0, 2, 3, 1).numpy()

        done = np.cumsum([len(rows) for rows in tasks])
        run_tasks(tasks, work, threads, lambda n, _: progress(int(done[n - 1]), len(paths)))
        for array in (self._levels, *self._maps.values()):
            array.flush()

    def unit(self, rows: Sequence[int], *, mirrored: bool = False) -> Unit:
        """Photos of one size; mirrored, their maps are turned left to right."""
        size, _ = self._place[rows[0]]
        places = [self._place[row][1] for row in rows]
        maps = torch.from_numpy(self._maps[size][places]).float().permute(0, 3, 1, 2)
        levels = torch.from_numpy(self._levels[list(rows)]).float()
        return Unit(maps.flip(3), levels[:, _mirrored_boxes()]) if mirrored else Unit(maps, levels)


@cache
def _mirrored_boxes() -> list[int]:
    """Which box each box falls on when a photo is turned left to right."""
    boxes = pyramid_boxes()
    turned = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], 1)
    return [int(np.abs(boxes - box).sum(1).argmin()) for box in turned]


def _size(path: Path) -> tuple[int, int]:
    """Size in the network of a photo, whose pixels are not read."""
    with Image.open(path) as photo:
        turned = photo.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
        return network_size(*(photo.size[::-1] if turned else photo.size))

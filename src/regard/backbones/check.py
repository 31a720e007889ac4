"""Whether a backbone does here what it should: on the sample photos, and how long it takes.

The order that is expected and the boxes were drawn by hand on photos that ship with the package;
no answer of any backbone has gone into them.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regard.backbones.loading import configurations, shaped
from regard.backbones.model import BackboneModel
from regard.backbones.windows import boxes_of, inside
from regard.errors import CheckpointError
from regard.explain.maps import heat_map, map_grid, peak, region_scores
from regard.photos.decode import read_photo
from regard.photos.samples import FOLDER, SENTENCES
from regard.store import json_files

PHOTOS = ("astronaut.jpg", "cat.jpg", "coffee.jpg", "camera.jpg", "rocket.jpg", "brick-wall.jpg")
"""The photo that each of the samples' sentences describes."""
BOXES = Path(__file__).with_name("boxes.json")
_CELLS = 64  # along the longer side of a map


class Pointed(NamedTuple):
    """Where a word of a sentence was looked for."""

    photo: str
    word: str
    is_inside: bool
    """Whether the brightest place of its map is in its box."""
    chance: float
    """Part of the photo that the box covers."""


class Checked(NamedTuple):
    """What a backbone did on the sample photos."""

    ranks: dict[str, int]
    """Of the right photo among all of them, from 1, by sentence."""
    pointed: list[Pointed]
    seconds: float
    """A photo, decoded already, alone, after the first."""
    precision: str
    """In which photos are seen here."""

    @property
    def found_first(self) -> int:
        """Sentences whose own photo came first."""
        return sum(rank == 1 for rank in self.ranks.values())


def check(model: BackboneModel) -> Checked:
    """Ask a backbone for the sample photos."""
    paths = sorted(FOLDER.glob("*.jpg"))
    images = model.encode_images(paths)
    similarities = model.similarity(images, SENTENCES)
    names = [path.name for path in paths]
    ranks = {}
    for row, (sentence, photo) in enumerate(zip(SENTENCES, PHOTOS, strict=True)):
        right = similarities[names.index(photo), row]
        ranks[sentence] = 1 + int((similarities[:, row] > right).sum())
    pointed = [_point(model, **row) for row in json.loads(BOXES.read_text(encoding="utf-8"))]
    return Checked(ranks, pointed, measure(model), model.extractor.precision)


def _point(model: BackboneModel, photo: str, sentence: str, word: str, box: list[float]) -> Pointed:
    explanation = model.explain_photo(FOLDER / photo, sentence)
    width, height = explanation.size
    asked = next(one for one in explanation.words if one.word == word)
    grid = map_grid(explanation.size, _CELLS)
    heat = heat_map(region_scores([asked]), explanation.boxes, explanation.size, grid)
    x, y = peak(heat, explanation.size)
    x1, y1, x2, y2 = box
    is_inside = x1 <= x / width <= x2 and y1 <= y / height <= y2
    return Pointed(photo, word, is_inside, (x2 - x1) * (y2 - y1))


def measure(model: BackboneModel) -> float:
    """Seconds that one photo takes, and remember it for `regard models`."""
    photo = read_photo(FOLDER / "coffee.jpg", model.extractor.short_side)
    return _time(model.source, lambda: model.extractor(photo))


def measure_shape(name: str) -> float:
    """The same of a known backbone that is not here: random weights of its shape, in float32."""
    backbone = shaped(configurations()[name])
    photo = read_photo(FOLDER / "coffee.jpg", backbone.side).image
    windows = inside(boxes_of("pyramid", backbone.cells), backbone.cells)
    return _time(name, lambda: backbone.see(backbone.look(photo).pixels[None], windows))


def _time(name: str, see: Callable[[], object]) -> float:
    """The quicker of two turns, after a first."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        see()
        times.append(time.perf_counter() - began)
    seconds = float(np.min(times[1:]))
    json_files.write(_speeds(), {**measured(), name: round(seconds, 4)})
    return seconds


def measured() -> dict[str, float]:
    """Seconds a photo on this machine, as far as they were measured, by backbone."""
    if not _speeds().is_file():
        return {}
    try:
        tree = json_files.read(_speeds(), "what was measured of backbones", "Delete it.")
    except CheckpointError:
        return {}  # a cache, which is measured again
    return {str(name): float(value) for name, value in tree.items()}


def _speeds() -> Path:
    from platformdirs import user_cache_path

    folder = user_cache_path("regard")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "backbones.json"

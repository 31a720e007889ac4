"""Drawn scenes with known truth: coloured shapes on textured grounds, captions, phrase boxes.

A scene has two to four shapes that differ in colour or kind, so that every phrase names one of
them, and marks that no caption speaks of. The same seed and number give the same scene. On disk
a set of scenes is a folder of photos, a caption file and a file of phrases in the form of
Flickr30k Entities, so everything that takes real data takes scenes.

Knows nothing of features or models.
"""

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

COLOURS = {
    "red": (206, 38, 42),
    "orange": (242, 132, 24),
    "yellow": (246, 216, 40),
    "green": (30, 150, 64),
    "blue": (34, 78, 196),
    "purple": (134, 44, 158),
    "white": (246, 246, 246),
    "black": (22, 22, 24),
}
KINDS = ("circle", "square", "triangle", "star", "cross", "ring")
GROUNDS = {
    "sand": (206, 188, 150),
    "water": (134, 168, 184),
    "grass": (126, 150, 104),
    "bricks": (176, 128, 112),
    "stone": (148, 148, 150),
}
_SIDES = {"small": (0.18, 0.26), "large": (0.32, 0.42)}  # of the photo's short side
_OVERSAMPLING = 4
_COVERED = [255 * (value > 127) for value in range(256)]
_ATTEMPTS = 200  # at placing a shape or at finding a caption not used yet
_GAP = 4.0  # pixels between shapes
_SPLITS = (*["train"] * 8, "val", "test")  # of scene number modulo 10


class Shape(NamedTuple):
    """One drawn shape."""

    kind: str
    colour: str
    size: str
    """small or large."""
    box: Box
    """Tight around the drawn pixels."""

    @property
    def centre(self) -> tuple[float, float]:
        """X and y of the box's centre."""
        x1, y1, x2, y2 = self.box
        return (x1 + x2) / 2, (y1 + y2) / 2


class Phrase(NamedTuple):
    """A noun phrase of a caption and what it names."""

    text: str
    first_word: int
    """Which white-space word of the caption it begins with, from 0."""
    shape: int | None
    """Index into the scene's shapes; None for the ground, whose box is the whole photo."""


class SceneCaption(NamedTuple):
    """A true sentence about a scene."""

    sentence: str
    phrases: tuple[Phrase, ...]


class Scene(NamedTuple):
    """A drawn photo with everything that is true of it."""

    name: str
    split: str
    """train, val or test: eight, one and one in ten."""
    image: Image.Image
    ground: str
    shapes: tuple[Shape, ...]
    captions: tuple[SceneCaption, ...]

    def box(self, phrase: Phrase) -> Box:
        """The true box of a phrase, in pixels."""
        if phrase.shape is None:
            return (0.0, 0.0, float(self.image.width), float(self.image.height))
        return self.shapes[phrase.shape].box


class SceneFiles(NamedTuple):
    """A set of scenes on disk."""

    images: Path
    """Folder of the photos."""
    captions: Path
    """JSONL of file, caption and split."""
    phrases: Path
    """JSONL in the form of Flickr30k Entities: captions with phrases, boxes in 0..1."""


def split_of(number: int) -> str:
    """Which split a scene is of."""
    return _SPLITS[number % len(_SPLITS)]


def draw_scene(number: int, seed: int = 0, captions: int = 5) -> Scene:
    """Draw one scene.

    Args:
        number: which scene of the seed's endless row; also decides its split.
        captions: distinct sentences wanted; a scene has dozens of possible ones.
    """
    rng = np.random.default_rng((seed, number))
    width, height = (int(side) for side in rng.integers(160, 257, 2))
    ground = str(rng.choice(list(GROUNDS)))
    canvas = _draw_ground(ground, width, height, rng)
    _draw_marks(canvas, rng)
    shapes: list[Shape] = []
    for kind, colour in _distinct_looks(int(rng.integers(2, 5)), rng):
        drawn = _draw_shape(canvas, kind, colour, [shape.box for shape in shapes], rng)
        if drawn is not None:
            shapes.append(drawn)
    return Scene(
        f"scene-{number:05d}.png",
        split_of(number),
        canvas,
        ground,
        tuple(shapes),
        _captions(shapes, ground, captions, rng),
    )


def write_scenes(folder: Path, count: int, seed: int = 0, captions: int = 5) -> SceneFiles:
    """Write scenes 0 to count - 1 as photos, a caption file and a phrase file."""
    files = SceneFiles(folder / "images", folder / "captions.jsonl", folder / "phrases.jsonl")
    files.images.mkdir(parents=True, exist_ok=True)
    with (
        files.captions.open("w", encoding="utf-8") as caption_file,
        files.phrases.open("w", encoding="utf-8") as phrase_file,
    ):
        for number in range(count):
            scene = draw_scene(number, seed, captions)
            scene.image.save(files.images / scene.name, compress_level=1)
            for caption in scene.captions:
                row = {"file": scene.name, "caption": caption.sentence, "split": scene.split}
                caption_file.write(json.dumps(row) + "\n")
            phrase_file.write(json.dumps(_entities(scene)) + "\n")
    return files


def _entities(scene: Scene) -> dict[str, object]:
    """A scene's phrases as a record of Flickr30k Entities; ids are shape numbers, or "ground"."""
    width, height = scene.image.size

    def record(phrase: Phrase) -> dict[str, object]:
        name, kind = ("ground", "ground") if phrase.shape is None else (str(phrase.shape), "shape")
        return {
            "id": name,
            "types": [kind],
            "phrase": phrase.text,
            "first_word": phrase.first_word,
        }

    boxes = {str(number): shape.box for number, shape in enumerate(scene.shapes)}
    return {
        "file": scene.name,
        "split": scene.split,
        "width": width,
        "height": height,
        "captions": [
            {"caption": c.sentence, "phrases": [record(p) for p in c.phrases]}
            for c in scene.captions
        ],
        "boxes_norm": {
            name: [[round(v / s, 5) for v, s in zip(box, (width, height) * 2, strict=True)]]
            for name, box in boxes.items()
        }
        | {"ground": [[0.0, 0.0, 1.0, 1.0]]},
        "scene": ["ground"],
        "nobox": [],
    }


# ---- drawing


def _noise(width: int, height: int, cell: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise around 0, of about -1 to 1, its blobs `cell` pixels wide and high."""
    columns, rows = (max(2, side // of) for side, of in zip((width, height), cell, strict=True))
    coarse = Image.fromarray(rng.uniform(-1, 1, (rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _draw_ground(ground: str, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """A textured ground, a little different every time."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    fine = rng.uniform(-1, 1, (height, width))
    if ground == "sand":
        relief = 9 * fine + 6 * _noise(width, height, (30, 30), rng)
    elif ground == "water":
        bend = 4 * _noise(width, height, (40, 40), rng)
        relief = 14 * np.sin((y + bend) / rng.uniform(2.2, 3.2)) + 3 * fine
    elif ground == "grass":
        relief = 22 * _noise(width, height, (2, 9), rng) + 4 * fine
    elif ground == "bricks":
        row = y // 14
        mortar = (y % 14 < 2) | ((x + 13 * (row % 2)) % 26 < 2)
        relief = 34 * mortar + 5 * fine + 5 * _noise(width, height, (26, 14), rng)
    else:
        relief = 16 * _noise(width, height, (12, 12), rng) + 5 * fine
    tint = rng.uniform(-8, 8, 3)
    pixels = np.array(GROUNDS[ground]) + tint + relief[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _draw_marks(canvas: Image.Image, rng: np.random.Generator) -> None:
    """A few short dark lines that no caption speaks of."""
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(3, 9))):
        x, y = rng.uniform(0, canvas.width), rng.uniform(0, canvas.height)
        dx, dy = rng.uniform(-14, 14, 2)
        shade = tuple(int(v * 0.7) for v in canvas.getpixel((int(x), int(y))))  # type: ignore[union-attr]
        draw.line((x, y, x + dx, y + dy), fill=shade, width=2)


def _distinct_looks(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Kinds and colours of the shapes of a scene, no two alike in both."""
    looks = [(kind, colour) for kind in KINDS for colour in COLOURS]
    return [looks[i] for i in rng.choice(len(looks), count, replace=False)]


def _draw_shape(
    canvas: Image.Image, kind: str, colour: str, taken: list[Box], rng: np.random.Generator
) -> Shape | None:
    """Draw a shape where it touches no other; None where there is no room."""
    size = str(rng.choice(list(_SIDES)))
    side = rng.uniform(*_SIDES[size]) * min(canvas.size)
    turn = rng.uniform(-0.25, 0.25)
    for _ in range(_ATTEMPTS):
        x = rng.uniform(2, canvas.width - side - 2)
        y = rng.uniform(2, canvas.height - side - 2)
        if any(_touch((x, y, x + side, y + side), other) for other in taken):
            continue
        mask = _mask(kind, canvas.size, (x, y), side, turn)
        shade = rng.uniform(-10, 10, 3) + np.array(COLOURS[colour])
        canvas.paste(tuple(int(v) for v in shade.clip(0, 255)), (0, 0), mask)
        drawn = mask.point(_COVERED).getbbox()
        assert drawn is not None  # a shape covers many pixels
        return Shape(kind, colour, size, tuple(float(v) for v in drawn))  # type: ignore[arg-type]
    return None


def _touch(a: Box, b: Box) -> bool:
    return not (
        a[2] + _GAP < b[0] or b[2] + _GAP < a[0] or a[3] + _GAP < b[1] or b[3] + _GAP < a[1]
    )


def _mask(
    kind: str, size: tuple[int, int], corner: tuple[float, float], side: float, turn: float
) -> Image.Image:
    """Coverage of a shape whose square of `side` has its top left at `corner`, smooth edges."""
    k = _OVERSAMPLING
    big = Image.new("L", (size[0] * k, size[1] * k))
    draw = ImageDraw.Draw(big)
    centre, radius = (np.array(corner) + side / 2) * k, side / 2 * k
    if kind in ("circle", "ring"):
        draw.ellipse((*(centre - radius), *(centre + radius)), fill=255)
        if kind == "ring":
            draw.ellipse((*(centre - 0.55 * radius), *(centre + 0.55 * radius)), fill=0)
    else:
        corners = centre + radius * _corners(kind, turn)
        draw.polygon([(float(x), float(y)) for x, y in corners], fill=255)
    return big.resize(size, Image.Resampling.BOX)


def _corners(kind: str, turn: float) -> Float[np.ndarray, "corner 2"]:
    """Corners of a shape within the unit circle, turned by some radians."""
    if kind == "cross":
        arm, half = 0.95, 0.3
        quarter = np.array([(half, half), (arm, half), (arm, -half)])
        spins = [
            np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
            for a in (turn - step * np.pi / 2 for step in range(4))
        ]
        return np.concatenate([quarter @ spin for spin in spins])
    count = {"square": 4, "triangle": 3, "star": 10}[kind]
    start = {"square": np.pi / 4, "triangle": -np.pi / 2, "star": -np.pi / 2}[kind]
    angles = start + turn + 2 * np.pi * np.arange(count) / count
    radii = np.where(np.arange(count) % 2, 0.42, 1.0) if kind == "star" else np.ones(count)
    corners: Float[np.ndarray, "corner 2"] = radii[:, None] * np.stack(
        [np.cos(angles), np.sin(angles)], 1
    )
    return corners


# ---- captions


def _captions(
    shapes: list[Shape], ground: str, count: int, rng: np.random.Generator
) -> tuple[SceneCaption, ...]:
    """Distinct true sentences; fewer only where the scene has no more to say."""
    by_key: dict[str, SceneCaption] = {}
    for _ in range(_ATTEMPTS * max(count, 1)):
        if len(by_key) == count:
            break
        caption = _caption(shapes, ground, rng)
        by_key.setdefault(caption.sentence, caption)
    return tuple(by_key.values())


def _caption(shapes: list[Shape], ground: str, rng: np.random.Generator) -> SceneCaption:
    """One sentence from a random template about one or two random shapes."""
    first, second = rng.choice(len(shapes), 2, replace=False) if len(shapes) > 1 else (0, 0)
    a, b = _describe(shapes, int(first), rng), _describe(shapes, int(second), rng)
    on = Phrase(f"the {ground}", 0, None)
    between = _relation(shapes[first], shapes[second])
    one: list[list[str | Phrase]] = [[a, "on", on], ["there is", a], [on, "with", a]]
    two: list[list[str | Phrase]] = [
        [a, "and", b],
        [a, "is", between, b],
        [a, between, b, "on", on],
        [a, "and", b, "on", on],
        ["there is", a, between, b],
    ]
    templates = one + two + two if len(shapes) > 1 else one  # most speak of two shapes
    return _join(templates[rng.integers(len(templates))])


def _describe(shapes: list[Shape], index: int, rng: np.random.Generator) -> Phrase:
    """A phrase that fits this shape alone: colour and kind, kind alone if unique, perhaps size."""
    shape = shapes[index]
    words = [shape.colour, shape.kind]
    if sum(other.kind == shape.kind for other in shapes) == 1 and rng.random() < 0.25:
        words = [shape.kind]
    if rng.random() < 0.3:
        words = [shape.size, *words]
    article = "an" if words[0][0] in "aeiou" else "a"
    return Phrase(" ".join([article, *words]), 0, index)


def _relation(a: Shape, b: Shape) -> str:
    """Where the first stands, seen from the second, along the axis they are further apart on."""
    dx, dy = (first - second for first, second in zip(a.centre, b.centre, strict=True))
    if abs(dx) > abs(dy):
        return "left of" if dx < 0 else "right of"
    return "above" if dy < 0 else "below"


def _join(parts: list[str | Phrase]) -> SceneCaption:
    """Parts in a row, with each phrase's place counted in words."""
    texts = [part.text if isinstance(part, Phrase) else part for part in parts]
    starts = itertools.accumulate((len(text.split()) for text in texts), initial=0)
    phrases = tuple(
        part._replace(first_word=start)
        for part, start in zip(parts, starts, strict=False)
        if isinstance(part, Phrase)
    )
    return SceneCaption(" ".join(texts), phrases)

"""Draws docs/images/failures.jpg: sample photos and false sentences the default model prefers.

    python docs/make_failures.py

Every pair below was written before it was tried; what is drawn are those the model gets wrong, the
surest first, and how many it gets right is printed. Needs the sample photos of scikit-image; only
those in the public domain are used.
"""

import sys
import tempfile
import textwrap
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import ImageOps

from regard.model.model import load
from regard.photos.decode import read_photo
from regard.photos.samples import copy_samples

PLACE = Path(__file__).parent / "images/failures.jpg"
DRAWN, COLUMNS = 8, 4
CELL, PIXELS = (2.6, 2.9), (480, 360)  # inches; of a photo


class Pair(NamedTuple):
    """A photo, a sentence that is true of it, and one that is not."""

    photo: str
    true: str
    false: str


PAIRS = (
    Pair("cat.png", "one cat", "two cats"),
    Pair("cat.png", "a cat lies indoors", "a dog lies indoors"),
    Pair("cat.png", "an orange cat", "a black cat"),
    Pair("coins.png", "many coins in rows", "one coin"),
    Pair("coins.png", "old coins on a dark ground", "children play in the snow"),
    Pair("coffee.png", "a spoon beside a cup", "a spoon in a cup"),
    Pair("coffee.png", "a cup of coffee without milk", "a cup of coffee with milk"),
    Pair("coffee.png", "a red saucer under a cup", "a cup on a blue saucer"),
    Pair("astronaut.png", "a woman in front of a flag", "a man in front of a flag"),
    Pair("astronaut.png", "a flag left of a woman", "a flag right of a woman"),
    Pair("astronaut.png", "an astronaut in an orange suit", "an astronaut in a white suit"),
    Pair("astronaut.png", "a model of a rocket behind a woman", "a rocket takes off"),
    Pair("camera.png", "a man looks into a camera", "a camera looks at a man"),
    Pair("camera.png", "a black and white photo of a man", "a colour photo of a man"),
    Pair("camera.png", "a man with a camera on a tripod", "a man rides a bicycle"),
    Pair("rocket.jpg", "a rocket on a launch pad", "a lighthouse by the sea"),
    Pair("rocket.jpg", "a rocket that stands still", "a firework in the night"),
    Pair("moon.png", "craters on the moon", "waves on the sea"),
    Pair("galaxies.jpg", "galaxies in space", "fireworks in the night"),
    Pair("clock.png", "a clock on a wall", "a wheel of a bicycle"),
    Pair("clock.png", "a blurred photo of a clock", "a sharp photo of a clock"),
    Pair("brick-wall.png", "a wall of bricks", "a sandy beach"),
    Pair("grass.png", "grass and nothing else", "a dog on grass"),
)


def main() -> None:
    """Score all pairs and draw the mistakes."""
    model = load()
    with tempfile.TemporaryDirectory() as folder:
        photos = {path.name: path for path in copy_samples(Path(folder))}
        pairs = [pair for pair in PAIRS if pair.photo in photos]
        names = sorted({pair.photo for pair in pairs})
        images = model.encode_images([photos[name] for name in names])
        sentences = [sentence for pair in pairs for sentence in pair[1:]]
        scores = model.similarity(images, model.encode_captions(sentences))
        found = []
        for number, pair in enumerate(pairs):
            true, false = scores[names.index(pair.photo), 2 * number : 2 * number + 2]
            found.append((float(false - true), pair, float(true), float(false)))
        wrong = sorted((row for row in found if row[0] > 0), reverse=True)
        sys.stdout.write(f"{len(found) - len(wrong)} of {len(found)} pairs right\n")
        draw(wrong[:DRAWN], photos)


def draw(wrong: list[tuple[float, Pair, float, float]], photos: dict[str, Path]) -> None:
    """The photos, each with the sentence the model prefers above the true one."""
    rows = -(-len(wrong) // COLUMNS)
    width, height = COLUMNS * CELL[0], rows * CELL[1]
    figure = Figure((width, height), dpi=100, facecolor="white")
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    page.set_axis_off()
    for place, (_, pair, true, false) in enumerate(wrong):
        row, column = divmod(place, COLUMNS)
        x, y = column * CELL[0] + 0.1, row * CELL[1] + 0.1
        photo = ImageOps.fit(read_photo(photos[pair.photo]).image, PIXELS)
        page.imshow(photo, extent=(x, x + CELL[0] - 0.2, y + 1.8, y), aspect="auto")
        for line, said in enumerate((f"✗ {false:.2f} {pair.false}", f"✓ {true:.2f} {pair.true}")):
            text = textwrap.fill(said, 33, subsequent_indent="   ")
            colour = "#1a1a1a" if line else "#b3400a"
            page.text(x, y + 1.9 + 0.42 * line, text, fontsize=9.5, color=colour, va="top")
    figure.savefig(PLACE, pil_kwargs={"quality": 85})
    sys.stdout.write(f"{PLACE}\n")


if __name__ == "__main__":
    main()

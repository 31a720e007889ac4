"""Draws docs/images/failures.jpg: sample photos and false sentences the default model prefers.

    python docs/make_failures.py

Every pair below was written before it was tried; what is drawn are those the model gets wrong, the
surest first, and how many it gets right is printed.
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
    Pair("cat.jpg", "one cat", "two cats"),
    Pair("cat.jpg", "a cat lies indoors", "a dog lies indoors"),
    Pair("cat.jpg", "an orange cat", "a black cat"),
    Pair("coffee.jpg", "a spoon beside a cup", "a spoon in a cup"),
    Pair("coffee.jpg", "a cup of coffee without milk", "a cup of coffee with milk"),
    Pair("coffee.jpg", "a red saucer under a cup", "a cup on a blue saucer"),
    Pair("astronaut.jpg", "a woman in front of a flag", "a man in front of a flag"),
    Pair("astronaut.jpg", "a flag left of a woman", "a flag right of a woman"),
    Pair("astronaut.jpg", "an astronaut in an orange suit", "an astronaut in a white suit"),
    Pair("astronaut.jpg", "a model of a rocket behind a woman", "a rocket takes off"),
    Pair("camera.jpg", "a man looks into a camera", "a camera looks at a man"),
    Pair("camera.jpg", "a black and white photo of a man", "a colour photo of a man"),
    Pair("camera.jpg", "a man with a camera on a tripod", "a man rides a bicycle"),
    Pair("rocket.jpg", "a rocket on a launch pad", "a lighthouse by the sea"),
    Pair("rocket.jpg", "a rocket that stands still", "a firework in the night"),
    Pair("portrait.jpg", "a woman in a uniform", "a man in a uniform"),
    Pair("portrait.jpg", "an old woman with glasses", "a young woman without glasses"),
    Pair("galaxies.jpg", "galaxies in space", "fireworks in the night"),
    Pair("clock.jpg", "a clock on a wall", "a wheel of a bicycle"),
    Pair("clock.jpg", "a blurred photo of a clock", "a sharp photo of a clock"),
    Pair("brick-wall.jpg", "a wall of bricks", "a sandy beach"),
    Pair("grass.jpg", "grass and nothing else", "a dog on grass"),
    Pair("gravel.jpg", "many small stones", "waves on the sea"),
)


def main() -> None:
    """Score all pairs and draw the mistakes."""
    model = load()
    with tempfile.TemporaryDirectory() as folder:
        photos = {path.name: path for path in copy_samples(Path(folder))}
        names = sorted({pair.photo for pair in PAIRS})
        images = model.encode_images([photos[name] for name in names])
        sentences = [sentence for pair in PAIRS for sentence in pair[1:]]
        scores = model.similarity(images, model.encode_captions(sentences))
        found = []
        for number, pair in enumerate(PAIRS):
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

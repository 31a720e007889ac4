"""How well a model finds scenes by captions, and how well its words point at shapes."""

import numpy as np
from tests.drawn_scenes import COLOURS, GROUNDS, KINDS, draw_scene, write_scenes
from typer.testing import CliRunner

import regard
from regard.cli.main import app
from regard.explain.maps import heat_map, map_grid, peak, region_scores
from regard.words.function_words import names_something

CELLS = 32  # along the longer side of a map
CAPTIONS = 5  # of a scene that is calibrated on
LOOKS = {"colour": COLOURS, "kind": KINDS, "ground": GROUNDS}
"""What is said of a shape, and the words for it."""


def scenes_of(count, seed=7):
    """Scenes that no training has seen."""
    return [draw_scene(number, seed) for number in range(count)]


def image_recall(model, scenes):
    """Captions, one a scene, whose own scene is the most similar; in per cent."""
    images = model.encode_images([scene.image for scene in scenes])
    captions = model.encode_captions([scene.captions[0].sentence for scene in scenes])
    similarities = model.similarity(images, captions)
    return 100 * float((similarities.argmax(0) == np.arange(len(scenes))).mean())


def pointing(model, scenes):
    """Phrases whose brightest place is in their shape's box, and the boxes' part of the photos.

    Both in per cent; one caption a scene.
    """
    inside, chance = [], []
    for scene in scenes:
        caption = scene.captions[0]
        explanation = model.explain_photo(scene.image, caption.sentence)
        words = explanation.sentence_words
        grid = map_grid(explanation.size, CELLS)
        for phrase in caption.phrases:
            if phrase.shape is None:
                continue
            last = phrase.first_word + len(phrase.text.split())
            asked = [w for w in words[phrase.first_word : last] if names_something(w.word)]
            heat = heat_map(region_scores(asked), explanation.boxes, explanation.size, grid)
            x, y = peak(heat, explanation.size)
            x1, y1, x2, y2 = scene.box(phrase)
            inside.append(x1 <= x <= x2 and y1 <= y <= y2)
            chance.append((x2 - x1) * (y2 - y1) / (scene.image.width * scene.image.height))
    return 100 * float(np.mean(inside)), 100 * float(np.mean(chance))


def calibrate(folder, place):
    """A model in a folder, calibrated on scenes that are written to a place."""
    files = write_scenes(place / "scenes", 300, seed=8, captions=CAPTIONS)
    regions = place / "regions"
    made = ["--images", files.images, "--out", regions, "--extractor", f"backbone:{folder}"]
    data = ["--data", files.captions, "--regions", regions, "--split", "train", "--json"]
    for command in (["extract", files.captions, *made], ["calibrate", folder, *data]):
        done = CliRunner().invoke(app, [str(one) for one in command])
        assert done.exit_code == 0, done.output
    return regard.load(folder)


def is_seen(shape, image, frame):
    """Whether a shape's middle is in the part of a photo that a network sees."""
    x, y = (place / side for place, side in zip(shape.centre, image.size, strict=True))
    return frame[0] <= x < frame[2] and frame[1] <= y < frame[3]


def supports(model, scenes, absent=None):
    """Support of a shape's colour and kind and of the ground, (scene, 3), as a sentence names them.

    Args:
        absent: which of the three is exchanged for one that the scene does not show.
    """
    rows = []
    for number, scene in enumerate(scenes):
        frame = model.backbone.look(scene.image).frame
        shape = next((one for one in scene.shapes if is_seen(one, scene.image, frame)), None)
        if shape is None:
            continue
        said = {"colour": shape.colour, "kind": shape.kind, "ground": scene.ground}
        shown = {scene.ground, *(word for one in scene.shapes for word in (one.colour, one.kind))}
        if absent:
            others = [word for word in LOOKS[absent] if word not in shown]
            said[absent] = others[number % len(others)]
        sentence = f"a {said['colour']} {said['kind']} on the {said['ground']}"
        found = {w.word: w.support for w in model.explain_photo(scene.image, sentence).words}
        rows.append([found[word] for word in said.values()])
    return np.array(rows)

"""How well a model finds scenes by captions, and how well its words point at shapes."""

import numpy as np

from regard.explain.maps import heat_map, map_grid, peak, region_scores
from regard.words.function_words import names_something

CELLS = 32  # along the longer side of a map


def scenes_of(count, seed=7):
    """Scenes that no training has seen."""
    from tests.drawn_scenes import draw_scene

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

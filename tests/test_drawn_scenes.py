"""Drawn scenes: the same every time, and everything said of them is true."""

import json

import numpy as np
import pytest
from drawn_scenes import COLOURS, GROUNDS, KINDS, draw_scene, write_scenes
from PIL import Image

from regard.datasets.captions import load_captions

SCENES = [draw_scene(number, seed=7) for number in range(30)]
PHRASES = [
    (scene, caption, phrase)
    for scene in SCENES
    for caption in scene.captions
    for phrase in caption.phrases
]


def pixels(scene):
    return np.asarray(scene.image, np.float64)


def test_the_same_seed_and_number_give_the_same_scene():
    again = draw_scene(3, seed=7)
    assert again._replace(image=None) == SCENES[3]._replace(image=None)
    assert (pixels(again) == pixels(SCENES[3])).all()
    for other in (draw_scene(3, seed=8), draw_scene(4, seed=7)):
        assert other.captions != again.captions


def test_scenes_are_various():
    shapes = [shape for scene in SCENES for shape in scene.shapes]
    assert {shape.kind for shape in shapes} == set(KINDS)
    assert {shape.colour for shape in shapes} == set(COLOURS)
    assert {shape.size for shape in shapes} == {"small", "large"}
    assert {scene.ground for scene in SCENES} == set(GROUNDS)
    assert {len(scene.shapes) for scene in SCENES} >= {2, 3, 4}
    assert len({scene.image.size for scene in SCENES}) > 20


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_boxes_are_tight_around_the_drawn_shapes(scene):
    image = pixels(scene)
    for shape in scene.shapes:
        x1, y1, x2, y2 = (int(v) for v in shape.box)
        assert 0 <= x1 < x2 <= scene.image.width
        assert 0 <= y1 < y2 <= scene.image.height
        near = np.abs(image - COLOURS[shape.colour]).max(2) < 45
        rows, columns = np.nonzero(near[y1:y2, x1:x2])
        assert columns.min() <= 2
        assert columns.max() >= x2 - x1 - 3
        assert rows.min() <= 2
        assert rows.max() >= y2 - y1 - 3


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_shapes_do_not_touch_and_differ_in_look(scene):
    assert len({(shape.kind, shape.colour) for shape in scene.shapes}) == len(scene.shapes)
    for n, a in enumerate(scene.shapes):
        for b in scene.shapes[:n]:
            apart = (a.box[0] >= b.box[2] or b.box[0] >= a.box[2]
                     or a.box[1] >= b.box[3] or b.box[1] >= a.box[3])  # fmt: skip
            assert apart


def test_phrases_stand_where_they_say():
    assert len(PHRASES) > 200
    for _, caption, phrase in PHRASES:
        words = caption.sentence.split()[phrase.first_word :]
        assert words[: len(phrase.text.split())] == phrase.text.split()


def test_every_phrase_fits_its_shape_and_no_other():
    for scene, _, phrase in PHRASES:
        words = set(phrase.text.split()) - {"a", "an", "the"}
        fitting = [
            number
            for number, shape in enumerate(scene.shapes)
            if words <= {shape.kind, shape.colour, shape.size}
        ]
        if phrase.shape is None:
            assert words == {scene.ground}
            assert scene.box(phrase) == (0, 0, *scene.image.size)
        else:
            assert fitting == [phrase.shape]
            assert scene.box(phrase) == scene.shapes[phrase.shape].box


def test_relations_are_true():
    seen = set()
    for scene in SCENES:
        for caption in scene.captions:
            named = [scene.shapes[p.shape].centre for p in caption.phrases if p.shape is not None]
            for relation, axis, sign in (
                ("left of", 0, -1), ("right of", 0, 1), ("above", 1, -1), ("below", 1, 1),
            ):  # fmt: skip
                if relation in caption.sentence:
                    first, second = named
                    difference = first[axis] - second[axis]
                    assert difference * sign > 0
                    assert abs(difference) >= abs(first[1 - axis] - second[1 - axis])
                    seen.add(relation)
    assert len(seen) == 4


@pytest.mark.parametrize("count", [1, 3, 12])
def test_as_many_distinct_captions_as_asked_for(count):
    for number in range(5):
        sentences = [caption.sentence for caption in draw_scene(number, captions=count).captions]
        assert len(sentences) == len(set(sentences)) == count


def test_files_hold_what_was_drawn(tmp_path):
    files = write_scenes(tmp_path / "scenes", 20, seed=7, captions=3)
    drawn = [draw_scene(number, seed=7, captions=3) for number in range(20)]
    splits = {split: load_captions(files.captions, split) for split in ("train", "val", "test")}
    assert {split: len(split_captions.photos) for split, split_captions in splits.items()} == {
        "train": 16, "val": 2, "test": 2,
    }  # fmt: skip
    sentences = [c.sentence for scene in drawn if scene.split == "val" for c in scene.captions]
    assert list(splits["val"].sentences) == sentences
    with Image.open(files.images / drawn[5].name) as image:
        assert (np.asarray(image) == pixels(drawn[5])).all()
    rows = [json.loads(line) for line in files.phrases.read_text().splitlines()]
    assert [row["file"] for row in rows] == [scene.name for scene in drawn]
    for row, scene in zip(rows, drawn, strict=True):
        assert (row["width"], row["height"]) == scene.image.size
        assert row["split"] == scene.split
        for line, caption in zip(row["captions"], scene.captions, strict=True):
            assert line["caption"] == caption.sentence
            for record, phrase in zip(line["phrases"], caption.phrases, strict=True):
                assert record["phrase"] == phrase.text
                assert record["first_word"] == phrase.first_word
                assert record["types"] == ["ground" if phrase.shape is None else "shape"]
                (box,) = row["boxes_norm"][record["id"]]
                assert np.multiply(box, scene.image.size * 2) == pytest.approx(
                    scene.box(phrase), abs=0.01
                )

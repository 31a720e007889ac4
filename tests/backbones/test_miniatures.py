"""Miniatures that have learned from drawn scenes, through the code that real weights go through.

`python -m making.miniatures tests/backbones/miniatures` made them. What random weights cannot show
is shown here: scenes are found, words point, and an absent word is told from one that is there.
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.learned import image_recall, pointing, scenes_of
from tests.cli.conftest import invoke
from tests.drawn_scenes import COLOURS, GROUNDS, KINDS, write_scenes

import regard
from regard.backbones.loading import load_backbone
from regard.backbones.model import BackboneModel
from regard.backbones.settings import Choice
from regard.backbones.tips import Tips
from regard.explain.explanation import UNSUPPORTED
from regard.indexing import update_index
from regard.search import Index

HERE = Path(__file__).parent / "miniatures"
FAMILIES = sorted(path.name for path in HERE.iterdir() if path.is_dir())
SCENES = 100
RECALL, POINTING = 10, 3  # times chance


@pytest.fixture(scope="module")
def scenes():
    return scenes_of(SCENES)


@pytest.fixture(params=FAMILIES)
def model(request):
    return regard.load(HERE / request.param)


def test_they_are_small():
    sizes = [path.stat().st_size for path in HERE.rglob("*") if path.is_file()]
    assert sum(sizes) <= 2e6


def test_scenes_are_found_by_their_captions(model, scenes):
    assert image_recall(model, scenes) >= RECALL * 100 / SCENES


def test_words_point_at_the_shapes_they_name(model, scenes):
    right, chance = pointing(model, scenes)
    assert right >= POINTING * chance


def test_a_grid_points_too(scenes):
    right, chance = pointing(regard.load(f"{HERE / 'tipsv2'}:grid"), scenes[:40])
    assert right >= POINTING * chance


def test_the_value_path_points_better_than_the_last_block_as_it_is(scenes):
    choice = Choice(str(HERE / "tipsv2"))
    loaded = load_backbone(choice)
    parts = loaded.backbone._network, loaded.backbone._tokenizer, {}
    ordinary = BackboneModel(choice, loaded._replace(backbone=Tips(*parts, by_values=False)))
    by_values = BackboneModel(choice, loaded)
    assert pointing(by_values, scenes)[0] > 1.5 * pointing(ordinary, scenes)[0]


def test_shares_sum_to_the_similarity_and_an_index_finds_the_same(model, scenes, tmp_path):
    for number, scene in enumerate(scenes[:20]):
        scene.image.save(tmp_path / f"{number:02}.png")
    update_index(tmp_path / "index", tmp_path, model)
    sentences = [scene.captions[0].sentence for scene in scenes[:5]]
    similarities = model.similarity([scene.image for scene in scenes[:20]], sentences)
    with Index.open(tmp_path / "index", model) as index:
        for column, sentence in enumerate(sentences):
            hits = index.search(sentence, 3).hits
            best = np.sort(similarities[:, column])[:-4:-1]
            assert [hit.similarity for hit in hits] == pytest.approx(best.tolist(), abs=2e-3)
            for hit in hits:
                explained = hit.explain()
                total = sum(word.share for word in explained.words)
                assert total == pytest.approx(explained.similarity, abs=1e-5)
                assert explained.similarity == pytest.approx(hit.similarity, abs=2e-3)


def test_half_size_vectors_leave_ranks_as_they_are(model, scenes, tmp_path):
    """But for photos whose similarities are the same to three digits."""
    for number, scene in enumerate(scenes):
        scene.image.save(tmp_path / f"{number:02}.png")
    sizes = []
    for name, compressed in (("whole", False), ("half", True)):
        update_index(tmp_path / name, tmp_path, model, compressed=compressed)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / name).glob("*.safetensors")))
    assert sizes[1] < 0.75 * sizes[0]  # boxes, which are as large as these short vectors, stay
    with Index.open(tmp_path / "whole") as whole, Index.open(tmp_path / "half") as half:
        for scene in scenes[:20]:
            sentence = scene.captions[0].sentence
            told = {hit.photo.path: hit.similarity for hit in whole.search(sentence, SCENES).hits}
            ranked = np.array([told[hit.photo.path] for hit in half.search(sentence, SCENES).hits])
            assert len(ranked) == SCENES
            assert (np.maximum.accumulate(ranked[::-1])[::-1] - ranked).max() < 5e-3


def supports(model, scenes):
    """Support of words that are there, and of some that are not: shapes' looks, and the ground."""
    looks, kinds = ([], []), ([], [])
    for scene in scenes:
        shown = {word for shape in scene.shapes for word in (shape.colour, shape.kind)}
        shown.add(scene.ground)
        shape = scene.shapes[0]
        there = shape.colour, shape.kind, scene.ground
        absent = (next(w for w in some if w not in shown) for some in (COLOURS, KINDS, GROUNDS))
        for row, (colour, kind, ground) in enumerate((there, absent)):
            said = f"a {colour} {kind} on the {ground}"
            support = {w.word: w.support for w in model.explain_photo(scene.image, said).words}
            looks[row].extend((support[colour], support[ground]))
            kinds[row].append(support[kind])
    return np.array(looks), np.array(kinds)


@pytest.mark.slow
def test_after_calibration_an_absent_word_has_no_support(model, tmp_path, monkeypatch, scenes):
    """Colours and grounds. Kinds of shape none of them has learned to see: those are doubted."""
    monkeypatch.chdir(tmp_path)
    files = write_scenes(tmp_path / "scenes", 300, seed=8, captions=3)
    folder = model.source
    data = ["--data", files.captions, "--regions", "regions"]
    made = ["--images", files.images, "--out", "regions", "--extractor", f"backbone:{folder}"]
    assert invoke("extract", files.captions, *made).exit_code == 0
    done = invoke("calibrate", folder, *data, "--split", "train", "--json")
    assert done.exit_code == 0, done.output
    (there, absent), kinds = supports(regard.load(folder), scenes)
    assert absent.mean() < UNSUPPORTED < 0.6 < there.mean()
    assert (there < UNSUPPORTED).mean() < 0.05
    assert (absent < UNSUPPORTED).mean() > 0.6
    assert (kinds[0] < UNSUPPORTED).mean() < 0.05


@pytest.fixture(scope="module")
def drawn():
    """What miniatures learn from."""
    making = pytest.importorskip("making.miniatures")
    return making.draw(range(making.SCENES), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "steps"), [("clip", 500), ("siglip", 900), ("tipsv2", 600)])
def test_a_miniature_can_be_made_again(family, steps, drawn, tmp_path, scenes):
    """As the committed one was, if in fewer steps; half of what that must reach is enough."""
    making = pytest.importorskip("making.miniatures")
    from tests.backbones.tiny import write

    network, tokenizer = making.train(family, drawn, steps, quick=family == "tipsv2")
    write(tmp_path, family, network.half(), tokenizer, making.SIDE)
    model = regard.load(tmp_path)
    assert image_recall(model, scenes) >= RECALL / 2 * 100 / SCENES
    right, chance = pointing(model, scenes)
    assert right >= POINTING / 2 * chance

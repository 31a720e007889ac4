"""Miniatures that have learned from drawn scenes, through the code that real weights go through.

`python -m making.miniatures tests/backbones/miniatures` made them. What random weights cannot show
is shown here: scenes are found, words point, and an absent word is told from one that is there.
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.learned import LOOKS, calibrate, image_recall, pointing, scenes_of, supports

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
SCENES, SOME = 100, 40
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
    right, chance = pointing(regard.load(f"{HERE / 'tipsv2'}:grid"), scenes[:SOME])
    assert right >= POINTING * chance


def test_the_value_path_points_better_than_the_last_block_as_it_is(scenes):
    """Which misses more than twice as many phrases."""
    choice = Choice(str(HERE / "tipsv2"))
    loaded = load_backbone(choice)
    parts = loaded.backbone._network, loaded.backbone._tokenizer, {}
    ordinary = BackboneModel(choice, loaded._replace(backbone=Tips(*parts, by_values=False)))
    by_values = BackboneModel(choice, loaded)
    right, ordinarily = pointing(by_values, scenes)[0], pointing(ordinary, scenes)[0]
    assert 100 - ordinarily > 2 * (100 - right)


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
    for number, scene in enumerate(scenes[:SOME]):
        scene.image.save(tmp_path / f"{number:02}.png")
    sizes = []
    for name, compressed in (("whole", False), ("half", True)):
        update_index(tmp_path / name, tmp_path, model, compressed=compressed)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / name).glob("*.safetensors")))
    assert sizes[1] < 0.75 * sizes[0]  # boxes, which are as large as these short vectors, stay
    with Index.open(tmp_path / "whole") as whole, Index.open(tmp_path / "half") as half:
        for scene in scenes[:10]:
            sentence = scene.captions[0].sentence
            told = {hit.photo.path: hit.similarity for hit in whole.search(sentence, SOME).hits}
            ranked = np.array([told[hit.photo.path] for hit in half.search(sentence, SOME).hits])
            assert len(ranked) == SOME
            assert (np.maximum.accumulate(ranked[::-1])[::-1] - ranked).max() < 5e-3


@pytest.mark.slow
def test_after_calibration_an_absent_word_has_no_support(model, tmp_path, monkeypatch, scenes):
    """Colours, kinds of shape and grounds, each where all else that is said is true."""
    monkeypatch.chdir(tmp_path)
    calibrated = calibrate(model.source, tmp_path)
    there = supports(calibrated, scenes)
    assert (there < UNSUPPORTED).mean() < 0.05
    for place, look in enumerate(LOOKS):
        absent = supports(calibrated, scenes, look)[:, place]
        assert absent.mean() < UNSUPPORTED < 0.6 < there[:, place].mean()
        assert (absent < UNSUPPORTED).mean() > 0.6


@pytest.fixture(scope="module")
def drawn():
    """Half of what miniatures learn from."""
    making = pytest.importorskip("making.miniatures")
    return making.draw(range(making.SCENES // 2), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_miniature_can_be_made_again(family, drawn, tmp_path, scenes):
    """As the committed one was, if in fewer steps; half of what that must reach is enough."""
    making = pytest.importorskip("making.miniatures")
    from tests.backbones.tiny import write

    network, tokenizer = making.train(family, drawn, (250, 250, 0))
    write(tmp_path, family, network.half(), tokenizer, making.SIDE)
    model = regard.load(tmp_path)
    assert image_recall(model, scenes) >= RECALL / 2 * 100 / SCENES
    right, chance = pointing(model, scenes)
    assert right >= POINTING / 2 * chance

"""The whole way on drawn scenes: extract, train, evaluate, index, search, explain.

Every step is the command a user types. What is learned is compared with chance, which is
measured here rather than assumed.
"""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from drawn_scenes import draw_scene, split_of, write_scenes
from PIL import Image

from regard.core.metrics import retrieval
from regard.explain.maps import heat_map, peak, region_scores
from regard.model.model import load
from regard.regions.statistics import StatisticsExtractor
from regard.search import Index
from tests.cli.conftest import invoke

SCENES, CAPTIONS = 160, 4
HELD_OUT = [n for n in range(SCENES) if split_of(n) != "train"]
RECIPE = f"""
about = "Drawn scenes, in seconds."
[model]
feature_dim = {StatisticsExtractor.feature_dim}
embed_dim = 64
word_dim = 32
region_mlp = true
[model.scoring]
direction = "t2i"
pooling = "mean"
[training]
epochs = 8
batch_size = 64
learning_rate = 4e-3
schedule = "cosine"
warmup_steps = 20
mask_same_photo = true
triplet_weight = 0.015625
contrastive_weight = 1.0
contrastive_epochs = 1
standardize = true
min_count = 1
"""


class Story(NamedTuple):
    """What the earlier chapters left on disk."""

    photos: Path
    captions: Path
    regions: Path
    model: Path
    index: Path


def told(*arguments):
    """What a command says in JSON."""
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    files = write_scenes(folder / "scenes", SCENES, captions=CAPTIONS)
    regions, run, index = folder / "regions", folder / "run", folder / "index"
    extracted = told(
        "extract", files.captions, "--images", files.images, "--out", regions,
        "--extractor", "statistics", "--workers", 1,
    )  # fmt: skip
    assert extracted["photos"] == SCENES
    recipe = folder / "scenes.toml"
    recipe.write_text(RECIPE)
    trained = told(
        "train", "--data", files.captions, "--regions", regions, "--out", run, "--recipe", recipe
    )
    album = folder / "album"
    album.mkdir()
    for number in HELD_OUT:
        shutil.copy(files.images / f"scene-{number:05d}.png", album)
    told("index", album, "--index", index, "--model", trained["model"], "--workers", 1)
    return Story(album, files.captions, regions, Path(trained["model"]), index)


def chance_rsum(photos):
    """Mean rSum of random similarities."""
    generator = torch.Generator().manual_seed(0)
    image_of_caption = torch.arange(photos).repeat_interleave(CAPTIONS)
    return np.mean(
        [
            retrieval(
                torch.rand(photos, photos * CAPTIONS, generator=generator), image_of_caption
            ).rsum
            for _ in range(20)
        ]
    )


def test_retrieval_on_unseen_scenes_is_far_above_chance(story):
    tree = told(
        "evaluate", "--model", story.model, "--data", story.captions,
        "--regions", story.regions, "--split", "test",
    )  # fmt: skip
    assert (tree["images"], tree["captions"]) == (SCENES // 10, SCENES // 10 * CAPTIONS)
    assert tree["rsum"] > 1.5 * chance_rsum(SCENES // 10)


def test_a_sentence_finds_its_photo(story):
    ranks = []
    with Index.open(story.index) as index:
        for number in HELD_OUT:
            for caption in draw_scene(number, captions=CAPTIONS).captions:
                hits = index.search(caption.sentence, k=len(HELD_OUT)).hits
                names = [hit.photo.path.name for hit in hits]
                assert len(names) == len(HELD_OUT)
                ranks.append(names.index(f"scene-{number:05d}.png"))
    by_chance = (len(HELD_OUT) - 1) / 2
    assert np.mean(ranks) < by_chance / 2


def test_search_score_and_explain_agree(story, tmp_path):
    sentence = draw_scene(HELD_OUT[0]).captions[0].sentence
    best = told("search", sentence, "--index", story.index, "-k", 1)[0]
    assert sum(word["share"] for word in best["words"]) == pytest.approx(
        best["similarity"], abs=2e-3
    )
    figure = tmp_path / "why.png"
    explained = told("explain", best["photo"], sentence, "--out", figure, "--model", story.model)
    scored = told("score", best["photo"], sentence, "--model", story.model)
    assert explained["similarity"] == pytest.approx(scored["similarity"], abs=1e-5)
    assert best["similarity"] == pytest.approx(scored["similarity"], abs=2e-3)  # stored in float16
    assert [word["word"] for word in explained["words"]] == ["<start>", *sentence.split(), "<end>"]
    with Image.open(figure) as image:
        assert image.width > 800


def inside(point, box):
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def test_words_look_at_what_they_name(story):
    """Most attended region and heat map against a random region, on scenes never trained on."""
    model = load(story.model)
    by_chance, attended, mapped = [], [], []
    for number in HELD_OUT:
        scene = draw_scene(number, captions=CAPTIONS)
        for caption in scene.captions:
            why = model.explain_photo(scene.image, caption.sentence)
            middles = (why.boxes[:, :2] + why.boxes[:, 2:]) / 2
            for phrase in caption.phrases:
                if phrase.shape is None:
                    continue  # the ground is everywhere
                box = scene.box(phrase)
                last = phrase.first_word + len(phrase.text.split())
                words = why.sentence_words[phrase.first_word + 1 : last]
                by_chance.append(np.mean([inside(middle, box) for middle in middles]))
                weights = np.mean([word.attention for word in words], axis=0)
                attended.append(inside(middles[weights.argmax()], box))
                heat = heat_map(region_scores(words), why.boxes, why.size, (48, 48))
                mapped.append(inside(peak(heat, why.size), box))
    chance = np.mean(by_chance)
    assert len(by_chance) > 100
    assert 0.05 < chance < 0.2  # the boxes are neither specks nor everything
    assert np.mean(attended) > 3 * chance
    assert np.mean(mapped) > 3.5 * chance

"""Whole-set similarity, ensembles, kept similarities and the report."""

from pathlib import Path

import numpy as np
import pytest
from tests.small import random_checkpoint

from regard.core.attention import similarity as core_similarity
from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring
from regard.datasets.captions import Captions
from regard.datasets.dataset import Dataset, open_dataset
from regard.datasets.folders import PrecompDataset
from regard.errors import CheckpointError, ConfigError, DataError, ShapeError
from regard.evaluation import similarity
from regard.evaluation.ensemble import SimilarityCache, combine
from regard.evaluation.report import Judge
from regard.evaluation.similarity import dataset_similarity
from regard.model.model import Model
from regard.words.vocabulary import Vocabulary

FEATURES = 6
SENTENCES = (
    *("a dog", "a dog runs", "two men talk.", "it is red", "a long walk in the old town at night"),
    *("one", "a boat, a bird and a hat", "birds fly", "men run", "a red hat"),
)


def dataset(images: int = 5, regions: int = 4) -> PrecompDataset:
    """Ragged regions: the second photo has two."""
    array = np.random.default_rng(3).random((images, regions, FEATURES), np.float32)
    array[1, 2:] = 0
    names = tuple(map(str, range(images)))
    captions = Captions(names, SENTENCES[: 2 * images], np.repeat(np.arange(images), 2))
    return PrecompDataset(captions, array, np.arange(images))


def small_model(seed: int = 0, extractor: str = "", **scoring: object) -> Model:
    vocabulary = Vocabulary.build(SENTENCES, 1)
    config = ModelConfig(feature_dim=FEATURES, embed_dim=8, word_dim=5, scoring=Scoring(**scoring))
    return Model(random_checkpoint(config, vocabulary, extractor, seed))


def plainly(model: Model, data: Dataset) -> np.ndarray:
    """All similarities in one call of the readable truth."""
    features, counts = data.gather(range(len(data.captions.photos)))
    words = model.encode_captions(data.captions.sentences)
    regions = model.encode_features(features, counts)
    region_mask = np.arange(features.shape[1])[None] < counts[:, None]
    word_mask = np.arange(words.vectors.shape[1])[None] < words.lengths[:, None]
    return core_similarity(regions, words.vectors, region_mask, word_mask, model.scoring)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("scorer", ["attention", "pooled"])
def test_tiles_give_what_one_call_gives(
    monkeypatch: pytest.MonkeyPatch, direction: str, scorer: str
) -> None:
    model, data = small_model(direction=direction, scorer=scorer), dataset()
    expected = plainly(model, data)
    np.testing.assert_allclose(dataset_similarity(model, data), expected, atol=2e-6)
    monkeypatch.setattr(similarity, "_PHOTOS_AT_ONCE", 2)
    monkeypatch.setattr(similarity, "_captions_at_once", lambda *_: 3)
    progress_told: list[tuple[int, int]] = []
    tiled = dataset_similarity(model, data, lambda done, total: progress_told.append((done, total)))
    np.testing.assert_allclose(tiled, expected, atol=2e-6)
    assert progress_told == [(0, 10), (3, 10), (6, 10), (9, 10), (10, 10)]


def test_features_of_another_kind_are_refused() -> None:
    wide = PrecompDataset(dataset().captions, np.ones((5, 4, 7), np.float32), np.arange(5))
    with pytest.raises(CheckpointError, match="features have 7 numbers; the model needs 6"):
        dataset_similarity(small_model(), wide)
    other = PrecompDataset(dataset().captions, dataset().array, np.arange(5), producer="theirs")
    with pytest.raises(CheckpointError, match="made by 'theirs'; the model needs those of 'ours'"):
        dataset_similarity(small_model(extractor="ours"), other)
    assert dataset_similarity(small_model(), other).shape == (5, 10)


def test_a_photo_with_features_that_are_not_finite_is_named() -> None:
    data = dataset()
    data.array[3, 2, 1] = np.nan
    with pytest.raises(ShapeError, match="features of photo '3' are not finite"):
        dataset_similarity(small_model(), data)
    with pytest.raises(ShapeError, match="features of photo '3' are not finite"):
        similarity.embed_photos(small_model(), data, range(2, 5))


# ---- ensembles


def test_raw_ensemble_is_the_mean_and_zscore_gives_equal_votes() -> None:
    random = np.random.default_rng(0)
    small, large = random.random((3, 4), np.float32), 100 * random.random((3, 4), np.float32)
    np.testing.assert_allclose(combine([small, large]), (small + large) / 2)
    standard = [(m - m.mean()) / m.std() for m in (small, large)]
    np.testing.assert_allclose(combine([small, large], "zscore"), sum(standard) / 2, atol=1e-5)
    np.testing.assert_allclose(
        combine([small, 7 * large + 3], "zscore"), combine([small, large], "zscore"), atol=1e-5
    )


def test_one_model_is_left_as_it_is() -> None:
    scores = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert combine([scores], "zscore") is scores


def test_matrices_that_cannot_be_averaged_are_refused() -> None:
    good = np.ones((2, 3), np.float32)
    with pytest.raises(ShapeError, match="must have shape"):
        combine([good, good.T])
    with pytest.raises(ShapeError, match="finite"):
        combine([good, good * np.nan])
    with pytest.raises(ConfigError, match="combine is 'median'"):
        combine([good, good], "median")


def test_report_of_two_models_is_that_of_their_mean_similarity() -> None:
    data, pair = dataset(), [small_model(0), small_model(1)]
    progress_told: list[tuple[int, int]] = []
    report = Judge().evaluate(
        pair, data, Path("x"), "val", lambda done, total: progress_told.append((done, total))
    )
    assert (report.models, report.images, report.captions) == (2, 5, 10)
    assert progress_told[-1] == (20, 20)
    assert [done for done, _ in progress_told] == sorted(done for done, _ in progress_told)
    mean = (dataset_similarity(pair[0], data) + dataset_similarity(pair[1], data)) / 2
    best = mean.argmax(0)
    recall = 100 * (best == data.captions.photo_of_caption).mean()
    assert report.tree()["text_to_image"]["R@1"] == pytest.approx(recall)


# ---- kept similarities


def test_similarities_are_kept_and_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(cache=SimilarityCache(tmp_path / "kept"))
    data, pair = dataset(), [small_model(0), small_model(1)]
    first = judge.evaluate(pair, data, Path("x"), "val")
    assert len(list((tmp_path / "kept").glob("similarity-*.npy"))) == 2

    def never(*_: object) -> None:
        raise AssertionError("it was computed again")

    monkeypatch.setattr("regard.evaluation.report.dataset_similarity", never)
    assert judge.evaluate(pair, data, Path("x"), "val") == first


def test_another_model_scoring_caption_or_feature_is_another_file(tmp_path: Path) -> None:
    cache, data = SimilarityCache(tmp_path), dataset()
    base = cache.path(small_model(0), data)
    assert cache.path(small_model(0), dataset()) == base
    changed = PrecompDataset(data.captions, data.array * 2, np.arange(5))
    fewer = dataset(4)
    others = {
        cache.path(small_model(1), data),
        cache.path(small_model(0, lambda_softmax=4.0), data),
        cache.path(small_model(0), changed),
        cache.path(small_model(0), fewer),
    }
    assert len(others | {base}) == 5


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    cache = SimilarityCache(tmp_path)
    path = cache.path(small_model(), dataset())
    cache.save(path, np.ones((5, 10), np.float32))
    np.testing.assert_array_equal(cache.load(path), np.ones((5, 10)))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="Remove it"):
        cache.load(path)


def test_five_folds_of_a_folder_are_five_small_galleries(tmp_path: Path) -> None:
    """coco-1k-5fold equals five evaluations of a thousand photos each."""
    random = np.random.default_rng(0)
    features = random.random((5000, 1, FEATURES), np.float32)
    np.save(tmp_path / "testall_ims.npy", features)
    words = sorted({word for sentence in SENTENCES for word in sentence.split()})
    lines = [" ".join(random.choice(words, 3)) for _ in range(5000)]
    (tmp_path / "testall_caps.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "testall_ids.txt").write_text("".join(f"{n}\n" for n in range(5000)))
    data, model = open_dataset(tmp_path, "testall"), small_model()
    tree = Judge("coco-1k-5fold").evaluate([model], data, tmp_path, "testall").tree()
    by_hand = []
    for first in range(0, 5000, 1000):
        own, each = slice(first, first + 1000), np.arange(1000)
        captions = Captions(tuple(map(str, each)), tuple(lines[own]), each)
        scores = dataset_similarity(model, PrecompDataset(captions, features[own], each))
        ranks = (scores >= scores.diagonal()[:, None]).sum(1)
        by_hand.append(100 * (ranks <= 10).mean())
    assert tree["image_to_text"]["R@10"] == pytest.approx(np.mean(by_hand))
    assert (tree["images"], tree["captions"], tree["protocol"]) == (5000, 5000, "coco-1k-5fold")

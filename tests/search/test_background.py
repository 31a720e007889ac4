"""Searches with a model that has a background: hubs are lowered, alike by every way to score."""

import numpy as np
import pytest
from stores import DIM, by_hand, fill, queries, unit

from regard.core.scoring import Scoring
from regard.evaluation.similarity import score_tile
from regard.indexing import update_index
from regard.model.background import Background
from regard.model.model import load
from regard.search import Index, Query, mean_files, rank_captions, scoring, shortlist
from regard.search.mean_files import write_means
from regard.search.scoring import PhotoScorer
from regard.search.shortlist import Shortlist
from regard.store.region_store import RegionStore

MEAN = Scoring(pooling="mean")


@pytest.fixture
def background():
    generator = np.random.default_rng(3)
    return Background.of(unit(generator, 90, DIM), unit(generator, 80, DIM))


@pytest.fixture
def store(tmp_path):
    with RegionStore(tmp_path / "store", "test", DIM, writable=True) as opened:
        for shard in range(3):
            fill(opened, np.random.default_rng(shard), [f"{shard}-{n}" for n in range(9)])
        yield opened


def discounts(store, keys, background):
    means = np.stack([np.asarray(store[key].vectors, np.float32).mean(0) for key in keys])
    return background.photo_discounts(means)


@pytest.mark.parametrize("few", [0, 1000], ids=["ready", "plain"])
def test_photos_are_lowered_by_their_discounts(store, background, monkeypatch, few):
    monkeypatch.setattr(scoring, "_FEW", few)
    keys, asked = list(store), queries(np.random.default_rng(1))
    wanted = by_hand(store, keys, asked, MEAN) - 0.4 * discounts(store, keys, background)
    scorer = PhotoScorer(store, MEAN, background)
    for k in (5, 5, 99):
        best = scorer.best(keys, asked, k, 0.4)
        order = np.argsort(-wanted, kind="stable")[:k]
        assert [key for key, _ in best] == [keys[row] for row in order]
        assert [value for _, value in best] == pytest.approx(wanted[order], abs=3e-6)
    raw = dict(scorer.best(keys, asked, 99))
    assert [raw[key] for key in keys] == pytest.approx(by_hand(store, keys, asked, MEAN), abs=3e-6)


def test_a_shortlist_lowers_them_too(store, background, monkeypatch):
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 0)
    monkeypatch.setattr(shortlist, "_BY_GROUPS", 0.0)
    keys, asked = list(store), queries(np.random.default_rng(1))
    query = sum(weight * vectors.mean(0) for weight, vectors in asked)
    means = [np.asarray(store[key].vectors, np.float64).mean(0) for key in keys]
    cosine = np.array([mean @ query / np.linalg.norm(mean) for mean in means])
    for share in (0.0, 0.5, 1.0):
        lowered = cosine - share * 1.5 * discounts(store, keys, background)
        wanted = {keys[row] for row in np.argsort(-lowered)[:8]}
        nearest = Shortlist(store, background).nearest(keys, asked, 8, share)
        assert len(wanted & set(nearest)) >= 7  # means are kept in int8


@pytest.mark.parametrize(("limit", "kind"), [(0, "means"), (50_000, "discounts")])
def test_discounts_are_kept_and_follow_the_background(store, background, monkeypatch, limit, kind):
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", limit)
    keys = list(store)
    wanted = discounts(store, keys, background)
    write_means(store)  # of a model without a background
    listed = Shortlist(store, background)
    np.testing.assert_allclose(listed.discounts(keys), wanted, atol=1e-6)
    np.testing.assert_allclose(listed.discounts(keys[4:20:3]), wanted[4:20:3], atol=1e-6)
    assert not Shortlist(store).discounts(keys).any()
    write_means(store, background)
    files = {path.name.partition("-")[0] for path in store.folder.glob("*.safetensors")}
    assert files == {"shard", kind}
    monkeypatch.setattr(mean_files, "make", None)  # would fail if called
    np.testing.assert_allclose(Shortlist(store, background).discounts(keys), wanted, atol=1e-6)


@pytest.fixture
def model(model_folder):
    """The small model with a background that lowers photos and sentences by much."""
    matcher = load(model_folder)
    generator = np.random.default_rng(5)
    matcher.background = Background.of(
        *(np.abs(generator.normal(size=(60, matcher.dim))) for _ in range(2))
    )
    return matcher


@pytest.fixture
def index(photos, model, tmp_path):
    update_index(tmp_path / "index", photos, model, workers=1)
    with Index.open(tmp_path / "index", model) as opened:
        yield opened


def test_search_evaluation_and_explanation_agree(index, model):
    for sentence in ("a red dog on the beach", "the cat"):
        hits = index.search(sentence, 9).hits
        assert len(hits) == 6
        images = model.encode_images([hit.photo.path for hit in hits])
        captions = model.encode_captions([sentence])
        similarities = model.similarity(images, captions)[:, 0]
        assert [hit.similarity for hit in hits] == pytest.approx(similarities, abs=1e-3)  # float16
        tile = score_tile(model, images.vectors, images.counts, captions)[:, 0]
        np.testing.assert_array_equal(tile, similarities)
        for hit, similarity in zip(hits, similarities, strict=True):
            for why in (hit.explain(), model.explain_photo(hit.photo.path, sentence)):
                assert why.similarity == pytest.approx(similarity, abs=1e-3)
                assert sum(word.share for word in why.words) == pytest.approx(why.similarity)
            assert hit.explain().similarity == pytest.approx(hit.similarity, abs=1e-5)


def test_a_hit_is_lowered_by_the_discounts_of_its_photo_and_its_sentence(index, model):
    raw = {hit.photo.id: hit.similarity for hit in plainly(index, "a red dog")}
    lowered = {hit.photo.id: hit.similarity for hit in index.search("a red dog", 9).hits}
    images = {key: np.asarray(index.regions(key).vectors, np.float32) for key in raw}
    words = model.encode_captions(["a red dog"]).vectors[0]
    of_sentence = model.background.sentence_discounts(words.mean(0)[None], np.array([len(words)]))
    for key, regions in images.items():
        of_photo = model.background.photo_discounts(regions.mean(0)[None])
        assert raw[key] - lowered[key] == pytest.approx(
            (len(words) / 6 * of_photo + of_sentence)[0], abs=1e-5
        )


def plainly(index, query):
    """Hits without the background."""
    bare = load(index.model.source)
    with Index.open(index.folder, bare) as opened:
        return opened.search(query, 9).hits


def test_weights_of_parts_hold_for_discounts(index, photos):
    parts = {
        text: {hit.photo.id: hit.similarity for hit in index.search(text, 9).hits}
        for text in ("a red dog", "the beach", "a red dog; 0.5: the beach; -1: a leash", "a leash")
    }
    mixed = parts.pop("a red dog; 0.5: the beach; -1: a leash")
    for key, similarity in mixed.items():
        dog, beach, leash = (parts[text][key] for text in ("a red dog", "the beach", "a leash"))
        assert similarity == pytest.approx((dog + 0.5 * beach - leash) / 2.5, abs=1e-5)


def test_photos_that_ask_are_not_lowered(index, photos):
    query = Query(like=(photos / "0.png",))
    bare = {hit.photo.id: hit.similarity for hit in plainly(index, query)}
    assert {hit.photo.id: hit.similarity for hit in index.search(query, 9).hits} == bare


def test_sentences_for_a_photo_are_lowered(model, photos):
    sentences = ["a red dog", "the cat on the beach"]
    by_sentence = {
        one.sentence: one.similarity for one in rank_captions(model, photos / "0.png", sentences)
    }
    images, captions = model.encode_images([photos / "0.png"]), model.encode_captions(sentences)
    wanted = model.similarity(images, captions)[0]
    assert [by_sentence[sentence] for sentence in sentences] == pytest.approx(wanted, abs=1e-6)

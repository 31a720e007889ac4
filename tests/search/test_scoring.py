"""The fast way finds what the plain way finds, with the same numbers."""

import numpy as np
import pytest
from stores import DIM, by_hand, fill, queries, unit

from regard.core.scoring import Scoring
from regard.search import scoring as scoring_module
from regard.search.scoring import PhotoScorer
from regard.store.region_store import Regions, RegionStore

ALIKE = Scoring(pooling="mean")


@pytest.fixture
def store(tmp_path):
    generator = np.random.default_rng(0)
    with RegionStore(tmp_path, "test", DIM, writable=True) as opened:
        for shard in range(5):
            fill(opened, generator, [f"{shard}-{n}" for n in range(7)])
        yield opened


@pytest.mark.parametrize("few", [0, 1000], ids=["ready", "plain"])
@pytest.mark.parametrize("pooling", ["mean", "lse", "sum", "weighted"])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_best_as_scored_by_hand(store, monkeypatch, few, pooling, direction):
    """Also while shards are made ready one by one."""
    monkeypatch.setattr(scoring_module, "_FEW", few)
    monkeypatch.setattr(scoring_module, "_READY_A_SEARCH", 10)
    scoring = Scoring(pooling=pooling, direction=direction)
    asked, keys = queries(np.random.default_rng(1)), list(store)
    wanted = by_hand(store, keys, asked, scoring)
    scorer = PhotoScorer(store, scoring)
    for k in (1, 5, len(keys), 99, 7, 3):
        best = scorer.best(keys, asked, k)
        order = np.argsort(-wanted, kind="stable")[:k]
        assert [key for key, _ in best] == [keys[row] for row in order]
        assert [value for _, value in best] == pytest.approx(wanted[order], abs=3e-6)


@pytest.mark.parametrize("scorer", ["sum_max", "pooled"])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_scorers_that_the_fused_kernel_lacks(store, monkeypatch, scorer, direction):
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    scoring = Scoring(scorer=scorer, direction=direction)
    asked, keys = queries(np.random.default_rng(1)), list(store)
    wanted = by_hand(store, keys, asked, scoring)
    best = PhotoScorer(store, scoring).best(keys, asked, 5)
    assert [key for key, _ in best] == [keys[row] for row in np.argsort(-wanted)[:5]]


def test_photos_closer_than_bfloat16_can_tell_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    generator = np.random.default_rng(0)
    with RegionStore(tmp_path / "near", "test", DIM, writable=True) as store:
        fill(store, generator, [f"n{n}" for n in range(60)], near=unit(generator, 3, DIM))
        asked, keys = [(1.0, unit(generator, 5, DIM))], list(store)
        wanted = by_hand(store, keys, asked, ALIKE)
        assert np.ptp(np.sort(wanted)[-10:]) < 2e-3
        scorer = PhotoScorer(store, ALIKE)
        scorer.best(keys, asked, 10)  # the first search makes nothing ready
        best = scorer.best(keys, asked, 10)
    assert [key for key, _ in best] == [keys[row] for row in np.argsort(-wanted)[:10]]


def test_attention_that_turns_on_signs_too_small_for_bfloat16(tmp_path, monkeypatch):
    """A word looks at the one region that is not unlike it, be it by 2e-4 only."""
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    generator = np.random.default_rng(3)
    word = unit(generator, 512)
    items = []
    for number in range(300):
        regions = unit(generator, 2, 512)
        regions -= np.outer(regions @ word - np.float32([2e-4, -0.03]), word)
        boxes, scores = np.zeros((2, 4), np.float32), np.ones(2, np.float32)
        items.append((f"n{number}", Regions(regions, boxes, scores, 10, 10)))
    with RegionStore(tmp_path / "turned", "test", 512, writable=True) as store:
        store.append(items)
        asked, keys = [(1.0, word[None])], list(store)
        scorer = PhotoScorer(store, ALIKE)
        scorer.best(keys, asked, 10)  # the first search makes nothing ready
        best = scorer.best(keys, asked, 200)
        wanted = by_hand(store, keys, asked, ALIKE)
    assert [value for _, value in best] == pytest.approx(np.sort(wanted)[:-201:-1], abs=3e-7)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("pooling", ["mean", "lse", "max", "sum", "weighted"])
@pytest.mark.parametrize("few", [1, 2])
def test_one_or_two_words_or_regions_are_scored_exactly(
    tmp_path, monkeypatch, direction, pooling, few
):
    """Cosines too small for bfloat16 turn the attention of so few as far as it can be turned."""
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    monkeypatch.setenv("REGARD_PRECISION", "bfloat16")
    generator = np.random.default_rng(few)
    word, items = unit(generator, few, 64), []
    for number in range(200):
        regions = unit(generator, few if direction == "i2t" else 5, 64)
        off = generator.choice(np.float32([1e-4, -1e-4, -0.3]), (len(regions), few))
        regions += (off - regions @ word.T) @ np.linalg.pinv(word).T
        boxes, scores = np.zeros((len(regions), 4), np.float32), np.ones(len(regions), np.float32)
        items.append((f"n{number}", Regions(regions, boxes, scores, 10, 10)))
    scoring = Scoring(direction=direction, pooling=pooling)
    with RegionStore(tmp_path / "few", "test", 64, writable=True) as store:
        store.append(items)
        asked, keys = [(1.0, word)], list(store)
        scorer = PhotoScorer(store, scoring)
        scorer.best(keys, asked, 10)  # the first search makes nothing ready
        best = scorer.best(keys, asked, 20)
        wanted = by_hand(store, keys, asked, scoring)
    assert [value for _, value in best] == pytest.approx(np.sort(wanted)[:-21:-1], abs=3e-6)


def test_only_the_photos_asked_for_are_ranked(store, monkeypatch):
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    asked = queries(np.random.default_rng(1))
    scorer = PhotoScorer(store, ALIKE)
    everything = [key for key, _ in scorer.best(list(store), asked, 99)]
    some = list(store)[3:20:2]
    assert [key for key, _ in scorer.best(some, asked, 99)] == [k for k in everything if k in some]
    assert scorer.best([], asked, 3) == []


def test_what_is_ready_follows_the_store(store, monkeypatch):
    monkeypatch.setattr(scoring_module, "_FEW", 0)
    monkeypatch.setattr(scoring_module, "_READY_A_SEARCH", 8)
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    prepared = []
    real = scoring_module.prepare
    monkeypatch.setattr(
        scoring_module,
        "prepare",
        lambda vectors, *rest, name, **more: (
            prepared.append(len(vectors)) if name == "regions" else None,
            real(vectors, *rest, name=name, **more),
        )[1],
    )
    asked = queries(np.random.default_rng(1))
    scorer = PhotoScorer(store, ALIKE)
    scorer.best(list(store), asked, 3)
    assert prepared == []
    for total in (2, 4, 5, 5):
        scorer.best(list(store), asked, 3)
        assert prepared == [7] * total
    store.remove(["0-3"])
    fill(store, np.random.default_rng(9), ["new"])
    scorer = scorer.over(store)
    best = scorer.best(list(store), asked, 99)
    assert prepared == [7] * 5 + [6, 1]
    assert {key for key, _ in best} == set(store)
    store.compact()
    scorer = scorer.over(store)
    assert scorer.best(list(store), asked, 99) == best
    assert prepared[7:] == [35]

"""Parts of an index and answers put together: exactly what one machine finds."""

from types import SimpleNamespace

import numpy as np
import pytest

from regard.cluster.holders import ClusterScorer, Holder, merge, part_of, share_out
from regard.core.scoring import Scoring
from regard.errors import ClusterError, StoreError
from regard.search.catalog import Catalog
from regard.search.scoring import PhotoScorer
from regard.store.region_store import Regions, RegionStore

DIM = 8
SCORING = Scoring(pooling="mean")


def photo(vectors):
    count = len(vectors)
    return Regions(vectors, np.zeros((count, 4)), np.ones(count), 10, 10)


@pytest.fixture
def store(tmp_path):
    """Shards of 7, 6, 5, ... photos in which three of every ten look the same."""
    generator = np.random.default_rng(0)
    same = generator.standard_normal((3, DIM)).astype(np.float32)
    with RegionStore(tmp_path / "index", "test", DIM, writable=True) as opened:
        number = 0
        for size in (7, 6, 5, 4, 3):
            batch = []
            for _ in range(size):
                own = generator.standard_normal((int(generator.integers(1, 5)), DIM))
                batch.append((f"k{number:02}", photo(same if number % 10 < 3 else own)))
                number += 1
            opened.append(batch)
        with opened.transaction() as database:
            Catalog.create(database, "none")
            rows = [(f"/{key}", 1, 1, key, None) for key in opened]
            database.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", rows)
        yield opened


@pytest.fixture
def queries():
    generator = np.random.default_rng(1)
    return [(1.0, generator.standard_normal((4, DIM))), (-0.5, generator.standard_normal((2, DIM)))]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_every_photo_is_in_one_part_and_answers_are_those_of_one_machine(store, queries, count):
    keys = list(store)
    parts = share_out(store, keys, count)
    assert len(parts) == min(count, 5)
    assert sorted(shard for part in parts for shard in part.shards) == [0, 1, 2, 3, 4]
    assert sum(part.photos for part in parts) == len(keys)
    holders = [Holder(str(store.folder), part, SCORING) for part in parts]
    order = {key: place for place, key in enumerate(keys)}
    for k in (1, 2, 4, 8, 25, 99):
        alone = PhotoScorer(store, SCORING).best(keys, queries, k)
        together = merge([holder.best(queries, k, None) for holder in holders], order, k)
        assert [key for key, _ in together] == [key for key, _ in alone]  # ties as well
        np.testing.assert_allclose([s for _, s in together], [s for _, s in alone], atol=1e-6)
    tied = [key for key, _ in alone if int(key[1:]) % 10 < 3]
    assert tied == sorted(tied)


def test_parts_hold_about_as_many_photos_each(store):
    parts = share_out(store, list(store), 2)
    assert sorted(part.photos for part in parts) == [11, 14]  # of 7 + 4 and 6 + 5 + 3


def test_only_among_the_photos_asked_for(store, queries):
    (part,) = share_out(store, list(store), 1)
    holder = Holder(str(store.folder), part, SCORING)
    best = holder.best(queries, 99, ["k03", "k11"])
    assert {key for key, _ in best} == {"k03", "k11"}


def test_equals_stand_in_the_order_they_were_added():
    order = {"a": 0, "b": 1, "c": 2, "d": 3}
    merged = merge([[("d", 0.5), ("b", 0.25)], [("a", 0.5), ("c", 0.5)]], order, 3)
    assert merged == [("a", 0.5), ("c", 0.5), ("d", 0.5)]
    assert merge([], order, 3) == []


def test_another_state_of_the_index_is_refused(store):
    keys = list(store)
    part = share_out(store, keys, 2)[0]
    Holder(str(store.folder), part, SCORING)
    mine = next(key for key in keys if store.place(key).shard in part.shards)
    store.remove([mine])
    with pytest.raises(StoreError, match="has changed since it was opened"):
        Holder(str(store.folder), part, SCORING)


def test_a_shard_that_is_gone_is_told(store):
    part = share_out(store, list(store), 5)[2]
    (file,) = part.shards.values()
    (store.folder / file).unlink()
    with pytest.raises(StoreError, match="damaged or missing"):
        Holder(str(store.folder), part, SCORING)


def test_a_reader_of_some_shards_sees_only_these(store):
    with RegionStore(store.folder, only=[1, 3]) as some:
        assert len(some) == 6 + 4
        assert list(some) == [key for key in store if store.place(key).shard in (1, 3)]
        assert part_of(some, 1, some, [1, 3]).photos == 10
        for key in some:
            np.testing.assert_array_equal(some[key].vectors, store[key].vectors)


def test_a_backbone_is_refused(store):
    model = SimpleNamespace(ranks_wholes=True, source="clip-b32")
    with pytest.raises(ClusterError, match="model is the backbone 'clip-b32'"):
        ClusterScorer(store, model, holders=1, patience=1.0)

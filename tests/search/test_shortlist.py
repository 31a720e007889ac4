"""The photos worth scoring: found by their means, whatever happened to the store."""

import numpy as np
import pytest

from regard.core.scoring import Scoring
from regard.indexing import check_index, update_index
from regard.search import Index, mean_files, shortlist
from regard.search.groups import group_means
from regard.search.mean_files import write_means
from regard.search.scoring import PhotoScorer
from regard.search.shortlist import Shortlist
from regard.store.region_store import Regions, RegionStore

DIM = 16


def photos(generator, names):
    """Photos of one to five regions about a direction of their own."""
    for name in names:
        count = int(generator.integers(1, 6))
        vectors = generator.standard_normal(DIM) + 0.4 * generator.standard_normal((count, DIM))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        boxes, scores = np.zeros((count, 4), np.float32), np.ones(count, np.float32)
        yield name, Regions(vectors.astype(np.float32), boxes, scores, 10, 10)


@pytest.fixture(params=[False, True], ids=["float16", "int8"])
def store(tmp_path, request):
    generator = np.random.default_rng(0)
    with RegionStore(
        tmp_path / "store", "test", DIM, writable=True, compressed=request.param
    ) as opened:
        for shard in range(4):
            opened.append(photos(generator, [f"{shard}-{n}" for n in range(25)]))
        yield opened


@pytest.fixture(autouse=True)
def _large(monkeypatch):
    """Every store counts as a large one."""
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 0)


@pytest.fixture
def queries():
    generator = np.random.default_rng(1)
    return [(1.0, generator.standard_normal((4, DIM))), (-0.5, generator.standard_normal((2, DIM)))]


def by_hand(store, keys, queries, count):
    """The same, from the vectors themselves: 0.3 by the mean region, 0.7 by groups of regions."""
    products = []
    for key in keys:
        regions = np.asarray(store[key].vectors, np.float32)
        mean, four = regions.mean(0), group_means(regions[None])[0]
        by_means, by_groups = (
            sum(weight * each(vectors).mean() for weight, vectors in queries)
            for each in (
                lambda words: words @ (mean / np.linalg.norm(mean)),  # noqa: B023 - used at once
                lambda words: (words @ four.T).max(1),  # noqa: B023
            )
        )
        products.append(0.3 * by_means + 0.7 * by_groups)
    best = set(np.argsort(-np.array(products))[:count].tolist())
    return {key for row, key in enumerate(keys) if row in best}


def overlap(a, b):
    return len(set(a) & set(b)) / len(b)


def test_nearest_by_the_mean_region_and_by_groups(store, queries):
    keys = list(store)
    for count in (1, 10, 40):
        nearest = Shortlist(store).nearest(keys, queries, count)
        assert len(nearest) == count
        assert nearest == [key for key in keys if key in set(nearest)]
        assert overlap(nearest, by_hand(store, keys, queries, count)) >= 0.9
    assert Shortlist(store).nearest(keys, queries, 100) == keys
    assert Shortlist(store).nearest([], queries, 5) == []


def flat(generator, number, dim, spread):
    """Photos of one region each, mostly in ten directions, and otherwise in any."""
    low = generator.standard_normal((10, dim))
    vectors = generator.standard_normal((number, 10)) @ low
    vectors = (vectors + spread * generator.standard_normal((number, dim))).astype(np.float32)
    box, score = np.zeros((1, 4), np.float32), np.ones(1, np.float32)
    rows = (Regions(v[None] / np.linalg.norm(v), box, score, 10, 10) for v in vectors)
    return list(zip(map(str, range(number)), rows, strict=True))


@pytest.mark.parametrize(
    ("photos", "spread", "held", "few"),
    [(600, 0.1, 0.9, 64), (600, 30.0, 0.99, 80), (150, 0.1, 0.9, 80)],
    ids=["flat", "round", "too few photos to tell"],
)
def test_directions_are_as_few_as_hold_most(tmp_path, photos, spread, held, few, monkeypatch):
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 0)
    monkeypatch.setattr(shortlist, "_HELD", held)
    monkeypatch.setattr(shortlist, "_TOGETHER", 1)  # so that the second shard is another block
    photo_store = flat(np.random.default_rng(2), photos, 80, spread)
    asked = [(1.0, photo_store[7][1].vectors), (1.0, photo_store[130][1].vectors)]
    with RegionStore(tmp_path / "store", "test", 80, writable=True, compressed=True) as store:
        store.append(photo_store[: photos // 2])
        store.append(photo_store[photos // 2 :])
        listed = Shortlist(store)
        nearest = listed.nearest(list(store), asked, 20)
        assert overlap(nearest, by_hand(store, list(store), asked, 20)) >= 0.9
        assert {rough.vectors.shape for rough in listed._means.values()} == {(photos // 2, few)}


def test_only_among_the_keys_given(store, queries):
    listed = Shortlist(store)
    everything = listed.nearest(list(store), queries, 50)
    some = list(store)[10:90:3]
    nearest = listed.nearest(some, queries, 8)
    assert set(nearest) <= set(some)
    assert set(everything[:0] + [k for k in nearest if k in everything]) <= set(everything)
    assert overlap(nearest, by_hand(store, some, queries, 8)) >= 0.8


def test_many_lists_in_turn(store, queries):
    listed = Shortlist(store)
    lists = [list(store)[start::step] for start, step in ((0, 1), (1, 2), (0, 3), (5, 1), (2, 2))]
    wanted = [Shortlist(store).nearest(keys, queries, 8) for keys in lists]
    for _ in range(2):
        for keys, nearest in zip(lists, wanted, strict=True):
            assert listed.nearest(keys, queries, 8) == nearest


def test_removed_and_new_photos(store, queries, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    write_means(store)
    listed = Shortlist(store)
    first = listed.nearest(list(store), queries, 10)
    store.remove(first[:5])
    store.append(photos(np.random.default_rng(5), ["new-0", "new-1", first[0]]))
    for change in (lambda: None, store.compact, lambda: write_means(store)):
        change()
        listed = listed.over(store)
        keys = list(store)
        nearest = listed.nearest(keys, queries, 10)
        assert not set(nearest) & set(first[1:5])
        assert overlap(nearest, by_hand(store, keys, queries, 10)) >= 0.9
        with RegionStore(store.folder) as reader:
            assert Shortlist(reader).nearest(keys, queries, 10) == nearest


@pytest.mark.parametrize("count", [1, 7, 200])
@pytest.mark.parametrize("values", [3, 10**6], ids=["many equal ones", "few"])
def test_the_largest_of_many_values(values, count):
    generator = np.random.default_rng(count)
    drawn = generator.integers(0, values, 60_100).astype(np.float32)
    wanted = np.sort(np.argsort(-drawn, kind="stable")[:count])
    assert np.array_equal(shortlist._largest(drawn, count), wanted)
    assert np.array_equal(
        shortlist._largest(drawn[:300], count),
        np.sort(np.argsort(-drawn[:300], kind="stable")[:count]),
    )


def means(store):
    return sorted(path.name for path in store.folder.glob("means-*"))


def test_means_are_written_once_and_stale_ones_removed(store, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    write_means(store)
    assert means(store) == [
        store.file(n).replace("shard", "means")
        for n in sorted({store.place(k).shard for k in store})
    ]
    times = {name: (store.folder / name).stat().st_mtime_ns for name in means(store)}
    write_means(store)
    assert {name: (store.folder / name).stat().st_mtime_ns for name in means(store)} == times
    (store.folder / "means-000000-left.partial").touch()
    store.compact()
    write_means(store)
    assert len(means(store)) == 1


def test_written_means_are_used(store, queries, monkeypatch):
    keys = list(store)
    wanted = Shortlist(store).nearest(keys, queries, 10)
    write_means(store)
    monkeypatch.setattr(mean_files, "make", None)  # would fail if called
    assert Shortlist(store).nearest(keys, queries, 10) == wanted


@pytest.mark.parametrize("kind", ["means", "groups"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_damaged_means_and_groups_are_made_again(store, queries, content, kind):
    keys = list(store)
    wanted = Shortlist(store).nearest(keys, queries, 10)
    write_means(store)
    path = sorted(store.folder.glob(f"{kind}-*"))[1]
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert Shortlist(store).nearest(keys, queries, 10) == wanted
    write_means(store)
    assert path.stat().st_size > 100


def test_searches_of_large_collections_score_a_shortlist(store, queries, monkeypatch):
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 50_000)
    scorer = PhotoScorer(store, Scoring(pooling="mean"))
    keys = list(store)
    exact = [key for key, _ in scorer.best(keys, queries, 5)]
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 99)
    monkeypatch.setattr("regard.search.scoring.READ_EACH", 80)
    monkeypatch.setattr("regard.search.scoring.LISTED", 30)
    monkeypatch.setattr("regard.search.scoring.LISTED_A_HIT", 1)
    monkeypatch.setattr("regard.search.scoring.LISTED_WORDS", 4)  # as the longer one has
    scored = []
    real = PhotoScorer._exactly
    monkeypatch.setattr(
        PhotoScorer, "_exactly", lambda self, k, q: scored.append(len(k)) or real(self, k, q)
    )
    assert overlap([key for key, _ in scorer.best(keys, queries, 5)], exact) >= 0.8
    assert scored == [35]
    monkeypatch.setattr("regard.search.scoring._FEW", 0)
    monkeypatch.setattr("regard.search.scoring.prepare", None)  # would fail if called
    for some in (60, 90, 60):
        scorer.best(keys[:some], queries, 5)
    assert scored == [35, 60, 35, 60]
    scorer.best(keys, [(1.0, queries[1][1])], 5)  # half as many words, twice as many photos
    assert scored[-1] == 70


def test_an_index_has_means_when_it_is_large(tmp_path, model, monkeypatch):
    from small import draw

    for seed in range(6):
        draw(tmp_path / f"photos/{seed}.png", seed)
    folder = tmp_path / "index"
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 50_000)
    update_index(folder, tmp_path / "photos", model, workers=1, compressed=True)
    assert not list(folder.glob("means-*"))
    with Index.open(folder, model) as index:
        exact = [hit.photo for hit in index.search("a dog", 6).hits]
    monkeypatch.setattr(mean_files, "EXHAUSTIVE", 3)
    update_index(folder, tmp_path / "photos", model, workers=1)
    assert len(list(folder.glob("means-*"))) == 1
    with Index.open(folder, model) as index:
        assert [hit.photo for hit in index.search("a dog", 6).hits] == exact
        (tmp_path / "photos/0.png").unlink()
        update_index(folder, tmp_path / "photos", model, workers=1)
        assert len(index.search("a dog", 6).hits) == 6
        index.refresh()
        assert len(index.search("a dog", 6).hits) == 5
    next(folder.glob("shard-*")).unlink()
    assert check_index(folder, model).restored == 5
    with Index.open(folder, model) as index:
        assert len(index.search("a dog", 6).hits) == 5
    assert len(list(folder.glob("means-*"))) == 1


def test_what_one_region_shows_is_found_though_the_mean_does_not(tmp_path, monkeypatch):
    """Fifty photos of like regions, one of them with a region of its own."""
    generator = np.random.default_rng(3)
    usual, other = np.eye(DIM)[:2]
    drawn = []
    for number in range(50):
        regions = usual + 0.02 * generator.standard_normal((30, DIM))
        if number == 17:
            regions[4] = other - 0.5 * usual
        else:
            regions += 0.05 * other  # a little of it everywhere, as in a mean
        regions /= np.linalg.norm(regions, axis=1, keepdims=True)
        boxes, scores = np.zeros((30, 4), np.float32), np.ones(30, np.float32)
        drawn.append((str(number), Regions(regions.astype(np.float32), boxes, scores, 10, 10)))
    asked = [(1.0, other[None].astype(np.float32))]
    with RegionStore(tmp_path / "one", "test", DIM, writable=True) as opened:
        opened.append(iter(drawn))
        assert Shortlist(opened).nearest(list(opened), asked, 1) == ["17"]
        monkeypatch.setattr(shortlist, "_BY_GROUPS", 0.0)
        assert Shortlist(opened).nearest(list(opened), asked, 1) != ["17"]


@pytest.mark.parametrize(
    ("scoring", "scale"),
    [
        (Scoring(pooling="weighted"), 1.0),
        (Scoring(pooling="mean"), 1 / 3),
        (Scoring(direction="i2t", pooling="mean"), 1 / 3),
    ],
    ids=["weights are lengths", "mean", "i2t"],
)
def test_words_are_scaled_as_their_similarity_is(scoring, scale):
    words = np.repeat(np.eye(4)[:1], 3, 0)
    ((weight, rows),) = shortlist.scaled([(-2.0, words)], scoring)
    assert weight == -2.0
    np.testing.assert_allclose(rows, words * scale, rtol=1e-6)


def test_numba_is_not_loaded_for_a_single_search(store, queries, monkeypatch):
    used = []
    for name in ("plain_products", "inner_products"):
        products = getattr(shortlist, name)
        monkeypatch.setattr(
            shortlist, name, lambda *of, p=products, n=name: (used.append(n), p(*of))[1]
        )
    listed = Shortlist(store)
    first, second = (listed.nearest(list(store), queries, 20) for _ in range(2))
    assert first == second == listed.over(store).nearest(list(store), queries, 20)
    assert used == ["plain_products"] * 4 + ["inner_products"] * 8  # of four shards each


def test_a_collection_that_has_grown_vast_is_searched_along_few_directions(tmp_path, monkeypatch):
    monkeypatch.setattr(shortlist, "_TOGETHER", 400 * 80)
    photo_store = flat(np.random.default_rng(2), 600, 80, 0.1)
    asked = [(1.0, photo_store[7][1].vectors), (1.0, photo_store[130][1].vectors)]
    with RegionStore(tmp_path / "store", "test", 80, writable=True, compressed=True) as store:
        listed = Shortlist(store)
        for part, dims in ((slice(300), 80), (slice(300, 600), 64)):
            store.append(photo_store[part])
            listed = listed.over(store)
            nearest = listed.nearest(list(store), asked, 20)
            assert overlap(nearest, by_hand(store, list(store), asked, 20)) >= 0.9
            assert {rough.vectors.shape[1] for rough in listed._means.values()} == {dims}


def test_what_is_kept_must_be_of_every_photo():
    def holds(starts, photos):
        starts, photos = np.array(starts, np.int64), np.array(photos, np.int64)
        return mean_files.holds_all(starts, mean_files.Photos(photos, np.ones_like(photos)))

    assert holds([0, 3, 9], [0, 9])
    for starts, photos in (([0, 3, 9], [0, 4]), ([0, 3, 9], [12]), ([3], [0]), ([], [0])):
        assert not holds(starts, photos)

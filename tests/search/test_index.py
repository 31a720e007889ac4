"""Searching: exact ranks, filters, what a hit tells, and a state that stays."""

import math
import shutil
import sqlite3
import threading
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from small import draw

from regard.core.attention import similarity
from regard.errors import CheckpointError, ConfigError, DataError, PhotoError, StoreError
from regard.indexing import open_for_writing, update_index
from regard.model.judgement import Calibration
from regard.search import Filters, Index, Query
from regard.search.catalog import FileRow
from regard.search.scoring import PhotoScorer
from regard.store.region_store import Regions, RegionStore
from regard.store.shards import RegionLabels


@pytest.fixture
def folder(photos, model, tmp_path):
    draw(photos / "tall.png", 20, size=(40, 60), date="2019:05:01 10:00:00")
    draw(photos / "square.png", 21, size=(50, 50), date="2021:01:31 23:59:59")
    draw(photos / "large.png", 22, size=(300, 200), date="2020:12:24 18:00:00")
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"


@pytest.fixture
def index(folder, model):
    with Index.open(folder, model) as opened:
        yield opened


def names(result):
    return [hit.photo.path.name for hit in result.hits]


def by_hand(index, sentence):
    """Similarities one photo at a time, by the readable truth."""
    words = index.model.encode_captions([sentence])
    by_key = {}
    for photo in index.photos():
        vectors = np.asarray(index.regions(photo.id).vectors, np.float32)[None]
        value = similarity(
            vectors,
            words.vectors,
            np.ones(vectors.shape[:2], bool),
            np.ones(words.vectors.shape[:2], bool),
            index.model.scoring,
        )
        by_key[photo.path.name] = float(value[0, 0])
    return by_key


def test_best_first_as_scored_by_hand(index):
    wanted = by_hand(index, "a dog on the beach")
    result = index.search("a dog on the beach", 100)
    assert names(result) == sorted(wanted, key=lambda name: -wanted[name])
    assert [hit.similarity for hit in result.hits] == pytest.approx(
        sorted(wanted.values(), reverse=True), abs=2e-6
    )
    assert result.total == len(index) == 9


def test_k_cuts_the_list(index):
    everything = names(index.search("red grass", 100))
    for k in (1, 4, 9, 10):
        assert names(index.search("red grass", k)) == everything[:k]
    with pytest.raises(ConfigError, match="k must be at least 1"):
        index.search("red grass", 0)


def test_parts_are_weighted(index):
    dog, cat = by_hand(index, "a dog"), by_hand(index, "a cat")
    result = index.search("2: a dog; -1: a cat", 100)
    for hit in result.hits:
        name = hit.photo.path.name
        assert hit.similarity == pytest.approx((2 * dog[name] - cat[name]) / 3, abs=2e-6)
    assert names(index.search("7: a dog", 100)) == names(index.search("a dog", 100))


def test_unknown_words_come_with_near_ones(index):
    result = index.search("a grees dog in zzyzx; -leassh")
    assert result.unknown_words == {"grees": ["green"], "zzyzx": [], "leassh": ["leash"]}


def test_no_verdict_without_calibration(index):
    result = index.search("a dog")
    assert result.verdict is None
    assert all(hit.probability is None for hit in result.hits)


@pytest.fixture
def even(index):
    """A similarity that half of the photos reach with "a dog"."""
    return float(np.median([hit.similarity for hit in index.search("a dog", 100).hits]))


@pytest.fixture
def calibrated(index, even, monkeypatch):
    """The index with a model whose probabilities are even there."""
    curve = Calibration(30.0, -30.0 * even)
    monkeypatch.setitem(index.model.info, "calibration", curve._asdict())
    return index


def test_probabilities_and_verdict_of_one_sentence(calibrated, even):
    result = calibrated.search("a dog", 100)
    for hit in result.hits:
        wanted = 1 / (1 + math.exp(30 * (even - hit.similarity)))
        assert hit.probability == pytest.approx(wanted)
        assert hit.verdict == ("match" if hit.similarity >= even else "no sure match")
    assert result.verdict == result.hits[0].verdict
    assert calibrated.search("2: a dog", 1).hits[0].probability == result.hits[0].probability


def test_no_good_match_is_said(index, monkeypatch):
    sentences = ("a dog", "a cat", "red grass", "the blue leash", "a beach")
    best = {s: index.search(s, 1).hits[0].similarity for s in sentences}
    even = sorted(best.values())[2]
    curve = Calibration(30.0, -30.0 * even)
    monkeypatch.setitem(index.model.info, "calibration", curve._asdict())
    for sentence in sentences:
        wanted = "match" if best[sentence] >= even else "no sure match"
        assert index.search(sentence, 3).verdict == wanted


def test_other_queries_have_no_probability(calibrated, photos):
    for query in (
        "a dog; a cat",
        "a dog; -a cat",
        Query.parse(like=[photos / "0.png"]),
        Query.parse("a dog", like=[photos / "0.png"]),
    ):
        result = calibrated.search(query, 3)
        assert result.verdict is None
        assert all(hit.probability is hit.verdict is None for hit in result.hits)
    assert calibrated.similar(calibrated.photos()[0], 3).verdict is None


def test_by_date_among_those_that_more_likely_fit_than_not(calibrated, even):
    result = calibrated.search("a dog", 100)
    fitting = [hit.photo for hit in result.hits if hit.similarity >= even]
    assert 0 < len(fitting) < 9
    wanted = sorted(fitting, key=lambda photo: photo.taken or datetime.min, reverse=True)
    dated = calibrated.search("a dog", 100, sort="date")
    assert [hit.photo for hit in dated.hits] == wanted
    assert dated.verdict == "match"
    assert [h.photo for h in calibrated.search("a dog", 1, sort="date").hits] == wanted[:1]


def test_by_date_of_the_most_similar_where_none_fits(calibrated, monkeypatch):
    monkeypatch.setattr("regard.model.judgement.EVEN", 1.1)
    best = names(calibrated.search("a dog", 2))
    result = calibrated.search("a dog", 2, sort="date")
    assert set(names(result)) == set(best)
    assert result.verdict == "no sure match"


def test_a_photo_as_query_finds_itself_first(index, photos):
    for like in (photos / "2.png", str(photos / "2.png"), Image.open(photos / "2.png")):
        result = index.search(Query.parse(like=[like]), 3)
        assert names(result)[0] == "2.png"
        assert result.hits[0].words() == []
    with pytest.raises(PhotoError, match="does not exist"):
        index.search(Query.parse(like=[photos / "none.png"]))


def test_a_photo_and_words(index, photos):
    like = [photos / "2.png"]
    alone = {h.photo.id: h.similarity for h in index.search(Query.parse(like=like), 99).hits}
    words = {h.photo.id: h.similarity for h in index.search("a dog", 99).hits}
    both = index.search(Query.parse("3: a dog", like=like), 99)
    for hit in both.hits:
        wanted = (3 * words[hit.photo.id] + alone[hit.photo.id]) / 4
        assert hit.similarity == pytest.approx(wanted, abs=2e-6)
    assert [word["word"] for word in both.hits[0].words()] == ["<start>", "a", "dog", "<end>"]


def test_similar_leaves_the_photo_itself_out(index, photos):
    everything = index.search(Query.parse(like=[photos / "2.png"]), 100)
    record = everything.hits[0].photo
    for photo in (record, record.id):
        result = index.similar(photo, 100)
        assert names(result) == names(everything)[1:]
        assert result.total == 8
    assert names(index.similar(record, 2)) == names(everything)[1:3]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(path="below/*"), {"4.png", "5.png"}),
        (Filters(path="*[02].png"), {"0.png", "2.png"}),
        (Filters(path="photos/?.png"), {"0.png", "1.png", "2.png", "3.png"}),
        (Filters(path="elow/*"), set()),
        (Filters(orientation="portrait"), {"tall.png"}),
        (Filters(orientation="square"), {"square.png"}),
        (Filters(min_size=(300, 200)), {"large.png"}),
        (Filters(min_size=(1, 50)), {"tall.png", "square.png", "large.png"}),
        (Filters(taken_after=datetime(2020, 1, 1)), {"square.png", "large.png"}),
        (Filters(taken_before=datetime(2020, 1, 1)), {"tall.png"}),
        (Filters(taken_after=datetime(2019, 5, 1, 10)), {"tall.png", "square.png", "large.png"}),
        (Filters(taken_before=datetime(2019, 5, 1, 10)), set()),
        (
            Filters(taken_after=datetime(2019, 1, 1), orientation="landscape", path="*.png"),
            {"large.png"},
        ),
    ],
)
def test_filters(index, filters, wanted):
    result = index.search("a dog", 100, filters=filters)
    assert set(names(result)) == wanted
    assert result.total == len(wanted)
    everything = names(index.search("a dog", 100))
    assert names(result) == [name for name in everything if name in wanted]
    assert {photo.path.name for photo in index.photos(filters)} == wanted


def test_a_filter_chooses_among_copies(index, photos, folder, model):
    shutil.copy(photos / "below/5.png", photos / "0-copy.png")
    update_index(folder, photos, model, workers=1)
    index.refresh()
    result = index.search("a dog", 100, filters=Filters(path="below/*"))
    assert set(names(result)) == {"4.png", "5.png"}
    assert "0-copy.png" in names(index.search("a dog", 100))


def test_filters_see_what_a_refresh_brings(index, photos, folder, model):
    asked = [Filters(path=path) for path in ("below/*", "*[02].png", "photos/?.png", "*", "tall*")]
    before = [names(index.search("a dog", 100, filters=one)) for one in asked]
    assert [names(index.search("a dog", 100, filters=one)) for one in asked] == before
    draw(photos / "below/new.png", 31)
    (photos / "0.png").unlink()
    update_index(folder, photos, model, workers=1)
    assert [names(index.search("a dog", 100, filters=one)) for one in asked] == before
    index.refresh()
    for one, old in zip(asked, before, strict=True):
        wanted = set(old) - {"0.png"} | ({"new.png"} if one.path in ("below/*", "*") else set())
        assert set(names(index.search("a dog", 100, filters=one))) == wanted


def test_unknown_orientation_is_refused():
    with pytest.raises(ConfigError, match="landscape, portrait, square"):
        Filters(orientation="round")


def test_sorted_by_date_among_the_best(index):
    best = names(index.search("a dog", 100))
    result = index.search("a dog", 100, sort="date")
    dated = ["square.png", "large.png", "tall.png"]
    assert names(result) == dated + [name for name in best if name not in dated]
    few = index.search("a dog", 5, sort="date")
    assert set(names(few)) == set(best[:5])


def test_records(index, photos):
    hit = next(h for h in index.search("a dog", 100).hits if h.photo.path.name == "large.png")
    state = (photos / "large.png").stat()
    assert hit.photo.path == photos / "large.png"
    assert (hit.photo.width, hit.photo.height) == (300, 200)
    assert hit.photo.taken == datetime(2020, 12, 24, 18)
    assert hit.photo.size == state.st_size
    assert hit.photo.mtime == pytest.approx(state.st_mtime)
    assert len(hit.photo.id) == 16
    assert index.photo(hit.photo.id) == hit.photo
    regions = index.regions(hit.photo.id)
    assert regions.vectors.shape == (36, 16)
    assert regions.boxes[0].tolist() == [0, 0, 300, 200]


@pytest.mark.parametrize("photo_id", ["0" * 16, "", "zz", "%", "f"])
def test_unknown_ids_are_errors(index, photo_id):
    for use in (index.photo, index.regions, index.similar):
        with pytest.raises(DataError, match="photo id is"):
            use(photo_id)


def test_an_explanation_is_of_this_hit(index):
    for hit in index.search("a red dog", 3).hits:
        why = hit.explain()
        assert why.similarity == pytest.approx(hit.similarity, abs=2e-6)
        assert sum(word.share for word in why.words) == pytest.approx(hit.similarity, abs=2e-6)
        assert why.size == (hit.photo.width, hit.photo.height)
        words = hit.words()
        assert [w["word"] for w in words] == ["<start>", "a", "red", "dog", "<end>"]
        assert len(words[0]["regions"]) == 36
        assert sum(region[4] for region in words[0]["regions"]) == pytest.approx(1, abs=1e-4)


def test_every_sentence_of_a_query_is_explained(index):
    hit = index.search("a dog; -2: red", 1).hits[0]
    assert [(w["word"], w["sentence"], w["weight"]) for w in hit.words()] == [
        ("<start>", 0, 1),
        ("a", 0, 1),
        ("dog", 0, 1),
        ("<end>", 0, 1),
        ("<start>", 1, -2),
        ("red", 1, -2),
        ("<end>", 1, -2),
    ]
    assert (hit.explain(0).similarity - 2 * hit.explain(1).similarity) / 3 == pytest.approx(
        hit.similarity, abs=2e-6
    )
    with pytest.raises(DataError, match="one of the query's 2"):
        hit.explain(2)


def test_an_empty_index_answers_with_nothing(tmp_path, model):
    (tmp_path / "none").mkdir()
    update_index(tmp_path / "index", tmp_path / "none", model)
    with Index.open(tmp_path / "index", model) as index:
        result = index.search("a dog")
    assert (result.hits, result.total) == ([], 0)


def test_pooled_photos_come_some_at_a_time_and_each_once(index, monkeypatch):
    monkeypatch.setattr("regard.search.snapshot.TILE", 4)
    with index.snapshot() as snapshot:
        tiles = list(snapshot.pooled())
    assert [len(ids) for ids, _ in tiles] == [4, 4, 1]
    for ids, vectors in tiles:
        for photo_id, pooled in zip(ids, vectors, strict=True):
            mean = np.asarray(index.regions(photo_id).vectors, np.float32).mean(0)
            np.testing.assert_allclose(pooled, mean / np.linalg.norm(mean), atol=1e-5)
    assert len({photo_id for ids, _ in tiles for photo_id in ids}) == 9


def test_the_model_is_found_again_by_itself(folder, model):
    with Index.open(folder) as index:
        assert index.model.identity == model.identity


def test_no_index_and_no_model_are_errors(folder, tmp_path):
    with pytest.raises(StoreError, match="regard index PHOTOS"):
        Index.open(tmp_path / "nothing")
    with RegionStore(folder, writable=True) as store, store.transaction() as database:
        database.execute("UPDATE meta SET value = 'gone' WHERE name = 'model'")
    with pytest.raises(CheckpointError, match="model is 'gone'"):
        Index.open(folder)


def test_an_open_index_keeps_its_state_until_refreshed(index, folder, photos, model, monkeypatch):
    monkeypatch.setattr(
        "regard.store.region_store._THIN_SHARDS", 2
    )  # shards are put together at once
    before = index.search("a dog", 100)
    seen = []

    def look(done, total):
        with Index.open(folder, model) as other:
            result = other.search("a dog", 100)
            assert len(result.hits) == len(other) == result.total
            seen.append(len(other))

    draw(photos / "new.png", 30)
    (photos / "0.png").unlink()
    (photos / "1.png").rename(photos / "moved.png")
    update_index(folder, photos, model, workers=1, progress=look)
    assert seen == [9, 9]
    after = index.search("a dog", 100)
    assert names(after) == names(before)
    assert [h.similarity for h in after.hits] == [h.similarity for h in before.hits]
    assert after.hits[0].explain().similarity == pytest.approx(after.hits[0].similarity, abs=2e-6)
    index.refresh()
    assert set(names(index.search("a dog", 100))) == (set(names(before)) - {"0.png", "1.png"}) | {
        "new.png",
        "moved.png",
    }


def test_readers_come_and_go_while_a_writer_works(folder, photos, model, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    monkeypatch.setattr("regard.indexing.update._COMMIT_PHOTOS", 1)
    problems, over = [], threading.Event()

    def keep_reading():
        try:
            while not over.is_set():
                with Index.open(folder, model) as other:
                    result = other.search("a dog", 1000)
                    assert len(result.hits) == len(other) >= 9
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            problems.append(error)

    reader = threading.Thread(target=keep_reading)
    reader.start()
    for start in range(100, 130, 10):
        for seed in range(start, start + 10):
            draw(photos / f"{seed}.png", seed)
        update_index(folder, photos, model, workers=1)
    over.set()
    reader.join()
    assert problems == []


def test_many_threads_may_search_at_once(index):
    wanted = names(index.search("a dog", 9))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(names(index.search("a dog", 9))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [wanted] * 4


def test_a_snapshot_stays_what_it_was_while_photos_are_removed(index, photos, folder, model):
    gone = next(photo for photo in index.photos() if photo.path.name == "0.png")
    everything = Filters(path="*.png")
    with index.snapshot() as before:
        tiles = before.pooled()
        (photos / "0.png").unlink()
        update_index(folder, photos, model, workers=1)
        index.refresh()
        with index.snapshot() as after:
            assert (before.generation, after.generation) == (0, 1)
            assert gone.id not in after.photo_ids()
        assert sum(len(ids) for ids, _ in tiles) == len(before) == len(index) + 1
        assert before.photo(gone.id) == gone
        assert len(before.regions(gone.id).vectors) == 36
        assert gone in before.catalog.photos(everything)
        database = before.store.database
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):  # nobody reads it any more
        database.execute("SELECT 1")
    with pytest.raises(DataError, match="must be one of the index"):
        index.photo(gone.id)


def test_a_photo_is_looked_up_and_the_index_refreshed_while_a_search_runs(
    index, photos, folder, model, monkeypatch
):
    scoring, go_on = threading.Event(), threading.Event()
    results = []
    plain = PhotoScorer.best

    def best(*args):
        scoring.set()
        assert go_on.wait(60)
        return plain(*args)

    monkeypatch.setattr(PhotoScorer, "best", best)
    searching = threading.Thread(target=lambda: results.append(names(index.search("a dog", 99))))
    searching.start()
    assert scoring.wait(60)
    record = next(photo for photo in index.photos() if photo.path.name == "0.png")
    assert len(index.regions(record.id).vectors) == 36
    (photos / "0.png").unlink()
    update_index(folder, photos, model, workers=1)
    index.refresh()
    go_on.set()
    searching.join()
    assert "0.png" in results[0]
    assert "0.png" not in names(index.search("a dog", 99))


def test_vectors_of_photos_removed_meanwhile_are_still_handed_over(
    index, photos, folder, model, monkeypatch
):
    monkeypatch.setattr("regard.search.snapshot.TILE", 4)
    parts = index.pooled()
    ids, _ = next(parts)
    (photos / "0.png").unlink()
    update_index(folder, photos, model, workers=1)
    index.refresh()
    ids += [photo_id for more, _ in parts for photo_id in more]
    assert len(ids) == len(index) + 1


def test_an_index_made_anew_by_another_model_is_not_taken_up(index, folder, model):
    with RegionStore(folder, writable=True) as store, store.transaction() as database:
        database.execute("UPDATE meta SET value = 'another' WHERE name = 'producer'")
    with pytest.raises(StoreError, match="the model must be the same"):
        index.refresh()
    assert len(index.search("a dog").hits) == 9


def test_what_regions_look_like_is_counted_without_reading_vectors(tmp_path, model, monkeypatch):
    def photo(classes, likely):
        count = len(classes)
        vectors, boxes = np.ones((count, model.dim), np.float32), np.zeros((count, 4), np.float32)
        columns = np.array([classes], np.uint16).T, np.array([likely], np.uint8).T
        labels = RegionLabels(*columns) if likely else None
        return Regions(vectors, boxes, np.ones(count, np.float32), 9, 9, labels)

    taken = {"a" * 64: photo([3, 5, 3], [255, 127, 128]), "b" * 64: photo([5, 3], [128, 200])}
    taken["c" * 64] = photo([0, 0], [])
    folder, rows = tmp_path / "index", [FileRow(f"/photos/{k[0]}.jpg", 1, 1, k) for k in taken]
    with open_for_writing(folder, model, compressed=True) as (store, catalog), store.transaction():
        store.append(taken.items())
        catalog.put(rows)
    monkeypatch.setattr("regard.store.shards.from_int8", None)  # would fail if called
    with Index.open(folder, model) as index, index.snapshot() as snapshot:
        assert snapshot.looks() == {3: 2, 5: 1}

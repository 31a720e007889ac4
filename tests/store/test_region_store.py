"""The region store: what goes in comes out, whatever happens in between."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from regard.errors import BusyError, DataError, ShapeError, StoreError
from regard.store.manifest import connect, damaged, wipe
from regard.store.region_store import Regions, RegionStore
from regard.store.shards import RegionLabels, reading

DIM = 6


def regions(seed, count=3, dim=DIM):
    generator = np.random.default_rng(seed)
    return Regions(
        generator.standard_normal((count, dim)).astype(np.float16),
        generator.random((count, 4), np.float32),
        generator.random(count, np.float32),
        seed + 1,
        seed + 2,
    )


def same(a, b):
    arrays = zip(a[:3], b[:3], strict=True)
    return all(np.array_equal(x, y) for x, y in arrays) and a[3:] == b[3:]


@pytest.fixture
def store(tmp_path):
    with RegionStore(tmp_path / "store", "maker", DIM, writable=True) as opened:
        yield opened


def fill(store, *seeds):
    store.append((f"p{seed}", regions(seed, 1 + seed % 3)) for seed in seeds)


def files(store):
    return {path.name for path in store.folder.glob("shard-*")}


def test_what_goes_in_comes_out(store):
    fill(store, 0, 1)
    fill(store, 2)
    assert list(store) == ["p0", "p1", "p2"]
    assert len(store) == 3
    assert "p1" in store
    assert "p9" not in store
    for seed in range(3):
        assert same(store[f"p{seed}"], regions(seed, 1 + seed % 3))
    with RegionStore(store.folder) as reader:
        assert reader.producer == "maker"
        assert reader.dim == DIM
        assert all(same(reader[key], store[key]) for key in store)


def labelled(seed, count=3):
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 1000, (count, 10))
    return regions(seed, count)._replace(labels=RegionLabels.of(classes, np.ones((count, 10)) / 5))


def test_labels_are_kept_of_those_photos_that_have_them(store):
    kept = {"old": regions(0), "one": labelled(1), "two": labelled(2, 5)}
    fill(store, 7)
    store.append(kept.items())
    with RegionStore(store.folder) as reader:
        for key in ("one", "two"):
            assert same_labels(reader[key].labels, kept[key].labels)
        np.testing.assert_allclose(reader["two"].labels.likely, 0.2, atol=1 / 510)
        assert reader["old"].labels is None
        assert reader["p7"].labels is None
    plain = Path(store.folder / store.file(0)).read_bytes()
    assert b"classes" not in plain  # shards without labels are as they were
    for _ in range(16):
        store.append([(f"more{len(store)}", labelled(3))])
    assert store.compact()
    assert same_labels(store["two"].labels, kept["two"].labels)
    assert store["old"].labels is None


def same_labels(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_gather_pads_with_zeros(store):
    fill(store, 0, 1, 2)
    vectors, counts = store.gather(["p2", "p0", "p2"])
    assert counts.tolist() == [3, 1, 3]
    assert vectors.shape == (3, 3, DIM)
    assert np.array_equal(vectors[0], store["p2"].vectors)
    assert np.array_equal(vectors[1, :1], store["p0"].vectors)
    assert not vectors[1, 1:].any()
    assert store.gather([])[0].shape == (0, 0, DIM)


def test_a_key_stored_again_is_replaced_in_its_place(store):
    fill(store, 0, 1, 2)
    store.append([("p0", regions(50))])
    assert list(store) == ["p0", "p1", "p2"]
    assert same(store["p0"], regions(50))
    with RegionStore(store.folder) as reader:
        assert list(reader) == ["p0", "p1", "p2"]
        assert same(reader["p0"], regions(50))


def test_nothing_appended_makes_no_shard(store):
    store.append([])
    assert files(store) == set()


def test_unknown_keys_are_errors(store):
    with pytest.raises(DataError, match="'nobody' is not in"):
        store["nobody"]


@pytest.mark.parametrize(
    "wrong",
    [
        regions(0, dim=DIM + 1),
        regions(0, count=0),
        regions(0)._replace(boxes=np.zeros((2, 4), np.float32)),
        regions(0)._replace(scores=np.zeros(4, np.float32)),
        regions(0)._replace(vectors=np.full((3, DIM), np.nan, np.float32)),
        regions(0)._replace(vectors=np.full((3, DIM), np.inf, np.float16)),
    ],
)
def test_regions_that_do_not_fit_are_refused_all_or_none(store, wrong):
    with pytest.raises(ShapeError, match="regions of 'bad'"):
        store.append([("good", regions(1)), ("bad", wrong)])
    assert len(store) == 0
    assert files(store) == set()


# ---- compressed


@pytest.fixture
def small(tmp_path):
    with RegionStore(tmp_path / "small", "maker", DIM, writable=True, compressed=True) as opened:
        yield opened


def test_compressed_vectors_are_near_and_half_the_size(small, tmp_path):
    dim = 256
    vectors = np.random.default_rng(0).standard_normal((400, dim)).astype(np.float32)
    photo = regions(1, 400, dim)._replace(vectors=vectors)
    sizes = {}
    for name, compressed in (("whole", False), ("half", True)):
        with RegionStore(
            tmp_path / name, "maker", dim, writable=True, compressed=compressed
        ) as opened:
            opened.append([("a", photo)])
            path = next(opened.folder.glob("shard-*"))
            sizes[name] = path.stat().st_size - 400 * 20  # without boxes and scores
            values = np.asarray(opened["a"].vectors, np.float32)
            step = np.abs(vectors).max(1, keepdims=True) / 127
            assert (np.abs(values - vectors) <= (step / 2 if compressed else 2e-3)).all()
            assert np.array_equal(opened["a"].boxes, photo.boxes)
    assert sizes["half"] < 0.52 * sizes["whole"]


def test_compressing_again_changes_nothing(small, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    fill(small, 0, 1)
    fill(small, 2)
    before = {key: np.array(small[key].vectors) for key in small}
    assert small.compact() == 2
    for key, vectors in before.items():
        assert np.array_equal(small[key].vectors, vectors)
    with RegionStore(small.folder) as reader:
        assert reader.compressed
        assert np.allclose(reader.gather(["p2"])[0][0], before["p2"], atol=1e-3)


def test_vectors_of_zeros_stay_zeros(small):
    small.append([("zero", regions(0)._replace(vectors=np.zeros((3, DIM), np.float32)))])
    assert not np.asarray(small["zero"].vectors).any()


def test_older_programs_can_tell(store, small):
    for opened, version in ((store, "1"), (small, "2")):
        row = opened.database.execute("SELECT value FROM meta WHERE name = 'version'")
        assert row.fetchone() == (version,)
    assert not store.compressed


# ---- opening


def test_another_producer_or_width_is_refused(store):
    store.close()
    with pytest.raises(StoreError, match="was made by 'maker'"):
        RegionStore(store.folder, "other")
    with pytest.raises(StoreError, match="vectors of 6 numbers"):
        RegionStore(store.folder, "maker", DIM + 1)
    with pytest.raises(StoreError, match="was made by"):
        RegionStore(store.folder, "other", DIM, writable=True)


def test_a_newer_store_is_refused(store):
    with store.transaction() as database:
        database.execute("UPDATE meta SET value = '3' WHERE name = 'version'")
    with pytest.raises(StoreError, match="pip install --upgrade"):
        RegionStore(store.folder)


def test_a_missing_store_is_an_error_and_is_not_made(tmp_path):
    for writable in (False, True):
        with pytest.raises(StoreError, match="must hold a manifest"):
            RegionStore(tmp_path / "none", writable=writable)
    with pytest.raises(StoreError, match="must hold a manifest"):
        RegionStore(tmp_path / "none", "maker", DIM)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 999])
def test_a_damaged_manifest_is_told(store, content):
    store.close()
    (store.folder / "manifest.sqlite").write_bytes(content)
    for writable in (False, True):
        with pytest.raises(StoreError, match="is damaged"):
            RegionStore(store.folder, "maker", DIM, writable=writable)


@pytest.mark.parametrize(
    "message", ["attempt to write a readonly database", "database or disk is full"]
)
def test_what_the_system_refuses_is_no_damage(store, message):
    error = damaged(store.folder, sqlite3.OperationalError(message))
    assert f"cannot be used ({message})" in str(error)
    assert "delete" not in str(error)
    assert "is damaged" in str(damaged(store.folder, sqlite3.OperationalError("no such table")))


def test_one_writer_and_any_readers(store):
    fill(store, 0)
    with pytest.raises(BusyError, match="one writer"):
        RegionStore(store.folder, "maker", DIM, writable=True)
    with RegionStore(store.folder) as one, RegionStore(store.folder) as two:
        assert len(one) == len(two) == 1
    store.close()
    RegionStore(store.folder, "maker", DIM, writable=True).close()


def test_readers_cannot_write(store):
    fill(store, 0)
    with RegionStore(store.folder) as reader:
        for change in (
            lambda: fill(reader, 1),
            lambda: reader.remove(["p0"]),
            lambda: reader.skip("x", "why"),
        ):
            with pytest.raises(StoreError, match="open for reading"):
                change()


def test_a_medium_that_cannot_be_written_can_be_read(store, monkeypatch):
    fill(store, 0)
    store.close()
    monkeypatch.setattr("os.access", lambda *_: False)
    database = connect(store.folder, writable=False)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DELETE FROM items")
    database.close()
    with RegionStore(store.folder) as reader:
        assert same(reader["p0"], regions(0, 1))


def test_a_wiped_store_can_be_made_anew_by_others(store):
    fill(store, 0)
    store.close()
    wipe(store.folder)
    with RegionStore(store.folder, "other", 3, writable=True) as fresh:
        assert len(fresh) == 0
        assert files(fresh) == set()
    wipe(store.folder.parent / "nothing there")


# ---- interrupted writers


def test_leftovers_of_a_killed_writer_are_swept(store):
    fill(store, 0)
    kept = files(store)
    store.close()
    for name in ("shard-000001.partial", "shard-000007-12345678.safetensors"):
        (store.folder / name).write_bytes(b"left")
    with RegionStore(store.folder) as reader:
        assert len(reader) == 1
    with RegionStore(store.folder, writable=True) as writer:
        assert files(writer) == kept
        fill(writer, 1)
        assert list(writer) == ["p0", "p1"]


def test_a_transaction_is_all_or_nothing(store):
    fill(store, 0)

    def fail():
        with store.transaction() as database:
            fill(store, 1)
            store.remove(["p0"])
            store.skip("x", "why")
            database.execute("CREATE TABLE more (x)")
            database.execute("nonsense")

    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        fail()
    assert list(store) == ["p0"]
    assert same(store["p0"], regions(0, 1))
    assert store.skipped() == {}
    fill(store, 2)
    assert list(store) == ["p0", "p2"]
    assert store.check() == {}
    with RegionStore(store.folder) as reader:
        assert list(reader) == ["p0", "p2"]


def test_readers_see_a_transaction_at_once_and_whole(store):
    fill(store, 0)
    with RegionStore(store.folder) as reader:
        with store.transaction():
            fill(store, 1)
            reader.refresh()
            assert list(reader) == ["p0"]
            fill(store, 2)
        assert list(reader) == ["p0"]
        reader.refresh()
        assert list(reader) == ["p0", "p1", "p2"]


def test_a_store_outside_wal_mode_is_read_without_holding_up_its_writer(store):
    fill(store, 0)
    store.close()
    with sqlite3.connect(store.folder / "manifest.sqlite") as database:
        assert database.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    database.close()
    with RegionStore(store.folder) as reader:
        assert not reader.database.in_transaction
        assert same(reader["p0"], regions(0, 1))


# ---- removing and compacting


def test_removed_photos_are_gone_and_empty_shards_freed(store):
    fill(store, 0, 1)
    fill(store, 2)
    store.remove(["p2", "p0", "p2", "nobody"])
    assert list(store) == ["p1"]
    assert len(files(store)) == 1
    with RegionStore(store.folder) as reader:
        assert list(reader) == ["p1"]
        assert same(reader["p1"], regions(1, 2))
    fill(store, 3)
    assert same(store["p3"], regions(3, 1))


def test_readers_keep_what_was_removed_until_they_look_again(store):
    fill(store, 0)
    fill(store, 1)
    with RegionStore(store.folder) as reader:
        store.remove(["p0", "p1"])
        fill(store, 2)  # the number of a shard that is no more
        assert files(store) == {store.file(store.place("p2").shard)}
        assert same(reader["p0"], regions(0, 1))
        assert same(reader["p1"], regions(1, 2))
        reader.refresh()
        assert list(reader) == ["p2"]
        assert same(reader["p2"], regions(2, 3))


def test_a_reader_that_finds_a_shard_gone_looks_at_the_newer_state(store, monkeypatch):
    fill(store, 0, 1)
    with RegionStore(store.folder) as reader:
        real, turns = RegionStore._map_all, []

        def late(self, *, last):
            if not turns:  # a writer replaces the shard between the reader's two looks
                turns.append(1)
                self._shards.clear()
                store.remove(["p0"])
                store.append([("p1", regions(60))])
                store.remove([])
            return real(self, last=last)

        monkeypatch.setattr(RegionStore, "_map_all", late)
        reader.refresh()
        assert list(reader) == ["p1"]
        assert same(reader["p1"], regions(60))


def test_compacting_waits_until_it_is_worth_it(store):
    for seed in range(15):
        fill(store, seed)
    assert store.compact() == 0
    assert len(files(store)) == 15
    fill(store, 15)
    before = {key: regions(n, 1 + n % 3) for n, key in enumerate(store)}
    with RegionStore(store.folder) as reader:
        assert store.compact() == 16
        assert len(files(store)) == 1
        assert all(same(reader[key], before[key]) for key in before)
    with RegionStore(store.folder) as reader:
        assert list(reader) == list(before)
        for one in (store, reader):
            assert all(same(one[key], before[key]) for key in before)
    assert store.check() == {}
    assert store.compact() == 0


def test_compacting_leaves_full_shards_and_cuts_at_their_size(store, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._FULL_SHARD", 4)
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 3)
    fill(store, 0, 1, 2)
    full = files(store)
    for seed in range(3, 8):
        fill(store, seed)
    assert store.compact() == 5
    assert files(store) > full
    sizes = np.bincount([store.place(key).shard for key in store])
    assert sorted(sizes[sizes > 0]) == [1, 3, 4]
    for seed in range(8):
        assert same(store[f"p{seed}"], regions(seed, 1 + seed % 3))


def test_shards_half_forgotten_count_as_thin(store, monkeypatch):
    monkeypatch.setattr("regard.store.region_store._FULL_SHARD", 2)
    monkeypatch.setattr("regard.store.region_store._THIN_SHARDS", 2)
    for first in (0, 4):
        fill(store, *range(first, first + 4))
    assert store.compact() == 0
    store.remove(["p1", "p2", "p4", "p5"])
    assert store.compact() == 2
    assert list(store) == ["p0", "p3", "p6", "p7"]
    assert same(store["p7"], regions(7, 2))


# ---- damage


def test_damaged_shards_are_found_with_their_photos(store):
    fill(store, 0, 1)
    fill(store, 2)
    assert store.check() == {}
    name = store.file(store.place("p1").shard)
    data = bytearray((store.folder / name).read_bytes())
    data[-1] ^= 1
    (store.folder / name).write_bytes(data)
    assert store.check() == {name: ["p0", "p1"]}
    store.drop([name])
    assert list(store) == ["p2"]
    assert store.check() == {}
    assert name not in files(store)


@pytest.mark.parametrize("cut", [0, 4, 100])
def test_a_cut_shard_is_told_when_read(store, cut):
    fill(store, 0)
    store.close()
    path = next(store.folder.glob("shard-*"))
    path.write_bytes(path.read_bytes()[:cut])
    with (
        RegionStore(store.folder) as reader,
        pytest.raises(StoreError, match="damaged or missing"),
    ):
        reader["p0"]


def test_a_missing_shard_is_told_when_read(store):
    fill(store, 0)
    store.close()
    next(store.folder.glob("shard-*")).unlink()
    with (
        RegionStore(store.folder) as reader,
        pytest.raises(StoreError, match="damaged or missing"),
    ):
        reader["p0"]


def test_skipped_photos_are_remembered_until_they_are_stored(store):
    store.skip("p0", "broken")
    store.skip("p0", "still broken")
    store.skip("p1", "empty")
    assert store.skipped() == {"p0": "still broken", "p1": "empty"}
    fill(store, 0)
    assert store.skipped() == {"p1": "empty"}


def test_a_copied_folder_is_the_same_store(store, tmp_path):
    fill(store, 0, 1)
    store.close()
    shutil.copytree(store.folder, tmp_path / "copy")
    with RegionStore(tmp_path / "copy", "maker", DIM, writable=True) as copy:
        fill(copy, 2)
        assert list(copy) == ["p0", "p1", "p2"]
        assert same(copy["p1"], regions(1, 2))


@pytest.mark.parametrize("compressed", [False, True])
def test_shards_may_be_read_ahead_and_let_go(tmp_path, compressed):
    """Which changes what is in memory and nothing else."""
    with RegionStore(tmp_path / "s", "test", DIM, writable=True, compressed=compressed) as store:
        store.append([(str(n), regions(n)) for n in range(5)])
    with RegionStore(tmp_path / "s") as store:
        wanted, kept = store.gather(["3", "1"])[0], store["4"].vectors
        copy = np.array(kept)
        with reading(store.parts(["3", "1"])):
            assert (store.gather(["3", "1"])[0] == wanted).all()
        assert (kept == copy).all()
        assert (store.gather(["3", "1"])[0] == wanted).all()


@pytest.mark.parametrize("compressed", [False, True])
def test_photos_here_and_there_stay_in_no_mapped_pages(tmp_path, compressed, monkeypatch):
    let_go = []
    monkeypatch.setattr("regard.store.shards._FEW", 2)
    monkeypatch.setattr(
        "regard.store.shards.let_go", lambda parts: let_go.append([part[1] for part in parts])
    )
    with RegionStore(tmp_path, "maker", DIM, writable=True, compressed=compressed) as store:
        store.append((f"p{seed}", regions(seed)) for seed in range(5))
        keys = ["p4", "p0", "p2"]
        assert all(map(np.array_equal, store.gather(keys, apart=True), store.gather(keys)))
        copies = store.copies(keys)
        assert let_go == [[12, 0], [6]] * 2
        for copy, key in zip(copies, keys, strict=True):
            assert same(copy, store[key])
            assert not np.shares_memory(copy.vectors, store.shard(0).vectors)

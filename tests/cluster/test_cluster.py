"""On a real cluster of two nodes: results are those of one machine, lost nodes cost nothing."""

import contextlib
import math
import threading
import time

import numpy as np
import pytest

from regard.cluster import building, evaluating, session
from regard.cluster.evaluating import ClusterSimilarity, Split
from regard.cluster.pieces import PieceMaker
from regard.cluster.places import Location
from regard.cluster.searching import ClusterIndex
from regard.datasets.dataset import open_dataset
from regard.errors import CheckpointError, ClusterError
from regard.evaluation.report import Judge
from regard.indexing import update_index
from regard.model.model import load
from regard.search import Filters, Index
from tests.cluster.state import catalog, vectors

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
QUERIES = ("a dog on the grass", "red; -1: a cat", "2: beach; 0.5: a leash", "zebra")


@pytest.fixture(autouse=True)
def _small_units(monkeypatch):
    monkeypatch.setattr(building, "unit_size", lambda _: 4)


def wait_for(condition, seconds=60):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def test_extraction_survives_the_loss_of_a_node(nodes, tmp_path, photos, model, monkeypatch):
    """Workers of the second node stop in the middle of a unit; then it is killed.

    The others do one unit each and wait for that, so that there is work left for the second.
    """
    monkeypatch.setattr(building, "unit_size", lambda _: 2)
    doomed = nodes.second.node_id
    marks = tmp_path / "marks"
    marks.mkdir()

    def make(job):
        import os

        import ray

        real = PieceMaker(job)
        here = ray.get_runtime_context().get_node_id()

        def work(item):
            if here == doomed:
                (marks / "stuck").touch()
                time.sleep(600)
            own = marks / str(os.getpid())
            for _ in range(3000 if own.exists() else 0):
                if (marks / "stuck").exists():
                    break
                time.sleep(0.1)
            own.touch()
            return real(item)

        return work

    monkeypatch.setattr(building, "PieceMaker", make)

    def kill():
        wait_for((marks / "stuck").exists, 330)
        nodes.kill_second()

    killer = threading.Thread(target=kill)
    killer.start()
    report = building.index_photos(tmp_path / "index", Location.of(str(photos)), model, workers=4)
    killer.join()
    assert nodes.second is None
    assert (marks / "stuck").exists()
    assert report == update_index(tmp_path / "alone", photos, model, workers=1)
    assert vectors(tmp_path / "index") == vectors(tmp_path / "alone")
    assert catalog(tmp_path / "index") == catalog(tmp_path / "alone")
    again = building.index_photos(tmp_path / "index", Location.of(str(photos)), model)
    assert (again.added, again.unchanged) == (0, 41)


def equal(answer, result):
    """Whether a cluster found what one machine does, in the same order."""
    assert [hit.photo for hit in answer.result.hits] == [hit.photo for hit in result.hits]
    np.testing.assert_allclose(
        [hit.similarity for hit in answer.result.hits],
        [hit.similarity for hit in result.hits],
        rtol=0,
        atol=1e-6,
    )
    assert (answer.result.verdict, answer.result.unknown_words, answer.result.total) == (
        result.verdict,
        result.unknown_words,
        result.total,
    )
    for ours, alone in zip(answer.result.hits, result.hits, strict=True):
        assert ours.words() == alone.words()


def test_search_is_that_of_one_machine_and_survives_the_loss_of_a_node(nodes, index_folder, model):
    with (
        Index.open(index_folder, model) as alone,
        ClusterIndex(index_folder, model, holders=3, patience=150) as held,
    ):
        assert [part.photos for part in held.parts] == [16, 12, 12]
        assert len(held) == len(alone) == 40
        for query in QUERIES:
            for k in (1, 7, 100):
                equal(held.search(query, k), alone.search(query, k))
        by_path = Filters(path="*/b/*")
        equal(held.search("a dog", 9, filters=by_path), alone.search("a dog", 9, filters=by_path))
        equal(held.search("a dog", 9, sort="date"), alone.search("a dog", 9, sort="date"))
        nothing = held.search("a dog", filters=Filters(path="/nowhere/*"))
        assert (nothing.result.hits, nothing.missing) == ([], ())

        answers, over = [], threading.Event()

        def keep_asking():
            while not over.is_set():
                answers.append(held.search("a dog", 100))

        asker = threading.Thread(target=keep_asking)
        asker.start()
        wait_for(lambda: len(answers) >= 3)
        nodes.kill_second()
        before = len(answers)
        wait_for(lambda: len(answers) >= before + 3, 150)
        over.set()
        asker.join()
        wanted = alone.search("a dog", 100)
        for answer in answers:
            assert answer.missing == ()
            equal(answer, wanted)


@contextlib.contextmanager
def full_but_for(node, spare):
    """Occupy the cluster but for a node and so many CPUs elsewhere."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    class Guest:
        def here(self):
            return True

    guests = []
    for other in ray.nodes():
        cpus = int(other["Resources"].get("CPU", 0)) if other["Alive"] else 0
        if other["NodeID"] != node.node_id and cpus:
            place = NodeAffinitySchedulingStrategy(other["NodeID"], soft=False)
            taken, spare = cpus - min(spare, cpus), spare - min(spare, cpus)
            options = {"num_cpus": taken, "scheduling_strategy": place}
            guests.append(ray.remote(Guest).options(**options).remote())
    assert all(ray.get([guest.here.remote() for guest in guests], timeout=120))
    yield
    for guest in guests:
        ray.kill(guest)


def test_parts_without_room_are_named_until_there_is_some(nodes, index_folder, model):
    with (
        full_but_for(nodes.second, 1),
        Index.open(index_folder, model) as alone,
        ClusterIndex(index_folder, model, holders=3, patience=150) as held,
    ):
        assert len(held.parts) == 3  # of which one at most has room elsewhere
        equal(held.search("a dog", 100), alone.search("a dog", 100))
        nodes.kill_second()
        held._scorer._patience = 4
        answers = []  # workers of a node that is gone may answer for some seconds yet
        wait_for(lambda: answers.append(held.search("a dog", 100)) or answers[-1].missing, 120)
        answer = answers[-1]
        for part, reason in answer.missing:
            assert part.shards
            assert reason == "no answer within 4 s"
        there = {hit.photo.id for hit in answer.result.hits}
        assert len(there) == 40 - sum(part.photos for part, _ in answer.missing)
        ranked = [hit for hit in alone.search("a dog", 100).hits if hit.photo.id in there]
        assert [hit.photo for hit in answer.result.hits] == [hit.photo for hit in ranked]

        nodes.whole()
        held._scorer._patience = 120
        whole = held.search("a dog", 100)
        assert whole.missing == ()
        equal(whole, alone.search("a dog", 100))


def test_damaged_parts_are_named_and_changes_are_seen(nodes, index_folder, photos, model):
    with ClusterIndex(index_folder, model, holders=2, patience=120) as held:
        assert held.search("a dog", 1).missing == ()
        (photos / "a/00.png").unlink()
        update_index(index_folder, photos, model, workers=1)
        before = held.search("a dog", 100)
        assert len(before.result.hits) == 40  # the state it was opened in
        held.refresh()
        after = held.search("a dog", 100)
        assert len(after.result.hits) == 39
        with Index.open(index_folder, model) as alone:
            equal(after, alone.search("a dog", 100))
    shard = sorted(index_folder.glob("shard-*"))[1]
    shard.write_bytes(b"not a shard")
    with ClusterIndex(index_folder, model, holders=2, patience=120) as held:
        answer = held.search("a dog", 100)
        ((part, reason),) = answer.missing
        assert shard.name in part.shards.values()
        assert "is damaged or missing" in reason
        assert len(answer.result.hits) == 39 - part.photos


def test_the_matrix_is_that_of_one_machine(nodes, world, monkeypatch):
    monkeypatch.setattr(evaluating, "_PHOTOS", 30)
    monkeypatch.setattr(evaluating, "_CAPTIONS", 50)
    model = load(world.model)
    dataset = open_dataset(world.captions, "all", world.regions)
    alone = Judge().similarity(model, dataset, lambda *_: None)
    progress_told = []
    split = Split(str(world.captions), "all", str(world.regions), "all")
    scored = ClusterSimilarity(split, workers=2)
    similarities = scored(model, dataset, lambda *done: progress_told.append(done))
    assert np.abs(similarities - alone).max() <= 1e-6
    assert similarities.shape == alone.shape == (80, 160)
    assert progress_told[-1] == (160, 160)
    ours = Judge(similarity=scored).evaluate([model], dataset, world.captions, "all")
    assert ours.tree() == Judge().evaluate([model], dataset, world.captions, "all").tree()


@pytest.mark.parametrize("blocks", [60, 20])
def test_workers_wait_for_a_caller_that_is_slow(nodes, tmp_path, monkeypatch, blocks):
    monkeypatch.setattr(session, "_MOST_BLOCKS", blocks)
    size = 60 // blocks

    def make(_job):
        def work(item):
            (tmp_path / item).touch()
            return item.encode()

        return work

    def made():
        return len(list(tmp_path.iterdir()))

    items = [f"{n:02}" for n in range(60)]
    results = session.stream(make, None, items, workers=2)
    taken = []
    for _ in range(4):
        taken.append(next(results).decode())
        wait_for(lambda: made() >= 8 * size)
        time.sleep(2)  # for what should not come
        assert made() <= (8 + math.ceil(len(taken) / size)) * size
    taken += [result.decode() for result in results]
    assert taken == items
    assert made() == 60


def test_what_a_worker_raises_comes_back_plainly(nodes, tmp_path, photos, model):
    job = building.Job(*[Location.of(str(photos))] * 2, "statistics", model.source, "x", False)
    with pytest.raises(CheckpointError, match="on this machine of the cluster"):
        list(session.stream(PieceMaker, job, ["{}"], 1))

    def broken(_job):
        def work(item):
            raise ZeroDivisionError(item)

        return work

    with pytest.raises(ClusterError, match=r"a worker failed \(.*ZeroDivisionError"):
        list(session.stream(broken, None, ["one"], 1))

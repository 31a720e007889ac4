"""A real Ray cluster of two nodes on this machine, and what is extracted, indexed and searched."""

import contextlib
import os
import warnings
from pathlib import Path

import pytest
from small import draw, save_model

from regard.indexing import update_index
from regard.model.model import load
from tests.cli.conftest import world  # noqa: F401 - a fixture

NEEDS_RAY = "Ray is not installed (pip install 'regard[ray]')"


def pytest_collection_modifyitems(items):
    """All tests of this folder run in one process: two clusters at a time would be too much."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("cluster"))


def patiently(start):
    """Ray gives a node 30 seconds to start, which is not always enough on a busy machine."""
    for _ in range(4):
        with contextlib.suppress(Exception):
            return start()
    return start()


class Nodes:
    """Two nodes of three declared CPUs each; one of them may be lost and replaced."""

    def __init__(self):
        from ray.cluster_utils import Cluster

        self._arguments = {
            "num_cpus": 3,
            "include_dashboard": False,
            "object_store_memory": 100 * 2**20,
        }
        self.cluster = patiently(
            lambda: Cluster(initialize_head=True, head_node_args=self._arguments)
        )
        self.second = patiently(lambda: self.cluster.add_node(**self._arguments))
        self.cluster.wait_for_nodes()

    @property
    def address(self):
        return self.cluster.address

    def whole(self):
        """Have two nodes again."""
        if self.second is None:
            self.second = patiently(lambda: self.cluster.add_node(**self._arguments))
            self.cluster.wait_for_nodes()

    def kill_second(self):
        """As when its power goes: no node says goodbye."""
        lost, self.second = self.second, None
        self.cluster.remove_node(lost, allow_graceful=False)


@pytest.fixture(scope="session")
def two_nodes():
    ray = pytest.importorskip("ray", reason=NEEDS_RAY)
    for name, value in (("OMP_NUM_THREADS", "1"), ("RAY_USAGE_STATS_ENABLED", "0")):
        os.environ[name] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = Nodes()
        ray.init(address=nodes.address, log_to_driver=False, logging_level="error")
        yield nodes
        ray.shutdown()
        nodes.cluster.shutdown()


@pytest.fixture
def nodes(two_nodes):
    """Both nodes, whatever the test before did to them."""
    two_nodes.whole()
    return two_nodes


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def model(model_folder):
    return load(model_folder)


def draw_photos(folder, number):
    """Photos in two folders, one of them twice, and one that is none."""
    for seed in range(number):
        draw(folder / f"{'ab'[seed % 2]}/{seed:02}.png", seed, date="2019:05:01 10:00:00")
    draw(folder / "c/copy.png", 7, date="2019:05:01 10:00:00")
    (folder / "a/broken.png").write_bytes(b"no photo")
    return folder


@pytest.fixture
def photos(tmp_path):
    return draw_photos(tmp_path / "photos", 40)


@pytest.fixture
def index_folder(tmp_path, photos, model, monkeypatch):
    """An index of the photos made on this machine alone, of several shards."""
    monkeypatch.setattr("regard.indexing.update._COMMIT_PHOTOS", 6)
    update_index(tmp_path / "index", photos, model, workers=1)
    return tmp_path / "index"

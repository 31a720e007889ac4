"""HDF5 files and LMDBs as others keep features in: every form arrives, nothing is executed."""

import base64
import io
import json
import pickle
import sys

import h5py
import lmdb
import msgpack
import numpy as np
import pytest

from regard.datasets.hdf5 import open_hdf5
from regard.datasets.importing import feature_dim, import_rows
from regard.datasets.lmdb_files import is_lmdb, open_lmdb
from regard.errors import ConfigError, DataError
from regard.store.region_store import RegionStore

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.random((3, 4, 5), np.float32)  # photos, regions, numbers
BOXES = np.float32([[0, 0, 32, 24], [8, 8, 64, 48], [1, 2, 3, 4], [5, 6, 60, 40]])
PARTS = np.concatenate([BOXES / [64, 48, 64, 48], np.ones((4, 2))], 1, dtype=np.float32)
IDS = ["12", "9", "a/b"]


class Danger:
    """Unpickled by plain pickle, it would leave a file behind."""

    def __reduce__(self):
        return open, ("danger", "w")


def imported(source, tmp_path, names=None):
    """The store of a source, and what the import says."""
    store = RegionStore(tmp_path / "store", "other", 5, writable=True)
    return store, import_rows(source.rows(), len(source), store, names)


def by_row(path, features=FEATURES, **more):
    with h5py.File(path, "w") as file:
        file["image_features"] = features
        for name, array in more.items():
            file[name] = array
    return path


def check(store, photo, row, boxes=BOXES):
    np.testing.assert_allclose(store[photo].vectors, FEATURES[row], atol=1e-3)
    np.testing.assert_allclose(store[photo].boxes, boxes, atol=1e-3)


@pytest.mark.parametrize("kind", ["pickle", "json", "list", "text", "inside"])
def test_rows_of_an_hdf5_file_are_found_by_ids_wherever_they_stand(kind, tmp_path):
    boxes = np.stack([BOXES] * 3)
    path = by_row(tmp_path / "v36.hdf5", image_bb=boxes, spatial_features=np.stack([PARTS] * 3))
    rows = {"12": 2, "9": 0, "a/b": 1}
    ids = None
    if kind == "pickle":
        (tmp_path / "v36_imgid2idx.pkl").write_bytes(pickle.dumps({12: 2, "9": 0, "a/b": 1}))
    elif kind == "json":
        (tmp_path / "v36_imgid2idx.json").write_text(json.dumps(rows))
    elif kind == "list":
        ids = tmp_path / "other.pkl"
        ids.write_bytes(pickle.dumps(np.array([9, 7, 12]).tolist()))
    elif kind == "text":
        (tmp_path / "v36_ids.txt").write_text("9\na/b\n12\n")
    else:
        with h5py.File(path, "a") as file:
            file["ids"] = np.array(["9", "a/b", "12"], h5py.string_dtype())
    source = open_hdf5(path, ids)
    store, report = imported(source, tmp_path)
    with store:
        assert (report.imported, report.skipped) == (3, {})
        check(store, "12", 2)
        check(store, "9", 0)
        assert store["12"].size == (64, 48)  # as boxes in pixels and in parts tell together


def test_photos_of_different_numbers_of_regions_have_spans(tmp_path):
    spans = np.array([[0, 4], [4, 7], [7, 7]])
    flat = np.concatenate([FEATURES[0], FEATURES[1, :3]])
    boxes = np.concatenate([BOXES, BOXES[:3]])
    path = by_row(tmp_path / "v.hdf5", flat, image_bb=boxes, pos_boxes=spans)
    (tmp_path / "v_ids.txt").write_text("x y none")
    store, report = imported(open_hdf5(path), tmp_path)
    with store:
        check(store, "x", 0)
        np.testing.assert_allclose(store["y"].vectors, FEATURES[1, :3], atol=1e-3)
        assert list(report.skipped) == ["none"]


def test_groups_and_arrays_by_id_and_in_pairs(tmp_path):
    with h5py.File(tmp_path / "groups.h5", "w") as file:
        for name, features in zip(IDS, FEATURES, strict=True):
            group = file.create_group(name)
            group["features"], group["bbox"] = features.astype(np.float16), BOXES
            group.attrs["image_w"], group.attrs["image_h"] = 70, 50
        file["bad"] = np.ones((2, 2, 2), np.float32)
    store, report = imported(open_hdf5(tmp_path / "groups.h5"), tmp_path)
    with store:
        check(store, "a/b", 2)
        assert store["9"].size == (70, 50)
        assert list(report.skipped) == ["bad"]
    with h5py.File(tmp_path / "pairs.hdf5", "w") as file:
        file["7_features"], file["7_boxes"] = FEATURES[1], BOXES
        file["7_cls_prob"] = np.ones((4, 9))
    store, report = imported(open_hdf5(tmp_path / "pairs.hdf5"), tmp_path / "other", {"7": "7.jpg"})
    with store:
        assert report.imported == 1
        check(store, "7.jpg", 1)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: by_row(path), r"v_imgid2idx.pkl. Name the file with --ids"),
        (lambda path: by_row(path, ids=np.arange(9)), "it has 3 photos, and its ids are for other"),
        (lambda path: h5py.File(path, "w").close(), "it is empty"),
        (lambda path: path.write_text("no features"), "it must be an HDF5 file"),
        (lambda _path: None, "it must be an HDF5 file"),
    ],
)
def test_a_file_of_another_form_is_refused(made, said, tmp_path):
    made(tmp_path / "v.hdf5")
    with pytest.raises(DataError, match=said):
        open_hdf5(tmp_path / "v.hdf5")


def test_ids_are_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = by_row(tmp_path / "v.hdf5")
    (tmp_path / "v_ids.pkl").write_bytes(pickle.dumps(Danger()))
    with pytest.raises(DataError, match=r"asks for (io|_io).open"):
        open_hdf5(path)
    assert not (tmp_path / "danger").exists()


def as_msgpack(tree):
    """As msgpack-numpy writes."""

    def code(value):
        kind = {b"nd": value.ndim > 0, b"type": value.dtype.str, b"kind": b""}
        return {**kind, b"shape": value.shape, b"data": value.tobytes()}

    return msgpack.packb(tree, default=code)


def as_npz(tree):
    with io.BytesIO() as file:
        np.savez_compressed(file, **tree)
        return file.getvalue()


CODED = {"num_boxes": 4, "image_w": 64, "image_h": 48}
for name, array in {"features": FEATURES[2], "boxes": BOXES}.items():
    CODED[name] = base64.b64encode(array.tobytes())
NORMED = {"features": FEATURES[1].astype(np.float16), "norm_bb": PARTS}
PLAIN = {"features": FEATURES[0], "boxes": BOXES, "image_id": "12", "image_w": np.int64(64)}


@pytest.fixture
def database(tmp_path):
    folder = tmp_path / "features.lmdb"
    with lmdb.open(str(folder)) as made, made.begin(write=True) as writing:
        entries = {
            "keys": pickle.dumps([b"old"]),
            "__len__": b"7",
            **{f"p{n}": pickle.dumps(PLAIN, n) for n in range(2, 6)},
            "fortran": pickle.dumps({"features": np.asfortranarray(FEATURES[0]), "boxes": BOXES}),
            "coded": pickle.dumps(CODED),
            "coco_9.npz": as_msgpack({**NORMED, "conf": np.float32(0.5)}),
            "b.npz": as_npz(NORMED),
            "bad_danger": pickle.dumps(Danger()),
            "bad_object": as_msgpack({"features": np.zeros(3)}).replace(b"<f8", b"|O8"),
            "bad_list": msgpack.packb([1]),
            "bad_cut": pickle.dumps(PLAIN)[:-20],
        }
        for key, value in entries.items():
            writing.put(key.encode(), value)
    return folder


def test_values_of_an_lmdb_in_every_form(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_lmdb(database)
    assert is_lmdb(database / "data.mdb")
    source = open_lmdb(database)
    assert feature_dim(source.rows(), database) == 5
    store, report = imported(source, tmp_path, {"coco_9": "9.jpg"})
    with store:
        for name in ("p2", "p3", "p4", "p5", "fortran"):
            check(store, name, 0)
        check(store, "coded", 2)
        assert store["coded"].size == (64, 48)
        check(store, "9.jpg", 1, PARTS[:, :4] * 1000)  # on a photo of 1000 x 1000
        check(store, "b", 1, PARTS[:, :4] * 1000)
        assert sorted(report.skipped) == ["bad_cut", "bad_danger", "bad_list", "bad_object"]
        assert "asks for" in report.skipped["bad_danger"]
    assert not (tmp_path / "danger").exists()
    del source  # which closes it: a process may open an LMDB once
    assert len(list(open_lmdb(database / "data.mdb").rows())) == len(store) + 4


def test_what_is_no_lmdb_is_refused(tmp_path):
    (tmp_path / "features.lmdb").write_text("nothing")
    with pytest.raises(DataError, match="it must be an LMDB"):
        open_lmdb(tmp_path / "features.lmdb")
    assert not is_lmdb(tmp_path)


@pytest.mark.parametrize("module", ["h5py", "lmdb", "msgpack"])
def test_a_missing_library_says_what_brings_it(module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{module} cannot .* pip install 'regard\[features\]'"):
        (open_hdf5 if module == "h5py" else open_lmdb)(tmp_path)

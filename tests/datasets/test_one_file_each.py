"""Features in a folder, one file a photo, into a store: whatever is known, nothing executed."""

import numpy as np
import pytest

from regard.datasets.importing import feature_dim, import_rows
from regard.datasets.one_file_each import files_in, read_files
from regard.errors import DataError
from regard.store.region_store import RegionStore

FEATURES = np.random.default_rng(0).random((3, 5)).astype(np.float32)
BOXES = np.float32([[0, 1, 11, 12], [4, 5, 15, 16], [8, 9, 19, 20]])


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "features"
    (place / "deeper").mkdir(parents=True)
    sizes = {"image_w": 64, "image_h": 48}
    np.savez(place / "whole.npz", features=FEATURES, bbox=BOXES, **sizes)
    np.savez(place / "turned.npz", x=FEATURES.T, bbox=BOXES, info=np.array({"a": 1}, object))
    padded = np.concatenate([FEATURES, np.zeros((2, 5))])
    np.save(place / "deeper/plain.npy", np.asfortranarray(padded.astype(np.float16)))
    np.savez(place / "bad_other_key.npz", pixels=FEATURES)
    np.savez(place / "bad_boxes.npz", features=FEATURES, boxes=BOXES[:2])
    np.save(place / "bad_nan.npy", FEATURES * np.nan)
    np.save(place / "bad_pickle.npy", np.array([{}], object))
    np.save(place / "bad_shape.npy", FEATURES[None])
    (place / "bad_archive.npz").write_bytes(b"PK no archive")
    (place / "notes.txt").write_text("passed over")
    return place


def test_what_is_known_arrives_and_what_cannot_be_read_is_named(folder, tmp_path):
    files = files_in(folder)
    assert len(files) == 9
    assert feature_dim(read_files(files), folder) == 5
    with RegionStore(tmp_path / "store", "other", 5, writable=True) as store:
        told = []
        report = import_rows(
            read_files(files), 9, store, {"whole": "w.jpg"}, lambda *a: told.append(a)
        )
        assert report.imported == 3
        assert sorted(report.skipped) == sorted(
            f"bad_{name}" for name in ("other_key", "boxes", "nan", "pickle", "shape", "archive")
        )
        assert all(name in reason for name, reason in report.skipped.items())
        for key in ("w.jpg", "turned", "plain"):
            np.testing.assert_allclose(store[key].vectors, FEATURES, atol=1e-3)
        assert (store["w.jpg"].width, store["w.jpg"].height) == (64, 48)
        np.testing.assert_array_equal(store["turned"].boxes, BOXES)
        assert (store["turned"].width, store["turned"].height) == (19, 20)
        assert store["plain"].boxes.tolist() == [[0, 0, 1, 1]] * 3
        assert told[-1] == (9, 9)
        assert import_rows(read_files(files), 9, store).already == 2  # whole has its own name now


def test_a_folder_without_features_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"it must hold .npz or .npy files"):
        files_in(tmp_path)
    np.save(tmp_path / "bad.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"bad.npy cannot be read"):
        feature_dim(read_files(files_in(tmp_path)), tmp_path)

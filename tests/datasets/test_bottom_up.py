"""Bottom-up-attention .tsv files into a store, boxes and all."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from regard.datasets.bottom_up import names_of_ids, read_tsv
from regard.datasets.importing import feature_dim, import_rows
from regard.errors import DataError
from regard.store.region_store import RegionStore

DIM = 5


def coded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, np.float32).tobytes()).decode()


def line(image_id: object, boxes: np.ndarray, features: np.ndarray, *more: str) -> str:
    columns = [image_id, 640, 480, len(boxes), coded(boxes), coded(features), *more]
    return "\t".join(map(str, columns)) + "\n"


def made(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random((count, 4)) * 400, random.random((count, DIM))


@pytest.fixture
def tsv(tmp_path: Path) -> Path:
    path = tmp_path / "features.tsv"
    path.write_text(
        line(391895, *made(3, 1))
        + line(17, *made(2, 2), "further", "columns")
        + line(391895, *made(3, 1))
        + "18\t640\t480\n"
        + line(19, *made(2, 3)).replace("\t2\t", "\t3\t")
        + line(20, made(1, 4)[0], np.full((1, DIM), np.nan))
        + line(21, made(1, 5)[0], np.ones((1, DIM + 1)))
        + "22\t640\t480\t1\t!!!!\t????\n"
        + "\n"
    )
    return path


def import_tsv(path, store, names=None, progress=lambda *_: None):
    return import_rows(read_tsv(path), path.stat().st_size, store, names, progress)


def open_store(tmp_path: Path) -> RegionStore:
    return RegionStore(tmp_path / "store", "bottom-up", DIM, writable=True)


def test_boxes_sizes_and_features_arrive_and_broken_lines_are_named(
    tsv: Path, tmp_path: Path
) -> None:
    progress_told = []
    with open_store(tmp_path) as store:
        report = import_tsv(
            tsv, store, progress=lambda done, total: progress_told.append((done, total))
        )
        assert (report.imported, report.already) == (2, 1)
        assert sorted(report.skipped) == ["18", "19", "20", "21", "22"]
        assert "line 4" in report.skipped["18"]
        assert "not 5" in report.skipped["21"]
        assert sorted(store.skipped()) == ["18", "19", "20", "21", "22"]
        boxes, features = made(3, 1)
        regions = store["391895"]
        np.testing.assert_allclose(regions.boxes, boxes, rtol=1e-6)
        np.testing.assert_allclose(regions.vectors, features, atol=1e-3)
        assert (regions.width, regions.height) == (640, 480)
        assert len(store["17"].vectors) == 2
    assert progress_told[-1][1] == tsv.stat().st_size
    assert [done for done, _ in progress_told] == sorted(done for done, _ in progress_told)


def test_a_second_run_adds_nothing(tsv: Path, tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        import_tsv(tsv, store)
    with open_store(tmp_path) as store:
        again = import_tsv(tsv, store)
        assert (again.imported, again.already, len(store)) == (0, 3, 2)


def test_ids_become_file_names_of_a_karpathy_json(tsv: Path, tmp_path: Path) -> None:
    captions = tmp_path / "dataset.json"
    images = [
        {"filepath": "val2014", "filename": "COCO_val2014_000000391895.jpg", "cocoid": 391895},
        {"filename": "17.jpg"},
    ]
    captions.write_text(json.dumps({"images": images}))
    with open_store(tmp_path) as store:
        import_tsv(tsv, store, names_of_ids(captions))
        assert set(store) == {"val2014/COCO_val2014_000000391895.jpg", "17.jpg"}
    captions.write_text("[]")
    with pytest.raises(DataError, match="must be Karpathy's JSON"):
        names_of_ids(captions)


def test_width_comes_from_the_first_line_that_can_be_read(tsv: Path, tmp_path: Path) -> None:
    assert feature_dim(read_tsv(tsv), tsv) == DIM
    other = tmp_path / "other.tsv"
    other.write_text("not\tfeatures\n")
    with pytest.raises(DataError, match=r"line 1 of other.tsv .* 2 columns"):
        feature_dim(read_tsv(other), other)
    with pytest.raises(DataError, match="the file must exist"):
        feature_dim(read_tsv(tmp_path / "none.tsv"), tmp_path)


def test_lines_without_boxes_in_both_forms(tmp_path: Path) -> None:
    _, features = made(2, 1)
    tree = json.dumps({"num_boxes": 2, "features": coded(features)})
    path = tmp_path / "vinvl.tsv"
    path.write_text(f"7\t2\t{coded(features)}\n8\t{tree}\n9\t3\t{coded(features)}\n10\t{{}}\n")
    with open_store(tmp_path) as store:
        report = import_tsv(path, store)
        assert (report.imported, sorted(report.skipped)) == (2, ["10", "9"])
        for key in ("7", "8"):
            np.testing.assert_allclose(store[key].vectors, features, atol=1e-3)
            assert store[key].boxes.tolist() == [[0, 0, 1, 1]] * 2  # all of the photo

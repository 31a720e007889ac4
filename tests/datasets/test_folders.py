"""SCAN's folders: repetition found from the arrays, nothing read before it is needed."""

from pathlib import Path

import numpy as np
import pytest

from regard.datasets.dataset import open_dataset
from regard.datasets.folders import count_regions, open_precomp
from regard.errors import DataError
from regard.official.files import OfficialSet, Split, find_official

REGIONS, DIM = 4, 3


def photos(count: int, seed: int = 0) -> np.ndarray:
    """(count, 4, 3) features of as many different photos."""
    return np.random.default_rng(seed).random((count, REGIONS, DIM), np.float32)


def write(
    folder: Path,
    split: str,
    array: np.ndarray,
    captions: list[str],
    ids: list[object] | None = None,
) -> Path:
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{split}_ims.npy", array)
    text = "".join(f"{caption}\n" for caption in captions)
    (folder / f"{split}_caps.txt").write_text(text, encoding="utf-8")
    if ids is not None:
        (folder / f"{split}_ids.txt").write_text("".join(f"{i}\n" for i in ids))
    return folder


def numbered(count: int) -> list[str]:
    return [f"caption {n}" for n in range(count)]


@pytest.mark.parametrize("each", [1, 3, 5])
@pytest.mark.parametrize("with_ids", [True, False])
def test_one_row_a_photo_and_repeated_rows_are_the_same_data(
    tmp_path: Path, each: int, with_ids: bool
) -> None:
    array, captions = photos(6), numbered(6 * each)
    ids = [100 + n for n in range(6)] if with_ids else None
    repeated_ids = list(np.repeat(ids, each)) if ids else None
    write(tmp_path, "train", array, captions, ids)
    write(tmp_path, "test", np.repeat(array, each, axis=0), captions, repeated_ids)
    for split in ("train", "test"):
        dataset = open_precomp(tmp_path, split)
        assert dataset.captions.sentences == tuple(captions)
        assert dataset.captions.photo_of_caption.tolist() == np.repeat(range(6), each).tolist()
        if with_ids and each > 1:
            assert dataset.captions.photos == ("100", "101", "102", "103", "104", "105")
        features, counts = dataset.gather([5, 0, 5])
        np.testing.assert_array_equal(features, array[[5, 0, 5]])
        assert counts.tolist() == [REGIONS] * 3
        assert features.dtype == np.float32


def test_photos_with_different_numbers_of_captions_are_told_apart(tmp_path: Path) -> None:
    array = np.repeat(photos(4), [2, 2, 1, 2], axis=0)
    dataset = open_precomp(write(tmp_path, "dev", array, numbered(7)), "val")
    assert dataset.captions.photo_of_caption.tolist() == [0, 0, 1, 1, 2, 3, 3]
    by_ids = write(tmp_path / "ids", "dev", array, numbered(7), ["9 a.jpg"] * 4 + [8, 7, 7])
    assert open_precomp(by_ids, "dev").captions.photo_of_caption.tolist() == [0, 0, 0, 0, 1, 2, 2]


def test_two_equal_photos_side_by_side_stay_two(tmp_path: Path) -> None:
    """A run of ten rows among runs of five is two copies of one photo."""
    array = np.repeat(photos(3)[[0, 1, 1, 2]], 5, axis=0)
    dataset = open_precomp(write(tmp_path, "dev", array, numbered(20)), "dev")
    assert dataset.captions.photo_of_caption.tolist() == np.repeat(range(4), 5).tolist()


def test_photos_that_begin_alike_are_not_one(tmp_path: Path) -> None:
    array = photos(4)
    array[:, 0] = 1.0
    dataset = open_precomp(write(tmp_path, "dev", array, numbered(4)), "dev")
    assert len(dataset.captions.photos) == 4


def test_zero_vectors_at_the_end_are_no_regions(tmp_path: Path) -> None:
    array = photos(3)
    array[0, 2:] = 0
    array[1] = 0
    array[2, 1] = 0  # in the middle: an odd region, but one
    assert count_regions(array).tolist() == [2, 1, 4]
    dataset = open_precomp(write(tmp_path, "train", array, numbered(6)), "train")
    assert dataset.gather([0, 1, 2])[1].tolist() == [2, 1, 4]


def test_features_are_mapped_and_only_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    dataset = open_precomp(write(tmp_path, "train", photos(5), numbered(5)), "train")
    assert isinstance(dataset.array, np.memmap)
    features, _ = dataset.gather([1])
    assert type(features) is np.ndarray
    features[:] = 0  # a copy: the file stays as it was
    assert np.load(tmp_path / "train_ims.npy").all()


@pytest.mark.parametrize("kind", [">f4", ">f2", "<f2", "<f4", "<f8", "longdouble"])
def test_features_come_in_native_numbers(tmp_path: Path, kind: str) -> None:
    array = photos(3).astype(kind)
    features, _ = open_precomp(write(tmp_path, "train", array, numbered(3)), "train").gather([2, 0])
    assert features.dtype in (np.float16, np.float32, np.float64)
    assert features.dtype.isnative
    assert features.dtype == (kind if kind in ("<f2", "<f8") else np.float32)
    np.testing.assert_array_equal(
        features, array[[2, 0]].astype(np.float32 if ">" in kind else kind)
    )


def test_ids_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    folder = write(tmp_path, "dev", np.repeat(photos(2), 2, axis=0), numbered(4), [7, 7, 8, 8])
    path = folder / "dev_ids.txt"
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert open_precomp(folder, "dev").captions.photos == ("7", "8")


def test_one_vector_a_photo_as_in_vsepp_is_one_region(tmp_path: Path) -> None:
    folder = write(tmp_path, "test", np.repeat(photos(3)[:, 0], 5, axis=0), numbered(15))
    dataset = open_precomp(folder, "test")
    assert isinstance(dataset.array, np.memmap)
    features, counts = dataset.gather([2, 0])
    np.testing.assert_array_equal(features, photos(3)[[2, 0], :1])
    assert counts.tolist() == [1, 1]
    assert len(dataset.captions.photos) == 3


def test_boxes_and_sizes_come_along_where_they_are(tmp_path: Path) -> None:
    folder = write(tmp_path, "test", np.repeat(photos(2), 5, axis=0), numbered(10))
    assert open_precomp(folder, "test").boxes is None
    boxes = np.arange(10 * REGIONS * 4, dtype=np.float32).reshape(10, REGIONS, 4)
    np.save(folder / "test_boxes.npy", boxes)
    np.save(folder / "test_img_sizes.npy", np.tile([640, 480], (10, 1)))
    dataset = open_precomp(folder, "test")
    row = dataset.row_of_photo[1]
    np.testing.assert_array_equal(dataset.boxes[row], boxes[5])
    assert dataset.sizes[row].tolist() == [640, 480]
    np.save(folder / "test_boxes.npy", boxes[:9])
    with pytest.raises(DataError, match=r"test_boxes.npy has shape \(9, 4, 4\)"):
        open_precomp(folder, "test")


def test_empty_captions_are_left_out_and_named(tmp_path: Path) -> None:
    captions = ["a", "", "b", "c", "  ", ""]
    dataset = open_precomp(write(tmp_path, "train", photos(3), captions), "train")
    assert dataset.captions.sentences == ("a", "b", "c")
    assert dataset.captions.photo_of_caption.tolist() == [0, 1, 1]
    assert list(dataset.skipped) == ["line 2", "line 5", "line 6"]
    assert dataset.skipped["line 5"] == "caption in line 5 of train_caps.txt is empty"
    np.testing.assert_array_equal(dataset.gather([1])[0][0], photos(3)[1])


def test_captions_are_utf8_and_lines_end_at_newlines_only(tmp_path: Path) -> None:
    captions = ["café au lait", "one\u2028line", "tabs\tand\x85more"]
    folder = write(tmp_path, "train", photos(3), captions)
    assert open_precomp(folder, "train").captions.sentences == tuple(captions)
    path = folder / "train_caps.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert open_precomp(folder, "train").captions.sentences == tuple(captions)
    path.write_bytes("one\rline\ntwo\nthree\n".encode("utf-8-sig"))
    assert open_precomp(folder, "train").captions.sentences == ("one\rline", "two", "three")
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="must be UTF-8"):
        open_precomp(folder, "train")


def test_rows_and_captions_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 4 rows of features and 7 captions"):
        open_precomp(write(tmp_path, "train", photos(4), numbered(7)), "train")
    with pytest.raises(DataError, match="has 3 ids; it must have one for each of 4 rows"):
        open_precomp(write(tmp_path, "train", photos(4), numbered(4), [1, 2, 3]), "train")


def test_missing_splits_and_folders_are_explained(tmp_path: Path) -> None:
    folder = write(tmp_path / "f30k_precomp", "train", photos(2), numbered(2))
    with pytest.raises(DataError, match="splits here: train"):
        open_dataset(folder, "test")
    with pytest.raises(DataError, match="folders of that layout below it: f30k_precomp"):
        open_dataset(tmp_path, "train")
    (folder / "train_ims.npy").unlink()
    with pytest.raises(DataError, match=r"train_ims.npy is missing"):
        open_dataset(folder, "train")


def test_arrays_that_need_pickle_are_refused_unread(tmp_path: Path) -> None:
    folder = write(tmp_path, "train", photos(2), numbered(2))
    np.save(folder / "train_ims.npy", np.array([photos(1), None], dtype=object))
    with pytest.raises(DataError, match="must be padded with zeros"):
        open_precomp(folder, "train")
    np.save(folder / "train_ims.npy", np.zeros(6))
    with pytest.raises(DataError, match="on 3 axes"):
        open_precomp(folder, "train")


def test_a_folder_and_a_store_together_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, "train", photos(2), numbered(2))
    with pytest.raises(DataError, match="brings its own features"):
        open_dataset(folder, "train", tmp_path / "regions")
    dataset = open_dataset(folder, "train")
    assert (dataset.feature_dim, dataset.producer, dataset.skipped) == (DIM, "", {})


def test_captions_of_ids_that_come_again_are_put_together(tmp_path: Path) -> None:
    rows = photos(2)[[0, 1, 0, 1]]
    dataset = open_precomp(write(tmp_path, "dev", rows, ["a", "b", "c", ""], [7, 8, 7, 8]), "dev")
    assert dataset.captions.photos == ("7", "8")
    assert dataset.captions.sentences == ("a", "c", "b")
    assert dataset.captions.photo_of_caption.tolist() == [0, 0, 1]
    assert list(dataset.skipped) == ["line 4"]
    np.testing.assert_array_equal(dataset.gather([0, 1])[0], photos(2))
    assert "ids that come again after others: 2" in dataset.captions.doubts[0]
    one_row_each = open_precomp(
        write(tmp_path, "train", photos(3), numbered(6), [4, 5, 4]), "train"
    )
    assert one_row_each.captions.photos == ("4", "5")
    assert one_row_each.captions.photo_of_caption.tolist() == [0, 0, 0, 0, 1, 1]


def test_ids_of_another_split_are_told(tmp_path: Path) -> None:
    write(tmp_path, "train", photos(3), numbered(3), [1, 2, 3])
    write(tmp_path, "dev", photos(2), numbered(2), [3, 4])
    write(tmp_path, "test", photos(2), numbered(2), [4, 5])
    assert open_precomp(tmp_path, "dev").captions.doubts == (
        "1 of the ids are in dev and in train",
    )
    assert open_precomp(tmp_path, "train").captions.doubts == (
        "1 of the ids are in train and in dev",
    )
    assert open_precomp(tmp_path, "test").captions.doubts == ()


@pytest.mark.parametrize("end", ["\n", "\n\n", "  \n \n"])
def test_empty_lines_at_the_end_are_no_captions(tmp_path: Path, end: str) -> None:
    folder = write(tmp_path, "train", photos(5), numbered(10))
    with (folder / "train_caps.txt").open("a") as file:
        file.write(end)
    dataset = open_precomp(folder, "train")
    assert dataset.captions.sentences == tuple(numbered(10))
    assert dataset.skipped == {}
    with (folder / "train_caps.txt").open("a") as file:
        file.write("more\n\n")
    with pytest.raises(DataError, match=r"captions \(\d of them empty lines\)"):
        open_precomp(folder, "train")


@pytest.mark.parametrize("file", ["dev_ims.npy", "dev_boxes.npy", "dev_img_sizes.npy"])
def test_arrays_that_are_none_are_told_as_what_they_are(tmp_path: Path, file: str) -> None:
    folder = write(tmp_path, "dev", photos(2), numbered(2))
    whole = (folder / "dev_ims.npy").read_bytes()
    (folder / file).write_bytes(b"")
    with pytest.raises(DataError, match=rf"{file} cannot be read \(it is empty\)"):
        open_precomp(folder, "dev")
    with (folder / file).open("wb") as archive:
        np.savez(archive, features=photos(2))
    with pytest.raises(DataError, match=rf"{file} cannot be read \(it is an archive"):
        open_precomp(folder, "dev")
    for wrong in (whole[:-8], whole[:7], whole[:60], b"<html>", whole[:8] + b"\xff" * 200):
        (folder / file).write_bytes(wrong)
        with pytest.raises(DataError, match=f"{file} cannot be read"):
            open_precomp(folder, "dev")


def test_ids_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path, "train", photos(2), numbered(2), ["a", "b"])
    (folder / "train_ids.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataError, match=r"train_ids\.txt cannot be read"):
        open_precomp(folder, "train")


def test_a_folder_that_is_not_complete_says_what_its_files_are(tmp_path: Path) -> None:
    small = Split("dev", 2, 2)
    wanted = OfficialSet("x", "X", small, small, small, "all")
    (tmp_path / "dev_ims.npy").write_bytes(b"")
    (tmp_path / "dev_caps.txt").write_text("one\ntwo\n\n")
    with pytest.raises(DataError, match=r"dev_ims\.npy: cannot be read \(it is empty\)") as caught:
        find_official(tmp_path, wanted)
    assert "dev_caps" not in str(caught.value)
    (tmp_path / "dev_caps.txt").write_text("one\ntwo\nthree\n")
    with pytest.raises(DataError, match=r"dev_caps\.txt: has 3 lines; it must have 2"):
        find_official(tmp_path, wanted)


@pytest.mark.parametrize("repeated", [1, 5])
def test_arrays_in_fortran_s_order_are_read_alike(tmp_path: Path, repeated: int) -> None:
    array = np.repeat(photos(3), repeated, axis=0)
    folder = write(tmp_path, "dev", np.asfortranarray(array), numbered(3 * repeated))
    assert np.load(folder / "dev_ims.npy", mmap_mode="r").flags.f_contiguous
    dataset = open_precomp(folder, "dev")
    assert len(dataset.captions.photos) == 3
    features, counts = dataset.gather([2, 0])
    np.testing.assert_array_equal(features, photos(3)[[2, 0]])
    assert counts.tolist() == [4, 4]

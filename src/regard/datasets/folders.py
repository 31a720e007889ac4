"""SCAN's own folders: captions, features and ids of the official code, memory-mapped.

    {train,dev,test,testall}_caps.txt   one caption a line, those of one photo together
    {split}_ims.npy                     (rows, R, F) float32; (rows, F) in VSE++'s folders
    {split}_ids.txt                     optional, the photo's id a row
    {split}_boxes.npy                   optional, (rows, R, 4)
    {split}_img_sizes.npy               optional, (rows, 2), width and height in pixels

In the published files train has one row a photo while dev, test and testall repeat every photo
five times. Which it is, is found for every split from what it holds, never from its name. A photo
with fewer regions than others is padded with zeros at the end, and the padding is no region.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from regard.datasets.captions import Captions
from regard.errors import DataError
from regard.shapes import Float, Int
from regard.store.plain_arrays import map_array
from regard.store.region_store import Regions

SPLITS = ("train", "dev", "test", "testall")
_ALIASES = {"val": "dev"}


@dataclass(frozen=True)
class PrecompDataset:
    """One split of a folder in SCAN's layout."""

    captions: Captions
    array: Float[np.ndarray, "row region feature"]
    """The features file, memory-mapped."""
    row_of_photo: Int[np.ndarray, " photo"]
    """First row of each photo in the arrays."""
    boxes: Float[np.ndarray, "row region 4"] | None = None
    """x1, y1, x2, y2 in pixels of the original photo, where the folder has them."""
    sizes: Float[np.ndarray, "row 2"] | None = None
    """Width and height of the original photo, where the folder has them."""
    producer: str = ""

    @property
    def skipped(self) -> dict[str, str]:
        """Captions that were left out, with the reasons."""
        return self.captions.left_out

    @property
    def feature_dim(self) -> int:
        """F, numbers a region has."""
        return int(self.array.shape[2])

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo region feature"], Int[np.ndarray, " photo"]]:
        """Features as stored of several photos, and how many regions each has.

        Numbers of the other byte order or of more than 8 bytes, which torch cannot read, become
        float32.
        """
        features = np.array(self.array[self.row_of_photo[np.asarray(photo_rows, np.int64)]])
        if features.dtype not in (np.float16, np.float32, np.float64):
            features = features.astype(np.float32)
        return features, count_regions(features)

    def regions_of(self, photo_row: int) -> Regions:
        """One photo's regions and where they lie.

        Raises:
            DataError: the folder has no boxes or no sizes of photos.
        """
        if self.boxes is None or self.sizes is None:
            raise DataError(
                "folder has no _boxes.npy or no _img_sizes.npy; both must be there to tell where "
                "regions lie. Put them beside the features."
            )
        features, counts = self.gather([photo_row])
        row, count = self.row_of_photo[photo_row], counts[0]
        width, height = (int(side) for side in self.sizes[row])
        boxes = np.array(self.boxes[row, :count], np.float32)
        ones = np.ones(count, np.float32)
        return Regions(features[0, :count], boxes, ones, width, height)


def count_regions(features: Float[np.ndarray, "photo region feature"]) -> Int[np.ndarray, " photo"]:
    """Regions of each photo, at least 1; vectors of zeros at the end are padding."""
    counts = np.full(len(features), features.shape[1], np.int64)
    for row in np.flatnonzero(~features[:, -1].any(-1)):
        real = np.flatnonzero(features[row].any(-1))
        counts[row] = real[-1] + 1 if len(real) else 1
    return counts


def open_precomp(folder: Path, split: str) -> PrecompDataset:
    """Open one split of a folder in SCAN's layout.

    Args:
        split: train, dev (or val), test or testall.

    Raises:
        DataError: a file is missing or malformed, or rows and captions do not fit together.
    """
    split = _ALIASES.get(split, split)
    lines = _read_sentences(folder, split)
    array = _map_features(folder / f"{split}_ims.npy")
    sentences = _without_blank_end(lines, len(array))
    ids = _read_ids(folder / f"{split}_ids.txt", len(array), len(sentences))
    row_of_photo, photo_of_caption = _group(array, ids, sentences, f"{folder}, {split}")
    keys = [ids[row] if ids else str(number) for number, row in enumerate(row_of_photo)]
    captions, kept = _usable(keys, sentences, photo_of_caption, f"{split}_caps.txt")
    doubts = (*captions.doubts, *(_shared(folder, split, captions.photos) if ids else ()))
    return PrecompDataset(
        replace(captions, doubts=doubts),
        array,
        row_of_photo[kept],
        _optional_array(folder / f"{split}_boxes.npy", (*array.shape[:2], 4)),
        _optional_array(folder / f"{split}_img_sizes.npy", (len(array), 2)),
    )


def _read_sentences(folder: Path, split: str) -> list[str]:
    """Lines of the caption file, stripped, empty ones kept so that rows stay aligned."""
    path = folder / f"{split}_caps.txt"
    try:
        return _read_lines(path)
    except FileNotFoundError:
        here = [name for name in SPLITS if (folder / f"{name}_caps.txt").exists()]
        below = sorted({path.parent.name for path in folder.glob("*/*_caps.txt")})
        there = f"splits here: {', '.join(here) or 'none'}"
        there += f"; folders of that layout below it: {', '.join(below)}" * bool(below)
        raise DataError(
            f"{path} is missing; a folder in SCAN's layout must hold it ({there}). "
            "Name another split or folder."
        ) from None


def _without_blank_end(lines: list[str], rows: int) -> list[str]:
    """Empty lines at the end are no captions where the others fit the rows of features."""
    fitting = lines
    while not _fits(rows, len(fitting)) and fitting and not fitting[-1]:
        fitting = fitting[:-1]
    return fitting if _fits(rows, len(fitting)) else lines


def _fits(rows: int, captions: int) -> bool:
    return captions > 0 and captions % rows == 0


def _read_lines(path: Path) -> list[str]:
    """Lines of a text file, stripped; they end at newlines only, as in the official code.

    Raises:
        FileNotFoundError: there is no file.
        DataError: it is not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}. It must be UTF-8 text.") from None
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _map_features(path: Path) -> np.ndarray:
    """Memory-map a features file as (rows, R, F)."""
    try:
        array = map_array(path)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing; it must hold the features of this split. "
            "`regard reproduce` says where SCAN's files are found."
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read ({error}); it must be a plain .npy array. Photos with fewer "
            "regions than others must be padded with zeros at the end."
        ) from None
    if array.ndim == 2:
        array = array[:, None]  # VSE++: one vector a photo
    if array.ndim != 3 or not np.issubdtype(array.dtype, np.floating) or not array.size:
        raise DataError(
            f"{path} has shape {array.shape} of {array.dtype}; it must be floating-point numbers "
            "on 3 axes (rows, regions, numbers), none of them empty. Check which file it is."
        )
    return array


def _optional_array(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Memory-map boxes or sizes where the folder has them."""
    if not path.exists():
        return None
    try:
        array = map_array(path)
        if array.shape == shape:
            return array
        wrong = f"has shape {array.shape}"
    except (OSError, ValueError) as error:
        wrong = f"cannot be read ({error})"
    raise DataError(
        f"{path} {wrong}; it must be a plain .npy array of shape {shape} to fit the features. "
        "Pad photos of fewer regions with zeros, or remove the file."
    )


def _read_ids(path: Path, rows: int, captions: int) -> list[str]:
    """Photo id of each row; empty where there is no file."""
    if not path.exists():
        return []
    ids = [line for line in _read_lines(path) if line]
    if len(ids) == captions > rows and captions % rows == 0:
        ids = ids[:: captions // rows]  # one line a caption
    if len(ids) != rows:
        raise DataError(
            f"{path} has {len(ids)} ids; it must have one for each of {rows} rows of features. "
            "Replace it, or remove it to do without ids."
        )
    return ids


def _shared(folder: Path, split: str, ids: Sequence[str]) -> Iterator[str]:
    """What is to be said of ids that are trained on and judged on."""
    for other in SPLITS:
        path = folder / f"{other}_ids.txt"
        if (other == "train") != (split == "train") and path.exists():
            shared = len(set(ids) & set(_read_lines(path)))
            if shared:
                yield f"{shared} of the ids are in {split} and in {other}"


def _group(
    array: np.ndarray, ids: list[str], sentences: list[str], where: str
) -> tuple[Int[np.ndarray, " photo"], Int[np.ndarray, " cap"]]:
    """First row of each photo, and the photo of each caption."""
    rows, captions = len(array), len(sentences)
    if not _fits(rows, captions):
        empty = sentences.count("")
        counted = f"{captions} captions" + f" ({empty} of them empty lines)" * bool(empty)
        raise DataError(
            f"{where}, has {rows} rows of features and {counted}; there must be one row "
            "a caption, or one per photo with equally many captions each. Check the files."
        )
    row_of_caption = np.arange(captions) // (captions // rows)
    if len(set(ids)) < len(ids):
        _, starts, place = np.unique(ids, return_index=True, return_inverse=True)
        order = starts.argsort()
        return starts[order], order.argsort()[place][row_of_caption]
    if captions > rows:
        return np.arange(rows), row_of_caption
    runs = _runs_of_rows(array)
    starts = np.concatenate([[0], np.cumsum(runs)[:-1]]).astype(np.int64)
    return starts, np.repeat(np.arange(len(runs)), runs)


def _runs_of_rows(array: np.ndarray) -> list[int]:
    """Lengths of the runs of equal rows, found from each row's first and last region.

    Where rows come in equal groups, a run of several groups is two copies of one photo side by
    side, as the official reading of the files has it.
    """
    changes = [0]
    previous = None
    for row in range(len(array)):
        probe = np.asarray(array[row, [0, -1]])
        if previous is not None and not np.array_equal(probe, previous, equal_nan=True):
            changes.append(row)
        previous = probe
    runs = np.diff([*changes, len(array)]).tolist()
    usual = Counter(runs).most_common(1)[0][0]
    if usual == 1:
        return runs  # type: ignore[no-any-return]
    return [
        part for run in runs for part in ([usual] * (run // usual) if run % usual == 0 else [run])
    ]


def _usable(
    keys: list[str], sentences: list[str], photo_of_caption: Int[np.ndarray, " cap"], file: str
) -> tuple[Captions, Int[np.ndarray, " photo"]]:
    """Captions without empty lines, those of a photo together, and the photos that keep any."""
    full = np.array([bool(sentence) for sentence in sentences])
    left_out = {
        f"line {line + 1}": f"caption in line {line + 1} of {file} is empty"
        for line in np.flatnonzero(~full)
    }
    runs = photo_of_caption[np.diff(photo_of_caption, prepend=-1) != 0]
    apart = int((np.bincount(runs) > 1).sum())
    order = photo_of_caption.argsort(kind="stable")
    order = order[full[order]]
    kept, photo_of_kept = np.unique(photo_of_caption[order], return_inverse=True)
    captions = Captions(
        tuple(keys[row] for row in kept),
        tuple(sentences[line] for line in order),
        photo_of_kept.astype(np.int64),
        left_out,
        (
            f"ids that come again after others: {apart}; all captions of an id are taken for "
            "one photo's",
        )
        * bool(apart),
    )
    return captions, kept

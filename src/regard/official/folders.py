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
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from regard.datasets.captions import Captions
from regard.errors import DataError
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
    skipped: dict[str, str] = field(default_factory=dict)
    producer: str = ""

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
    sentences = _read_sentences(folder, split)
    array = _map_array(folder / f"{split}_ims.npy")
    ids = _read_ids(folder / f"{split}_ids.txt", len(array), len(sentences))
    row_of_photo, photo_of_caption = _group(array, ids, len(sentences), f"{folder}, {split}")
    keys = [ids[row] if ids else str(number) for number, row in enumerate(row_of_photo)]
    captions, kept, skipped = _without_empty(keys, sentences, photo_of_caption, split)
    return PrecompDataset(
        captions,
        array,
        row_of_photo[kept],
        _optional_array(folder / f"{split}_boxes.npy", (*array.shape[:2], 4)),
        _optional_array(folder / f"{split}_img_sizes.npy", (len(array), 2)),
        skipped,
    )


def _read_sentences(folder: Path, split: str) -> list[str]:
    """Lines of the caption file, stripped, empty ones kept so that rows stay aligned."""
    path = folder / f"{split}_caps.txt"
    try:
        return _read_lines(path)
    except FileNotFoundError:
        here = [name for name in SPLITS if (folder / f"{name}_caps.txt").exists()]
        below = [path.parent.name for path in sorted(folder.glob("*/*_caps.txt"))]
        found = f"splits here: {', '.join(here) or 'none'}"
        found += f"; folders of that layout below it: {', '.join(sorted(set(below)))}" * bool(below)
        raise DataError(
            f"{path} is missing; a folder in SCAN's layout must hold it ({found}). "
            "Name another split or folder."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}. It must be UTF-8 text.") from None


def _read_lines(path: Path) -> list[str]:
    """Lines of a text file, stripped; they end at newlines only, as in the official code."""
    text = path.read_bytes().decode("utf-8-sig")
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _map_array(path: Path) -> np.ndarray:
    """Memory-map a features file as (rows, R, F); nothing in it is executed."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
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
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        found = f"has shape {array.shape}"
    except (OSError, ValueError) as error:
        found = f"cannot be read ({error})"
    else:
        if array.shape == shape:
            return array
    raise DataError(
        f"{path} {found}; it must be a plain .npy array of shape {shape} to fit the features. "
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


def _group(
    array: np.ndarray, ids: list[str], captions: int, where: str
) -> tuple[Int[np.ndarray, " photo"], Int[np.ndarray, " cap"]]:
    """First row of each photo, and the photo of each caption."""
    rows = len(array)
    if rows < captions and captions % rows == 0:
        return np.arange(rows), np.repeat(np.arange(rows), captions // rows)
    if rows != captions:
        raise DataError(
            f"{where}, has {rows} rows of features and {captions} captions; there must be one row "
            "a caption, or one a photo with equally many captions each. Check the files."
        )
    runs = _runs_of_ids(ids) if len(set(ids)) < len(ids) else _runs_of_rows(array)
    starts = np.concatenate([[0], np.cumsum(runs)[:-1]]).astype(np.int64)
    return starts, np.repeat(np.arange(len(runs)), runs)


def _runs_of_ids(ids: list[str]) -> list[int]:
    return [len(list(run)) for _, run in groupby(ids)]


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


def _without_empty(
    keys: list[str],
    sentences: list[str],
    photo_of_caption: Int[np.ndarray, " cap"],
    split: str,
) -> tuple[Captions, Int[np.ndarray, " photo"], dict[str, str]]:
    """Captions without empty lines, the photos that keep any, and what was left out."""
    full = np.array([bool(sentence) for sentence in sentences])
    skipped = {
        f"line {line + 1}": f"caption in line {line + 1} of {split}_caps.txt is empty"
        for line in np.flatnonzero(~full)
    }
    kept, photo_of_kept = np.unique(photo_of_caption[full], return_inverse=True)
    captions = Captions(
        tuple(keys[row] for row in kept),
        tuple(sentence for sentence in sentences if sentence),
        photo_of_kept.astype(np.int64),
    )
    return captions, kept, skipped

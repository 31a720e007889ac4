"""Bottom-up-attention features (.tsv) into a region store, boxes and all.

Columns, separated by tabs and without a header: image_id, image_w, image_h, num_boxes, boxes,
features; the last two are base64 of float32 numbers. Files of one box number or of many, further
columns at the end, and the doubled rows of the published files are all right. So are lines without
boxes, as VinVL's code reads them: image_id, num_boxes and features, or image_id and a JSON of
num_boxes and features.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from regard.datasets.importing import Row, regions_from
from regard.errors import DataError
from regard.store.region_store import Regions

_COLUMNS, _WITH_COUNT, _AS_JSON = 6, 3, 2


def read_tsv(path: Path) -> Iterator[tuple[Row, int]]:
    """Rows of a .tsv file, each with how many bytes of the file have been read.

    Raises:
        DataError: the file is missing.
    """
    try:
        file = path.open("rb")
    except OSError:
        raise DataError(f"features are {str(path)!r}; the file must exist. Check the path.") from (
            None
        )
    with file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _parse(line.rstrip(b"\r\n"), f"line {number} of {path.name}"), file.tell()


def _parse(line: bytes, where: str) -> Row:
    columns = line.split(b"\t")
    name = columns[0].decode("utf-8", "replace")
    try:
        return Row(name, _regions(columns), "")
    except (ValueError, LookupError, TypeError, binascii.Error) as error:
        return Row(name, None, f"{where} ({name[:40]!r}) cannot be read: {error}")


def _regions(columns: list[bytes]) -> Regions:
    """What a line of any form holds."""
    if len(columns) >= _COLUMNS:
        width, height, count = (int(float(value)) for value in columns[1:4])
        boxes, features = _numbers(columns[4]), _numbers(columns[5])
        return regions_from(features.reshape(count, -1), boxes.reshape(count, 4), (width, height))
    if len(columns) == _WITH_COUNT:
        count, text = int(columns[1]), columns[2]
    elif len(columns) == _AS_JSON and columns[1].startswith(b"{"):
        tree = json.loads(columns[1])
        count, text = int(tree["num_boxes"]), tree["features"]
    else:
        raise ValueError(f"it has {len(columns)} columns, not {_COLUMNS}")
    return regions_from(_numbers(text).reshape(count, -1), None, None)


def _numbers(text: bytes | str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4")


def names_of_ids(captions: Path) -> dict[str, str]:
    """File names by the ids that .tsv files use, from a Karpathy JSON.

    MS-COCO's ids are the JSON's `cocoid`; Flickr30K's are the file name without its ending.

    Raises:
        DataError: the file is not Karpathy's JSON.
    """
    names: dict[str, str] = {}
    try:
        for image in json.loads(captions.read_text(encoding="utf-8-sig"))["images"]:
            name = "/".join(filter(None, (image.get("filepath"), image["filename"])))
            names[Path(image["filename"]).stem] = name
            if "cocoid" in image:
                names[str(image["cocoid"])] = name
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{captions} cannot be read ({error!r}); it must be Karpathy's JSON. Check the path."
        ) from None
    return names

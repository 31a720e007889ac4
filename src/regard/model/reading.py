"""Photos, however they are given, to the regions that a model was trained on.

Knows extractors by their identity. Knows nothing of encoders or sentences.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from regard.device import PROCESSOR
from regard.errors import CheckpointError, DataError
from regard.photos.decode import Photo, read_photo
from regard.regions.extractor import BACKBONE as PRETRAINED
from regard.regions.extractor import DETECTOR, EXTRACTORS, Extractor, load_extractor
from regard.regions.pyramid import BACKBONE
from regard.store.shards import Regions

OnePhoto = str | Path | Image.Image | Photo | Regions


def several_photos(photos: OnePhoto | Iterable[OnePhoto]) -> list[OnePhoto]:
    """Photos as a list, one alone as a list of one."""
    if isinstance(photos, OnePhoto):
        return [photos]
    if isinstance(photos, np.ndarray | bytes):  # things one can iterate over, and no photos
        raise _no_photo(photos)
    return list(photos)


def regions_of(photo: OnePhoto, extractor: Callable[[], Extractor]) -> Regions:
    """Regions of a photo; those already extracted as they are.

    Args:
        extractor: gives what extracts; asked only where that is needed.

    Raises:
        DataError: it is of another type.
        PhotoError: it cannot be read.
    """
    if isinstance(photo, Regions):
        return photo
    if not isinstance(photo, OnePhoto):
        raise _no_photo(photo)
    if isinstance(photo, Image.Image):
        photo = Photo(photo.convert("RGB"), *photo.size)
    if isinstance(photo, str | Path):
        photo = read_photo(Path(photo), extractor().short_side)
    return extractor()(photo)


def find_extractor(identity: str, source: str, pretrained: str = "") -> tuple[str, Extractor]:
    """Name and extractor of an identity.

    Args:
        source: folder of a model, which may have a backbone of its own beside it, or the weights of
            the detector that it was trained with (vg-frcnn.bin or .safetensors).
        pretrained: name of the backbone the model stands on, if it does.

    Raises:
        CheckpointError: none of this program's extractors is it, or the backbone is not here.
    """
    own = Path(source) / BACKBONE
    names = [f"pyramid:{own}"] if own.is_file() else []
    if identity.startswith(DETECTOR):
        beside = (Path(source) / f"{DETECTOR}{suffix}" for suffix in (".bin", ".safetensors"))
        names = [f"{DETECTOR}:{path}@{PROCESSOR}" for path in beside if path.is_file()]
    for name in [f"{PRETRAINED}{pretrained}"] if pretrained else [*names, *EXTRACTORS]:
        extractor = load_extractor(name)
        if extractor.identity == identity:
            return name, extractor
    raise CheckpointError(
        f"model was trained on features of {identity or 'unknown origin'!r}"
        f"{f', and {pretrained} has other weights now' if pretrained else ''}; to read photos it "
        f"must be one of this program's extractors. Put the {BACKBONE} or {DETECTOR}.bin that it "
        "was trained with beside it, give it ready-made features, or use another model."
    )


def _no_photo(photo: object) -> DataError:
    return DataError(
        f"photo is of type {type(photo).__name__}; it must be a path, a PIL image, a decoded "
        "photo or regions. Turn an array of pixels into an image with PIL.Image.fromarray."
    )

"""A backbone as an extractor: photos to rows that are ready to be searched."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from regard.backbones.loading import Loaded, load_backbone
from regard.backbones.settings import Choice
from regard.backbones.windows import boxes_of, in_photo, inside
from regard.device import PROCESSOR
from regard.photos.decode import Photo
from regard.regions.extractor import BACKBONE
from regard.store.shards import Regions

if TYPE_CHECKING:
    from regard.backbones.precision import See


class BackboneExtractor:
    """The whole photo and its regions, as a backbone sees them.

    Args:
        choice: how the backbone was asked for.
        loaded: it.
    """

    def __init__(self, choice: Choice, loaded: Loaded) -> None:
        self._backbone, self._digest = loaded.backbone, loaded.digest
        self.at_once = 8 if choice.device == PROCESSOR else 64
        windows = boxes_of(choice.regions, loaded.backbone.cells)
        self._inside = inside(windows, loaded.backbone.cells)
        whole = np.array([[0, 0, 1, 1]], np.float32)
        self._boxes = np.concatenate([whole, windows])
        self.short_side = loaded.backbone.side
        self.feature_dim = loaded.backbone.dim + 1
        self.identity = identity_of(choice, loaded)
        self.name = f"{BACKBONE}{choice.located}"

    @cached_property
    def precision(self) -> str:
        """In which photos are seen; found by measuring once, when it is first asked for."""
        from regard.backbones.precision import quickest  # which needs torch

        return quickest(self._backbone, self._digest, self._inside)

    @cached_property
    def _see(self) -> "See":
        from regard.backbones.precision import in_precision

        return in_precision(self._backbone, self.precision)

    def __call__(self, photo: Photo) -> Regions:
        """See one photo."""
        return self.several([photo])[0]

    def several(self, photos: Sequence[Photo]) -> list[Regions]:
        """See photos together.

        Returns:
            Of each the whole photo, then its regions, as in `scores`.
        """
        looks = [self._backbone.look(photo.image) for photo in photos]
        seen = self._see(np.stack([look.pixels for look in looks]), self._inside)
        rows = np.zeros((len(photos), len(self._boxes), self.feature_dim), np.float32)
        rows[:, 0, :-1], rows[:, 1:, :-1] = seen.whole, seen.regions
        scores = np.ones(len(self._boxes), np.float32)
        found = []
        for row, look, photo in zip(rows, looks, photos, strict=True):
            size = photo.width, photo.height
            found.append(Regions(row, in_photo(self._boxes, look.frame, size), scores, *size))
        return found


def identity_of(choice: Choice, loaded: Loaded) -> str:
    """Name of exactly these weights, at their resolution, with what was chosen."""
    backbone = loaded.backbone
    chosen = f"{choice.regions}{'-synthetic' if choice.synthetic else ''}"
    return f"regard-backbone-1/{backbone.family}-{backbone.side}/{chosen}/{loaded.digest}"


def extractor_of(text: str) -> BackboneExtractor:
    """The extractor of a backbone's name.

    Raises:
        CheckpointError: it is not on this machine, or is none.
    """
    choice = Choice.parse(text)
    return BackboneExtractor(choice, load_backbone(choice))

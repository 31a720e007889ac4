"""A split seen as whole photos: of every photo's regions only the one with the widest box."""

from collections.abc import Sequence

import numpy as np

from regard.datasets.captions import Captions
from regard.datasets.dataset import BoxedDataset
from regard.shapes import Float, Int


class WholePhotos:
    """A data set whose photos have one region each, the widest.

    Raises:
        DataError: on reading a photo whose boxes are unknown.
    """

    def __init__(self, dataset: BoxedDataset) -> None:
        self._dataset = dataset
        self.captions: Captions = dataset.captions
        self.feature_dim = dataset.feature_dim
        self.producer = dataset.producer
        self.skipped = dataset.skipped

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo 1 feature"], Int[np.ndarray, " photo"]]:
        """Features of the widest region of several photos, and ones."""
        widest = [self._widest(int(row)) for row in photo_rows]
        return np.stack(widest)[:, None], np.ones(len(widest), np.int64)

    def _widest(self, row: int) -> Float[np.ndarray, " feature"]:
        regions = self._dataset.regions_of(row)
        sides = regions.boxes[:, 2:] - regions.boxes[:, :2]
        features: np.ndarray = np.asarray(regions.vectors[int(sides.prod(1).argmax())])
        return features

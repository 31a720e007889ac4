"""Several models judged as one by averaging their similarities, and similarities kept on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from regard.config import to_tree
from regard.datasets.dataset import Dataset
from regard.datasets.fingerprint import fingerprint
from regard.errors import ConfigError, DataError, ShapeError
from regard.model.model import Model
from regard.shapes import Float
from regard.store.artefact import digest_of
from regard.store.atomic import replacing

Combine = Literal["raw", "zscore"]


def combine(
    matrices: Sequence[Float[np.ndarray, "image cap"]], how: str = "raw"
) -> Float[np.ndarray, "image cap"]:
    """Mean of similarity matrices.

    Args:
        how: raw averages them as they are, as the paper does; zscore first gives each a mean of
            0 and a deviation of 1, so that a model with a wide range does not outvote the others.

    Raises:
        ShapeError: the matrices have different shapes, or hold values that are not finite.
    """
    if how not in get_args(Combine):
        raise ConfigError(f"combine is {how!r}; it must be raw or zscore. Choose one.")
    total = np.zeros(matrices[0].shape, np.float32)
    for matrix in matrices:
        if matrix.shape != total.shape or not np.isfinite(matrix).all():
            raise ShapeError(
                f"similarities have shape {matrix.shape} and finite: "
                f"{bool(np.isfinite(matrix).all())}; they must have shape {total.shape} and be "
                "finite to be averaged. Evaluate every model on the same split."
            )
        if len(matrices) == 1:
            return matrix
        total += _standard(matrix) if how == "zscore" else matrix
    total /= len(matrices)
    return total


def _standard(matrix: Float[np.ndarray, "image cap"]) -> Float[np.ndarray, "image cap"]:
    mean = matrix.mean(dtype=np.float64)
    deviation = matrix.std(dtype=np.float64)
    standard: Float[np.ndarray, "image cap"] = (matrix - mean) / (deviation or 1.0)
    return standard.astype(np.float32)


class SimilarityCache:
    """Similarity matrices in a folder, found again by model, captions and features."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, model: Model, dataset: Dataset) -> Path:
        """File of one model's similarities on one data set."""
        background = model.background.digest if model.background else ""
        config = to_tree(model.config)
        digest = digest_of([model.identity, background, config, fingerprint(dataset)])
        return self.folder / f"similarity-{digest}.npy"

    def load(self, path: Path) -> Float[np.ndarray, "image cap"] | None:
        """A matrix kept earlier, or None.

        Raises:
            DataError: the file is damaged.
        """
        if not path.exists():
            return None
        try:
            kept: Float[np.ndarray, "image cap"] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{path} cannot be read ({error}); it must be a similarity matrix. Remove it."
            ) from None
        return kept

    def save(self, path: Path, matrix: Float[np.ndarray, "image cap"]) -> None:
        """Keep a matrix; the file exists whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, matrix)

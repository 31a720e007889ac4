"""Features on their principal components: fewer numbers to train on, folded into the weights after.

Most directions of a backbone's features vary little. Training reads the leading components,
made once and kept as float16 beside the run; the model that is saved reads whole features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from regard.core.network import MatchingModel
from regard.core.padding import pad, some_of
from regard.datasets.dataset import Dataset, check_finite
from regard.datasets.fingerprint import fingerprint
from regard.device import put
from regard.shapes import Float, Int
from regard.store.artefact import made_once

_STATISTICS_PHOTOS = 2000  # photos whose features give means, deviations and components
_PROJECTION, _PROJECTED = "projection.safetensors", "projected.f16"
_AT_ONCE = 64  # photos read together


class Projection(NamedTuple):
    """How raw features become components: ((features - mean) / deviation) @ basis."""

    mean: Float[Tensor, " feature"]
    deviation: Float[Tensor, " feature"]
    basis: Float[Tensor, "feature rank"]


def mean_and_deviation(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Of each number of a region, over a data set's photos (2,000 of them where more)."""
    total = torch.zeros(dataset.feature_dim, dtype=torch.float64)
    square, number = total.clone(), 0
    for real in _real_features(dataset):
        total += real.double().sum(0)
        square += real.double().pow(2).sum(0)
        number += len(real)
    mean = total / number
    deviation = (square / number - mean.pow(2)).clamp_min(1e-12).sqrt()
    return mean.float(), deviation.float()


def fit_projection(dataset: Dataset, rank: int) -> Projection:
    """The leading principal components of a data set's standardised features."""
    mean, deviation = mean_and_deviation(dataset)
    products = torch.zeros(dataset.feature_dim, dataset.feature_dim)
    for real in _real_features(dataset):
        standard = (real - mean) / deviation
        products.addmm_(standard.T, standard)
    basis = torch.linalg.eigh(products).eigenvectors[:, -rank:].flip(1)
    return Projection(mean, deviation, basis.contiguous())


def _real_features(dataset: Dataset) -> Iterator[Float[Tensor, "region feature"]]:
    """Features of the photos that give statistics, part by part, padding left out."""
    count = len(dataset.captions.photos)
    rows = np.linspace(0, count - 1, min(count, _STATISTICS_PHOTOS)).astype(np.int64)
    for part in some_of(len(rows), _AT_ONCE):
        yield _real(dataset, rows[part])[0]


def _real(
    dataset: Dataset, rows: Sequence[int] | Int[np.ndarray, " photo"]
) -> tuple[Float[Tensor, "region feature"], Int[np.ndarray, " photo"]]:
    """Features of some photos, padding left out, and how many regions each has."""
    features, counts = dataset.gather(rows)
    check_finite(dataset, rows, features)
    mask = np.arange(features.shape[1])[None, :] < counts[:, None]
    return torch.from_numpy(features[mask]).float(), counts


class ProjectedDataset:
    """A data set whose features are projected, made once and kept on disk.

    Args:
        dataset: the one with whole features.
        rank: components kept.
        folder: keeps the projection and the projected features; those of other data or
            another rank are replaced.
    """

    def __init__(self, dataset: Dataset, rank: int, folder: Path) -> None:
        self.captions = dataset.captions
        self.feature_dim = rank
        self.producer = dataset.producer
        self.skipped = dataset.skipped

        def make(place: Path) -> None:
            _project(dataset, fit_projection(dataset, rank), place)

        place = made_once(folder, "projection", [rank, fingerprint(dataset)], make)
        tensors = load_file(place / _PROJECTION)
        counts = tensors.pop("counts").numpy()
        self.projection = Projection(**tensors)
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._rows = np.memmap(place / _PROJECTED, np.float16, "r").reshape(-1, rank)

    def gather(
        self, photo_rows: Sequence[int] | Int[np.ndarray, " photo"]
    ) -> tuple[Float[np.ndarray, "photo region rank"], Int[np.ndarray, " photo"]]:
        """Components (float16) of several photos, padded with zeros, and region counts."""
        spans = (self._starts[row : row + 2] for row in photo_rows)
        return pad([self._rows[start:end] for start, end in spans], np.float16)


def _project(dataset: Dataset, projection: Projection, folder: Path) -> None:
    """Write every photo's components, and the projection with the counts of regions."""
    regions: list[int] = []
    photos = len(dataset.captions.photos)
    with (folder / _PROJECTED).open("wb") as file:
        for part in some_of(photos, _AT_ONCE):
            real, counts = _real(dataset, range(photos)[part])
            standard = (real - projection.mean) / projection.deviation
            file.write((standard @ projection.basis).half().numpy().tobytes())
            regions += counts.tolist()
    save_file({**projection._asdict(), "counts": torch.tensor(regions)}, folder / _PROJECTION)


def widened(model: MatchingModel, projection: Projection) -> MatchingModel:
    """The model that reads whole features and does what this one does with components."""
    config = replace(model.config, feature_dim=len(projection.mean))
    device = model.regions.mean.device
    whole = put(MatchingModel(config, model.vocab_size), device)
    whole.words.load_state_dict(model.words.state_dict())
    state = model.regions.state_dict()
    mean, deviation, basis = (put(part, device) for part in projection)
    for name in ("linear.weight", "mlp.1.weight"):
        if name in state:
            state[name] = state[name] @ basis.T
    whole.regions.load_state_dict(state | {"mean": mean, "deviation": deviation})
    return whole

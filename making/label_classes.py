"""Makes the classes that regions are labelled with, for features of the tuned backbone.

Usage: python -m making.label_classes CAPTIONS IMAGES STORE FOLDER. Needs `regard[train]`.

The classifier that comes with the backbone reads the untuned network. Here a linear form of the
tuned features learns to give its logits, by ridge regression over the regions of all train photos
of CAPTIONS, whose features are in STORE. A linear form carries over to classes of which no such
photo has one, because it learns logits, not labels. The names of the classes, in the classifier's
order, are in `imagenet_names.txt` beside this file (ImageNet, Deng et al. 2009).
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from regard.datasets.captions import load_captions
from regard.model.labels import FILE, LabelClasses
from regard.photos.decode import read_photo
from regard.regions.pyramid import SHORT_SIDE, network_size, pool_weights
from regard.shapes import Float
from regard.store.region_store import RegionStore
from regard.training.tuning.backbone import EfficientNetLite2, load_backbone, weights_path
from regard.words.states import padded_states
from regard.words.tokens import tokenize

NAMES = Path(__file__).parent / "imagenet_names.txt"
RIDGE = 1e-3  # of the mean square of a standardised feature
_PHRASE = "a photo of a"
_AT_ONCE = 256  # names read together


class Teacher(NamedTuple):
    """The untuned backbone with its classifier."""

    network: EfficientNetLite2
    weight: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def load(cls) -> "Teacher":
        """From the installed package."""
        state = torch.load(weights_path(), map_location="cpu", weights_only=True)
        return cls(load_backbone(), state["_fc.weight"], state["_fc.bias"])

    @torch.inference_mode()
    def logits(self, pixels: np.ndarray) -> Float[np.ndarray, "region label"]:
        """Of every region of a photo in the network's size."""
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        last = self.network((x.float() - 127) / 128)[-1][0]
        weights = torch.from_numpy(pool_weights(*last.shape[-2:]))
        means = weights @ last.permute(1, 2, 0).flatten(0, 1)
        found: np.ndarray = (means @ self.weight.T + self.bias).numpy()
        return found


def states_of(names: Sequence[str]) -> Float[np.ndarray, "label state"]:
    """Mean state of each name's words, read as "a photo of a NAME"."""
    before, means = len(tokenize(_PHRASE)), []
    for start in range(0, len(names), _AT_ONCE):
        words = [tokenize(f"{_PHRASE} {name}") for name in names[start : start + _AT_ONCE]]
        for row, states in zip(words, padded_states(words), strict=True):
            means.append(states[1 + before : 1 + len(row)].mean(0))
    return np.stack(means)


def pixels_of(path: Path) -> np.ndarray:
    """A photo as the extractor gives it to the network."""
    image = read_photo(path, SHORT_SIDE).image
    return np.asarray(image.resize(network_size(*image.size), Image.Resampling.BICUBIC))


def fit(
    pairs: Iterable[tuple[Float[np.ndarray, "region feature"], Float[np.ndarray, "region label"]]],
    names: Sequence[str],
) -> LabelClasses:
    """The linear form from features to logits, by ridge regression on standardised features."""
    gram: np.ndarray = np.zeros(())
    products: np.ndarray = np.zeros(())
    for features, logits in pairs:
        rows = np.concatenate([features, np.ones((len(features), 1))], 1).astype(np.float64)
        gram, products = gram + rows.T @ rows, products + rows.T @ logits
    count = gram[-1, -1]
    mean = gram[-1, :-1] / count
    deviation = np.sqrt((gram.diagonal()[:-1] / count - mean**2).clip(1e-12))
    scale = np.diag(1 / deviation)
    covariance = scale @ (gram[:-1, :-1] - count * np.outer(mean, mean)) @ scale
    level = products[-1] / count
    crossed = scale @ (products[:-1] - np.outer(mean, products[-1]))
    solved = np.linalg.solve(covariance + RIDGE * count * np.eye(len(mean)), crossed)
    weight = (scale @ solved).T
    bias = level - weight @ mean
    return LabelClasses.of(names, weight, bias, states_of(names))


def main(captions: Path, images: Path, store: Path, out: Path) -> None:
    """Fit the classes and write them."""
    teacher, photos = Teacher.load(), load_captions(captions, "train").photos
    with RegionStore(store) as regions:
        pairs = (
            (np.asarray(regions[key].vectors, np.float32), teacher.logits(pixels_of(images / key)))
            for key in photos
            if key in regions
        )
        fit(pairs, NAMES.read_text(encoding="utf-8").splitlines()).save(out)
    print(f"{out / FILE}  {(out / FILE).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))

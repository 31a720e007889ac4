"""Teaches a trained model to point, from phrases whose boxes people drew.

The model stands still; only the form of `regard.model.pointer` learns. A phrase's map over the
photo, raised to a power and made to sum to 1, should lie inside the phrase's boxes: the loss is
the negative logarithm of what does. The power makes the loss look at where the map is brightest.
This is no longer weakly supervised: photos with boxes are needed, which are not those it is
judged on.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from regard.datasets.dataset import BoxedDataset
from regard.evaluation.grounding import Phrase, phrase_vectors, read_phrases
from regard.explain.maps import bumps
from regard.model.model import Model
from regard.model.pointer import SHAPES, Pointer, describe
from regard.progress import Progress, silent
from regard.shapes import Float

_GRID = 24  # cells of a map along each side
_POWER = 6.0
_RANK = 96
_PHOTOS_AT_ONCE = 40
_RATE, _SHAPE_RATE, _DECAY = 2e-3, 3e-3, 1e-2
_LAST_RATE = 0.02  # of the first
_SCALE = 10.0  # of the form while it learns
_TINY = 1e-20


class _Photo(NamedTuple):
    """What is learned from one photo."""

    regions: Float[np.ndarray, "region dim"]
    shapes: Float[np.ndarray, "region shape"]
    across: Float[np.ndarray, "region column"]
    down: Float[np.ndarray, "region row"]
    phrases: Float[np.ndarray, "phrase dim"]
    inside: np.ndarray
    """Cells in each phrase's boxes (phrase, cell)."""


class _Form(nn.Module):
    """The bilinear form in training, begun as a multiple of the cosine, roughly."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        rank = min(_RANK, dim)
        basis = torch.randn(dim, rank) / dim**0.5
        self.words = nn.Parameter(basis)
        self.regions = nn.Parameter(basis.clone())
        self.shape = nn.Parameter(torch.zeros(SHAPES))

    def loss(self, photo: _Photo) -> Float[Tensor, ""]:
        """Sum over a photo's phrases."""
        parts = (torch.from_numpy(part).float() for part in photo[:-1])
        regions, shapes, across, down, phrases = parts
        fit = (phrases @ self.words) @ (regions @ self.regions).T
        scores = _SCALE * fit + shapes @ self.shape
        paint = (down[:, :, None] * across[:, None, :]).flatten(1)  # (region, cell)
        sharp = _POWER * (scores.exp() @ paint + _TINY).log()  # (phrase, cell)
        outside = ~torch.from_numpy(photo.inside)
        return (sharp.logsumexp(1) - sharp.masked_fill(outside, -torch.inf).logsumexp(1)).sum()

    def finished(self) -> Pointer:
        """As it is kept."""
        parts = (_SCALE * self.words, self.regions, self.shape)
        return Pointer(*(part.detach().numpy().copy() for part in parts))


def fit_pointer(
    model: Model,
    dataset: BoxedDataset,
    entities: Path,
    *,
    epochs: int = 3,
    seed: int = 0,
    progress: Progress = silent,
) -> Pointer:
    """Fit a model's pointer to a split's photos.

    Args:
        dataset: photos to learn from; judge on others.
        entities: file of phrases, see `regard.evaluation.grounding.read_phrases`.
        progress: told photos seen of all, those of every epoch counted.

    Raises:
        DataError: the phrases cannot be read or are of other photos.
    """
    torch.manual_seed(seed)
    photos = list(_photos(model, dataset, read_phrases(entities, set(dataset.captions.photos))))
    form = _Form(model.dim)
    groups = [
        {"params": [form.words, form.regions], "lr": _RATE, "weight_decay": _DECAY},
        {"params": [form.shape], "lr": _SHAPE_RATE, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups)
    steps = epochs * -(-len(photos) // _PHOTOS_AT_ONCE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, _LAST_RATE, steps)
    random = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = random.permutation(len(photos))
        for start in range(0, len(order), _PHOTOS_AT_ONCE):
            batch = [photos[row] for row in order[start : start + _PHOTOS_AT_ONCE]]
            loss = torch.stack([form.loss(photo) for photo in batch]).sum()
            optimizer.zero_grad()
            (loss / sum(len(photo.phrases) for photo in batch)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            progress(epoch * len(photos) + start + len(batch), epochs * len(photos))
    return form.finished()


def _photos(
    model: Model, dataset: BoxedDataset, phrases: dict[str, list[Phrase]]
) -> Iterator[_Photo]:
    """Photos that have a phrase whose boxes hold the middle of a cell."""
    names = dataset.captions.photos
    rows = [row for row, name in enumerate(names) if phrases.get(name)]
    for start in range(0, len(rows), _PHOTOS_AT_ONCE):
        some = rows[start : start + _PHOTOS_AT_ONCE]
        by_photo = [phrases[names[row]] for row in some]
        vectors = phrase_vectors(model, [phrase for part in by_photo for phrase in part])
        embedded = model.encode_features(*dataset.gather(some))
        first = 0
        for row, part, regions in zip(some, by_photo, embedded, strict=True):
            stored = dataset.regions_of(row)
            inside = np.stack([_inside(phrase) for phrase in part])
            held = inside.any(1)
            if held.any():
                size = stored.width, stored.height
                across, down = bumps(stored.boxes, size, (_GRID, _GRID))
                yield _Photo(
                    regions[: len(stored.boxes)].astype(np.float16),
                    describe(stored.boxes, size),
                    across.astype(np.float32),
                    down.astype(np.float32),
                    vectors[first : first + len(part)][held],
                    inside[held],
                )
            first += len(part)


def _inside(phrase: Phrase) -> np.ndarray:
    """Which cells' middles lie in a phrase's boxes."""
    middles = (np.arange(_GRID) + 0.5) / _GRID
    x1, y1, x2, y2 = (side[:, None] for side in phrase.boxes.T)
    across = (x1 <= middles) & (middles <= x2)  # (box, column)
    down = (y1 <= middles) & (middles <= y2)
    held: np.ndarray = (down[:, :, None] & across[:, None, :]).any(0).ravel()
    return held

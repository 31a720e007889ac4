"""Batches of (photo, caption) pairs, prepared in the background while a step runs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from regard.datasets.dataset import Dataset, check_finite
from regard.device import put
from regard.errors import ShapeError
from regard.shapes import Bool, Float, Int
from regard.training.state_tables import StateTable
from regard.training.text import PieceTable
from regard.words.special import UNKNOWN
from regard.words.tokens import tokenize
from regard.words.vocabulary import CaptionIds, Vocabulary


class Batch(NamedTuple):
    """Pairs of a photo and a caption; a photo that comes several times is there once.

    Counts and lengths stay on the processor, which asks for them; the rest lies where the model is.
    """

    features: Float[Tensor, "photo region feature"]
    counts: Int[Tensor, " photo"]
    """Real regions of each photo."""
    word_ids: Int[Tensor, "pair word"]
    lengths: Int[Tensor, " pair"]
    photo_of_pair: Int[Tensor, " pair"]
    """Row in `features` of each pair's photo."""
    states: Float[Tensor, "pair word state"] | None = None
    """States of the words in a sentence encoder, where the model needs them."""
    naming: Bool[Tensor, "pair word"] | None = None
    """Words that name something (`CaptionIds.naming`)."""
    photos: Int[Tensor, " photo"] | None = None
    """Rows of the photos in their data set; on the processor."""

    @property
    def region_mask(self) -> Bool[Tensor, "photo region"]:
        """True where a region is real."""
        mask = torch.arange(self.features.shape[1])[None, :] < self.counts[:, None]
        return put(mask, self.features.device)

    @property
    def word_mask(self) -> Bool[Tensor, "pair word"]:
        """True where a word is real."""
        mask = torch.arange(self.word_ids.shape[1])[None, :] < self.lengths[:, None]
        return put(mask, self.features.device)

    def moved(self, move: Callable[[Tensor], Tensor]) -> "Batch":
        """The same, with what does not stay on the processor moved."""
        parts = {name: getattr(self, name) for name in _MOVED}
        return self._replace(**{name: move(x) for name, x in parts.items() if x is not None})


_MOVED = ("features", "word_ids", "photo_of_pair", "states", "naming")


class PairBatches:
    """All pairs of a data set, batch by batch in any order.

    Args:
        dataset: captioned photos with features.
        vocabulary: words known.
        batch_size: pairs a batch.
        captions_per_photo: captions of a photo that stay together, so that its regions are
            embedded once for them.
        states: word states of all captions, in their order.
    """

    def __init__(
        self,
        dataset: Dataset,
        vocabulary: Vocabulary,
        batch_size: int,
        *,
        captions_per_photo: int = 1,
        states: StateTable | PieceTable | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.captions_per_photo = captions_per_photo
        self.states = states
        self._unknown = vocabulary.index[UNKNOWN]
        sentences = dataset.captions.sentences
        self._captions: CaptionIds = vocabulary.encode([tokenize(s) for s in sentences])

    def __len__(self) -> int:
        """Full batches in an epoch; the few pairs left over come in another epoch's."""
        return max(1, len(self._captions.lengths) // self.batch_size)

    def order(self, seed: int, epoch: int) -> Int[np.ndarray, "batch pair"]:
        """A shuffled epoch: caption numbers of every batch. The same seed gives the same."""
        generator = np.random.default_rng((seed, epoch))
        shuffled = generator.permutation(len(self._captions.lengths))
        if self.captions_per_photo > 1:
            shuffled = self._together(shuffled, generator)
        size = min(self.batch_size, len(shuffled))
        return shuffled[: len(self) * size].reshape(len(self), size)

    def _together(
        self, shuffled: Int[np.ndarray, " cap"], generator: np.random.Generator
    ) -> Int[np.ndarray, " cap"]:
        """The same captions, some of each photo side by side, in random order again."""
        photo_of_caption = self.dataset.captions.photo_of_caption
        by_photo = shuffled[photo_of_caption[shuffled].argsort(kind="stable")]
        photos = photo_of_caption[by_photo]
        turn = np.arange(len(photos)) - np.searchsorted(photos, photos)  # 0, 1, ... in its photo
        group = photos * len(photos) + turn // self.captions_per_photo
        groups, number = np.unique(group, return_inverse=True)
        place = generator.permutation(len(groups))[number]
        together: np.ndarray = by_photo[place.argsort(kind="stable")]
        return together

    def batch(self, captions: Int[np.ndarray, " pair"]) -> Batch:
        """The pairs of some captions with their photos."""
        photos, photo_of_pair = np.unique(
            self.dataset.captions.photo_of_caption[captions], return_inverse=True
        )
        features, counts = self.dataset.gather(photos)
        lengths = self._captions.lengths[captions]
        ids = self._captions.ids[captions, : lengths.max()]
        return Batch(
            torch.from_numpy(features),
            torch.from_numpy(counts),
            torch.from_numpy(ids),
            torch.from_numpy(lengths),
            torch.from_numpy(photo_of_pair),
            None if self.states is None else torch.from_numpy(self.states.gather(captions)),
            torch.from_numpy(self._captions.naming[captions, : lengths.max()]),
            torch.from_numpy(photos),
        )

    def check(self, captions: Int[np.ndarray, " pair"]) -> None:
        """Refuse captions whose photos' features, or whose words' states, are not finite.

        Raises:
            ShapeError: names the first such photo or caption.
        """
        photos = np.unique(self.dataset.captions.photo_of_caption[captions])
        check_finite(self.dataset, photos, self.dataset.gather(photos)[0])
        if self.states is None:
            return
        for row in captions:
            if not np.isfinite(self.states.gather(np.array([row]))).all():
                raise ShapeError(
                    f"states of caption {self.dataset.captions.sentences[row]!r} are not finite "
                    "somewhere; they must be ordinary numbers only. Delete the run's cache, so "
                    "that they are made anew."
                )

    def stream(
        self,
        order: Int[np.ndarray, "batch pair"],
        prepare: Callable[[Batch, int], Batch] = lambda batch, _: batch,
    ) -> Iterator[Batch]:
        """Batches of an order, one made ready while the last is used.

        Args:
            prepare: applied to each batch and its number, in the background.
        """

        def make(number: int) -> Batch:
            return prepare(self.batch(order[number]), number)

        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(make, 0)
            for number in range(len(order)):
                batch = coming.result()
                if number + 1 < len(order):
                    coming = pool.submit(make, number + 1)
                yield batch

    def augment(
        self, batch: Batch, word_dropout: float, region_dropout: float, generator: torch.Generator
    ) -> Batch:
        """Replace words by <unk>, their states by zeros, and leave regions out, at random.

        A word can lose its id, its state or both; <start> and <end> stay, and every photo keeps
        at least one region.
        """
        if word_dropout:
            position = torch.arange(batch.word_ids.shape[1])[None, :]
            inner = (position > 0) & (position < batch.lengths[:, None] - 1)
            chance = torch.rand(batch.word_ids.shape, generator=generator)
            dropped = (chance < word_dropout) & inner
            batch = batch._replace(word_ids=batch.word_ids.masked_fill(dropped, self._unknown))
            if batch.states is not None:
                chance = torch.rand(batch.word_ids.shape, generator=generator)
                dropped = (chance < word_dropout) & inner
                assert self.states is not None  # where they are from
                batch = batch._replace(states=self.states.without(batch.states, dropped))
        if region_dropout:
            chance = torch.rand(batch.region_mask.shape, generator=generator)
            chance = chance.masked_fill(~batch.region_mask, 2.0)
            keep = max(1, round(chance.shape[1] * (1 - region_dropout)))
            kept = chance.argsort(1)[:, :keep].sort(1).values  # padding is never before a region
            rows = torch.arange(len(kept))[:, None]
            counts = batch.region_mask[rows, kept].sum(1)
            batch = batch._replace(features=batch.features[rows, kept], counts=counts)
        return batch

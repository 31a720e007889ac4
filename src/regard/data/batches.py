"""Batches of (photo, caption) pairs, prepared in the background while a step runs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from regard.data.dataset import Dataset
from regard.data.tokens import tokenize
from regard.data.vocab import UNKNOWN, CaptionIds, Vocabulary


class Batch(NamedTuple):
    """Pairs: photo p belongs with caption p."""

    features: Float[Tensor, "pair region feature"]
    region_mask: Bool[Tensor, "pair region"]
    word_ids: Int[Tensor, "pair word"]
    lengths: Int[Tensor, " pair"]
    photo_ids: Int[Tensor, " pair"]
    """Which photo each pair is of; equal numbers are the same photo."""

    @property
    def word_mask(self) -> Bool[Tensor, "pair word"]:
        """True where a word is real."""
        return torch.arange(self.word_ids.shape[1])[None, :] < self.lengths[:, None]


class PairBatches:
    """All pairs of a data set, batch by batch in any order.

    Args:
        dataset: captioned photos with features.
        vocabulary: words known.
        batch_size: pairs a batch.
    """

    def __init__(self, dataset: Dataset, vocabulary: Vocabulary, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self._unknown = vocabulary.index[UNKNOWN]
        sentences = dataset.captions.sentences
        self._captions: CaptionIds = vocabulary.encode([tokenize(s) for s in sentences])

    def __len__(self) -> int:
        """Full batches in an epoch; the few pairs left over come in another epoch's."""
        return max(1, len(self._captions.lengths) // self.batch_size)

    def order(self, seed: int, epoch: int) -> Int[np.ndarray, "batch pair"]:
        """A shuffled epoch: caption numbers of every batch. The same seed gives the same."""
        shuffled = np.random.default_rng((seed, epoch)).permutation(len(self._captions.lengths))
        size = min(self.batch_size, len(shuffled))
        return shuffled[: len(self) * size].reshape(len(self), size)

    def batch(self, captions: Int[np.ndarray, " pair"]) -> Batch:
        """The pairs of some captions with their photos."""
        photos = self.dataset.captions.photo_of_caption[captions]
        features, counts = self.dataset.gather(photos)
        lengths = self._captions.lengths[captions]
        ids = self._captions.ids[captions, : lengths.max()]
        mask = np.arange(features.shape[1])[None, :] < counts[:, None]
        return Batch(
            torch.from_numpy(features),
            torch.from_numpy(mask),
            torch.from_numpy(ids),
            torch.from_numpy(lengths),
            torch.from_numpy(photos),
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
        """Replace words by <unk> and leave regions out, at random.

        <start> and <end> stay; every photo keeps at least one region.
        """
        if word_dropout:
            chance = torch.rand(batch.word_ids.shape, generator=generator)
            position = torch.arange(batch.word_ids.shape[1])[None, :]
            inner = (position > 0) & (position < batch.lengths[:, None] - 1)
            dropped = (chance < word_dropout) & inner
            batch = batch._replace(word_ids=batch.word_ids.masked_fill(dropped, self._unknown))
        if region_dropout:
            chance = torch.rand(batch.region_mask.shape, generator=generator)
            chance = chance.masked_fill(~batch.region_mask, 2.0)
            keep = max(1, round(chance.shape[1] * (1 - region_dropout)))
            kept = chance.argsort(1)[:, :keep].sort(1).values  # padding is never before a region
            rows = torch.arange(len(kept))[:, None]
            batch = batch._replace(
                features=batch.features[rows, kept], region_mask=batch.region_mask[rows, kept]
            )
        return batch

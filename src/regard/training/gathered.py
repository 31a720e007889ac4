"""A batch as its loss sees it: one's own pairs among all, wherever these were embedded."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from regard.device import put, read
from regard.shapes import Bool, Float, Int
from regard.training.batches import Batch
from regard.training.ranks import Ranks


class Embedded(NamedTuple):
    """A batch in the joint space."""

    regions: Float[Tensor, "photo region dim"]
    words: Float[Tensor, "pair word dim"]


class Pairs(NamedTuple):
    """What a loss knows of a batch beside its vectors."""

    region_mask: Bool[Tensor, "photo region"]
    word_mask: Bool[Tensor, "pair word"]
    counts: Int[Tensor, " photo"]
    """Real regions; on the processor, as lengths are."""
    lengths: Int[Tensor, " pair"]
    photo_of_pair: Int[Tensor, " pair"]
    same: Int[Tensor, " pair"]
    """Equal for pairs of the same photo, which may be there several times."""
    own: slice
    """Pairs whose part of the loss this process has."""
    own_photos: slice

    @property
    def all_own(self) -> bool:
        """Whether there is no other process."""
        return self.own == slice(0, len(self.lengths))

    @property
    def places(self) -> Int[Tensor, " own"]:
        """One's own pairs."""
        return torch.arange(self.own.start, self.own.stop, device=self.same.device)


def gathered(embedded: Embedded, batch: Batch, ranks: Ranks) -> tuple[Embedded, Pairs]:
    """All vectors of a batch, and what is known of its pairs."""
    if ranks.count > 1:
        return _from_all(embedded, batch, ranks)
    own, photos = slice(0, len(batch.lengths)), slice(0, len(batch.counts))
    known = batch.region_mask, batch.word_mask, batch.counts, batch.lengths
    return embedded, Pairs(*known, batch.photo_of_pair, batch.photo_of_pair, own, photos)


def _from_all(embedded: Embedded, batch: Batch, ranks: Ranks) -> tuple[Embedded, Pairs]:
    assert batch.photos is not None  # as batches of data sets have
    device, pairs = embedded.regions.device, len(batch.lengths)
    shape = torch.tensor([*embedded.regions.shape[:2], embedded.words.shape[1]])
    shapes = ranks.gather(shape)
    most, regions, words = shapes.max(0).values.tolist()
    short = most - len(batch.counts)
    of_pair = torch.from_numpy(read(batch.photo_of_pair))
    known = [pad(batch.counts, (0, short)), pad(batch.photos, (0, short)), batch.lengths, of_pair]
    facts = ranks.gather(torch.cat([part.long() for part in known]))
    counts, photos, lengths, of_pair = torch.split(facts, [most, most, pairs, pairs], 1)

    there = torch.arange(most) < shapes[:, :1]  # (rank, photo): the rest is padding
    first = shapes[:, 0].cumsum(0) - shapes[:, 0]
    kept = put(there.flatten().nonzero()[:, 0], device)
    wide = (0, 0, 0, regions - embedded.regions.shape[1], 0, short)
    all_regions = ranks.gather(pad(embedded.regions, wide)).flatten(0, 1)[kept]
    longer = (0, 0, 0, words - embedded.words.shape[1])
    all_words = ranks.gather(pad(embedded.words, longer)).flatten(0, 1)
    counts, lengths = counts[there], lengths.flatten()
    mine = int(first[ranks.rank]), int(shapes[ranks.rank, 0])
    return Embedded(all_regions, all_words), Pairs(
        put(torch.arange(regions) < counts[:, None], device),
        put(torch.arange(words) < lengths[:, None], device),
        counts,
        lengths,
        put((of_pair + first[:, None]).flatten(), device),
        put(photos.gather(1, of_pair).flatten(), device),
        ranks.part(len(lengths)),
        slice(mine[0], sum(mine)),
    )

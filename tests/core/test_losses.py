"""Losses equal the reference, entry by entry, and their gradients go where they must."""

import numpy as np
import pytest
import reference
import torch

from regard.core.attention import masked_mean
from regard.core.losses import (
    contrastive_loss,
    hardest_negatives,
    hinge,
    not_negative,
    triplet_loss,
)


def scores(seed, size=6):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(size, size)))


DIAGONAL = torch.eye(6, dtype=torch.bool)
SHARED = not_negative(torch.tensor([0, 0, 1, 2, 2, 2]))


@pytest.mark.parametrize("negatives", ["hardest", "sum"])
@pytest.mark.parametrize("excluded", [DIAGONAL, SHARED])
@pytest.mark.parametrize("seed", range(4))
def test_triplet_equals_the_reference(negatives, excluded, seed):
    loss = triplet_loss(scores(seed), excluded, 0.2, negatives)
    expected = reference.triplet(scores(seed).numpy(), excluded.numpy(), 0.2, negatives)
    assert loss.item() == pytest.approx(expected)


def test_chosen_pairs_give_the_loss_and_gradient_of_the_whole_matrix():
    whole = scores(5).requires_grad_()
    triplet_loss(whole, SHARED, 0.2).backward()
    chosen = scores(5).requires_grad_()
    hardest = hardest_negatives(chosen.detach(), chosen.detach().T, SHARED)
    pairs = torch.arange(6)
    loss = hinge(
        chosen[pairs, pairs],
        chosen[pairs, hardest.caption_of_image],
        chosen[hardest.image_of_caption, pairs],
        0.2,
    )
    loss.backward()
    assert loss.item() == pytest.approx(triplet_loss(scores(5), SHARED, 0.2).item())
    torch.testing.assert_close(chosen.grad, whole.grad)


def test_hand_typed_batch():
    # rows are images; the wrong captions 0.9 and 0.1, the wrong images 0.1 and 0.9
    typed = torch.tensor([[0.5, 0.9], [0.1, 0.4]])
    # caption costs: .2+.9-.5=.6 and 0; image costs: 0 and .2+.9-.4=.7
    assert triplet_loss(typed, torch.eye(2, dtype=torch.bool)).item() == pytest.approx(1.3)


def test_batch_of_one_photo_costs_nothing():
    everything = torch.ones(3, 3, dtype=torch.bool)
    for negatives in ("hardest", "sum"):
        assert triplet_loss(scores(1, 3), everything, 0.2, negatives).item() == 0


def test_contrastive_equals_cross_entropy_by_hand():
    generator = torch.Generator().manual_seed(0)
    regions = torch.randn(3, 4, 5, generator=generator)
    words = torch.randn(3, 2, 5, generator=generator)
    region_mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).bool()
    word_mask = torch.tensor([[1, 1], [1, 0], [1, 1]]).bool()
    excluded = not_negative(torch.tensor([0, 1, 1]))
    sides = masked_mean(regions, region_mask), masked_mean(words, word_mask)
    loss = contrastive_loss(*sides, excluded, torch.arange(3), 0.5)
    parts = [
        contrastive_loss(*sides, excluded[own], torch.tensor(own), 0.5) for own in ([0, 2], [1])
    ]
    assert sum(parts).item() == pytest.approx(loss.item())  # of pairs parted among processes
    image = np.stack([reference.unit(regions[i][region_mask[i]].numpy().mean(0)) for i in range(3)])
    text = np.stack([reference.unit(words[i][word_mask[i]].numpy().mean(0)) for i in range(3)])
    logits = np.exp(image @ text.T / 0.5)
    allowed = ~excluded.numpy() | np.eye(3, dtype=bool)
    logits = logits * allowed
    by_image = -np.log(np.diag(logits) / logits.sum(1)).mean()
    by_caption = -np.log(np.diag(logits) / logits.sum(0)).mean()
    assert loss.item() == pytest.approx((by_image + by_caption) / 2, rel=1e-5)


def test_same_photo_is_never_a_negative():
    hardest = hardest_negatives(torch.ones(6, 6), torch.ones(6, 6), SHARED)
    groups = torch.tensor([0, 0, 1, 2, 2, 2])
    assert (groups[hardest.caption_of_image] != groups).all()
    assert (groups[hardest.image_of_caption] != groups).all()

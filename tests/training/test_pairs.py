"""Chosen pairs scored without copies equal the readable paired similarity, gradients too."""

import pytest
import torch

from regard.core.attention import paired_similarity
from regard.core.scoring import Scoring
from regard.training.pairs import chosen_similarity

IMAGE = torch.tensor([0, 0, 2, 1, 2])
CAPTION = torch.tensor([1, 3, 0, 1, 3])


@pytest.mark.parametrize("pooling", ["lse", "mean", "max", "sum", "weighted"])
@pytest.mark.parametrize("direction", ["t2i", "i2t"])
@pytest.mark.parametrize("normalization", ["clipped_l2norm", "softmax"])
def test_similarities_and_gradients(direction, pooling, normalization):
    torch.manual_seed(0)
    masks = (
        torch.arange(5)[None] < torch.tensor([5, 3, 1])[:, None],
        torch.arange(7)[None] < torch.tensor([7, 1, 4, 6])[:, None],
    )
    regions, words = torch.randn(3, 5, 16), torch.randn(4, 7, 16)
    regions, words = (
        v.masked_fill(~m[..., None], 0) for v, m in zip((regions, words), masks, strict=True)
    )
    regions.requires_grad_()
    words.requires_grad_()
    scoring = Scoring(direction=direction, pooling=pooling, normalization=normalization)
    similarities = chosen_similarity(regions, words, masks, (IMAGE, CAPTION), scoring)
    expected = paired_similarity(
        regions[IMAGE], words[CAPTION], masks[0][IMAGE], masks[1][CAPTION], scoring
    )
    torch.testing.assert_close(similarities, expected)
    weights = torch.linspace(-1, 1, len(IMAGE))
    ours, theirs = (
        torch.autograd.grad((x * weights).sum(), (regions, words)) for x in (similarities, expected)
    )
    for mine, other, mask in zip(ours, theirs, masks, strict=True):
        torch.testing.assert_close(mine[mask], other[mask], rtol=1e-4, atol=1e-5)

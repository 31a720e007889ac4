"""Attention maps of one pair and of many."""

import pytest
import torch

from regard.core.attention import paired_similarity
from regard.core.scoring import Scoring
from regard.errors import ConfigError, ShapeError
from regard.kernels import attention


def unit(*shape, seed=0):
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return vectors / vectors.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_one_pair(direction):
    maps = attention(unit(5, 8).numpy(), unit(3, 8), Scoring(direction=direction))
    assert maps.weights.shape == ((3, 5) if direction == "t2i" else (5, 3))
    torch.testing.assert_close(maps.weights.sum(-1), torch.ones(len(maps.weights)))
    assert maps.relevances.shape == maps.weights.shape[:1]
    assert maps.cosines.shape == maps.weights.shape
    assert maps.similarities.shape == ()


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_pairs_with_padding(direction):
    regions, words = unit(4, 6, 8), unit(4, 7, 8, seed=1)
    region_lengths, lengths = torch.tensor([6, 1, 3, 2]), torch.tensor([7, 2, 1, 5])
    scoring = Scoring(direction=direction)
    dirty = regions.clone()
    dirty[1, 1:] = torch.nan
    maps = attention(dirty, words, scoring, region_lengths=region_lengths, lengths=lengths)
    region_mask = torch.arange(6) < region_lengths[:, None]
    word_mask = torch.arange(7) < lengths[:, None]
    wanted = paired_similarity(regions, words, region_mask, word_mask, scoring)
    torch.testing.assert_close(maps.similarities, wanted)
    query, context = (word_mask, region_mask) if direction == "t2i" else (region_mask, word_mask)
    torch.testing.assert_close(maps.weights.sum(-1), query.float())
    both = query[:, :, None] & context[:, None]
    assert (maps.weights[~both] == 0).all()
    assert (maps.relevances[~query] == 0).all()
    for pair in range(4):
        one = attention(
            regions[pair, : region_lengths[pair]], words[pair, : lengths[pair]], scoring
        )
        rows, columns = one.weights.shape
        torch.testing.assert_close(maps.weights[pair, :rows, :columns], one.weights)
        torch.testing.assert_close(maps.relevances[pair, :rows], one.relevances)


def test_what_cannot_be_mapped_is_refused():
    with pytest.raises(ConfigError, match="scorer is pooled"):
        attention(unit(5, 8), unit(3, 8), Scoring(scorer="pooled"))
    with pytest.raises(ShapeError, match="number of captions is 2"):
        attention(unit(3, 5, 8), unit(2, 3, 8))
    with pytest.raises(ShapeError, match="words is not finite"):
        attention(unit(5, 8), unit(3, 8) * torch.nan)
    with pytest.raises(ShapeError, match="words is of shape"):
        attention(unit(1, 5, 8), unit(3, 8))

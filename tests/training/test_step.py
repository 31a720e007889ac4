"""The step through chosen pairs has the loss and the gradients of the full score matrix."""

from dataclasses import replace

import pytest
import torch

from regard.bench.loop import loop_over_captions
from regard.bench.shapes import caption_lengths
from regard.core.attention import similarity
from regard.core.losses import not_negative, triplet_loss
from regard.core.model_config import ModelConfig
from regard.core.network import MatchingModel
from regard.core.scoring import Scoring
from regard.training.batches import Batch
from regard.training.config import TrainConfig
from regard.training.gathered import Embedded
from regard.training.step import batch_loss, loss_of

PHOTO_OF_PAIR = torch.tensor([0, 0, 1, 2, 3, 3, 4, 5])


def batch(states=False):
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([3, 7, 4, 5, 6, 7, 3, 5])
    counts = torch.tensor([4, 3, 4, 1, 2, 4])
    mask = torch.arange(4)[None] < counts[:, None]
    return Batch(
        torch.randn(6, 4, 6, generator=generator).masked_fill(~mask[..., None], 0),
        counts,
        torch.randint(4, 20, (8, 7), generator=generator),
        lengths,
        PHOTO_OF_PAIR,
        torch.randn(8, 7, 4, generator=generator) if states else None,
    )


def model(**scoring):
    torch.manual_seed(0)
    encoding, weighs = scoring.pop("encoding", "gru"), scoring.pop("word_weights", False)
    config = ModelConfig(
        feature_dim=6,
        embed_dim=64,
        word_dim=5,
        state_dim=4,
        word_hidden=8,
        word_encoding=encoding,
        word_weights=weighs,
        scoring=Scoring(**scoring),
    )
    matcher = MatchingModel(config, 20)
    torch.nn.init.normal_(matcher.words.embed.weight)  # words that differ: gradients do not cancel
    return matcher


def full_loss(matcher, pairs, config):
    """Autograd through every pair of a photo's copy and a caption."""
    words = matcher.words(pairs.word_ids, pairs.lengths, pairs.states)
    regions = matcher.regions(pairs.features)[pairs.photo_of_pair]
    mask = pairs.region_mask[pairs.photo_of_pair]
    scores = similarity(regions, words, mask, pairs.word_mask, matcher.config.scoring)
    own = not_negative(pairs.photo_of_pair)
    excluded = own if config.mask_same_photo else torch.eye(len(own), dtype=torch.bool)
    return triplet_loss(scores, excluded, config.margin, config.negatives)


@pytest.mark.parametrize("negatives", ["hardest", "sum"])
@pytest.mark.parametrize("mask_same_photo", [False, True])
@pytest.mark.parametrize(
    "scoring",
    [
        {"direction": "t2i", "pooling": "mean"},
        {"direction": "t2i", "pooling": "lse", "encoding": "states"},
        {"direction": "i2t", "pooling": "lse", "lambda_softmax": 4.0},
        {"scorer": "sum_max"},
        {"scorer": "hard"},
        {"scorer": "pooled"},
    ],
    ids=str,
)
def test_gradients_equal_those_of_the_full_matrix(scoring, mask_same_photo, negatives):
    config = TrainConfig(mask_same_photo=mask_same_photo, negatives=negatives)
    matcher, pairs = model(**scoring), batch(scoring.get("encoding") == "states")
    expected = full_loss(matcher, pairs, config)
    wanted = torch.autograd.grad(expected, list(matcher.parameters()))
    loss = batch_loss(matcher, pairs, config)
    torch.testing.assert_close(loss.total, expected, rtol=1e-5, atol=1e-5)
    assert loss.triplet.item() == pytest.approx(expected.item(), rel=1e-5)
    ours = torch.autograd.grad(loss.total, list(matcher.parameters()))
    one, other = (torch.cat([g.flatten() for g in grads]) for grads in (ours, wanted))
    # as float32 sums come: 4e-6 to 2.2e-5 from float64 by processor, the full matrix 6e-6 to 1.2e-5
    assert (one - other).norm() <= 5e-5 * other.norm()
    assert exactly(matcher, pairs, config) <= 1e-12


def exactly(matcher, pairs, config):
    """How far gradients of regions and words are from the full matrix's, in float64."""
    with torch.no_grad():
        words = matcher.words(pairs.word_ids, pairs.lengths, pairs.states).double()
        regions = matcher.regions(pairs.features).double()
    embedded = Embedded(regions.requires_grad_(), words.requires_grad_())
    own = not_negative(pairs.photo_of_pair)
    excluded = own if config.mask_same_photo else torch.eye(len(own), dtype=torch.bool)
    mask = pairs.region_mask[pairs.photo_of_pair]
    copies = regions[pairs.photo_of_pair]
    scores = similarity(copies, words, mask, pairs.word_mask, matcher.config.scoring)
    expected = triplet_loss(scores, excluded, config.margin, config.negatives)
    wanted = torch.autograd.grad(expected, embedded)
    gradients = torch.autograd.grad(loss_of(matcher, embedded, pairs, config).total, embedded)
    pairs_of = zip(gradients, wanted, strict=True)
    return max(float((one - other).norm() / other.norm()) for one, other in pairs_of)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_every_gradient_equals_the_official_loops(direction):
    """At the paper's number of regions, through the loop over captions kept for the benchmark."""
    torch.manual_seed(0)
    config = ModelConfig(feature_dim=128, embed_dim=256, scoring=Scoring(direction=direction))
    matcher, lengths = MatchingModel(config, 50), torch.as_tensor(caption_lengths(16))
    pairs = Batch(
        torch.rand(16, 36, 128),
        torch.full((16,), 36),
        torch.randint(4, 50, (16, int(lengths.max()))),
        lengths,
        torch.arange(16),
    )
    regions, words = matcher.regions(pairs.features), matcher.words(pairs.word_ids, lengths)
    scores = loop_over_captions(regions, words, lengths.tolist(), config.scoring)
    expected = triplet_loss(scores, torch.eye(16, dtype=torch.bool))
    wanted = torch.autograd.grad(expected, list(matcher.parameters()))
    gradients = torch.autograd.grad(
        batch_loss(matcher, pairs, TrainConfig()).total, list(matcher.parameters())
    )
    for ours, theirs in zip(gradients, wanted, strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


def test_warming_up_uses_the_contrastive_loss_alone():
    config = TrainConfig(contrastive_weight=2.0, contrastive_epochs=1)
    warm = batch_loss(model(), batch(), config, warming_up=True)
    assert warm.triplet == 0
    assert warm.total.item() == pytest.approx(2 * warm.contrastive.item())
    both = batch_loss(model(), batch(), config)
    parts = 2 * both.contrastive + both.triplet
    assert both.total.item() == pytest.approx(parts.item(), rel=1e-5)


def test_weights_of_the_losses_are_factors():
    config = TrainConfig(triplet_weight=0.25)
    once = batch_loss(model(), batch(), config).total
    assert batch_loss(model(), batch(), replace(config, triplet_weight=1.0)).total.item() == (
        pytest.approx(4 * once.item())
    )


def test_a_batch_of_one_photo_costs_nothing():
    one = batch()
    one = one._replace(
        features=one.features[:1],
        counts=one.counts[:1],
        photo_of_pair=torch.zeros(8, dtype=torch.long),
    )
    loss = batch_loss(model(), one, TrainConfig(mask_same_photo=True))
    assert loss.total.item() == 0


@pytest.mark.parametrize("mask_same_photo", [False, True])
def test_contrast_of_all_similarities_without_words_that_count_for_nothing(mask_same_photo):
    settings = {"triplet_weight": 0.0, "attention_weight": 2.0, "attention_temperature": 0.1}
    config = TrainConfig(mask_same_photo=mask_same_photo, **settings)
    made, pairs = model(pooling="weighted", encoding="states", word_weights=True), batch(True)
    naming = pairs.word_mask & (torch.arange(7) % 2 == 0)
    pairs = pairs._replace(naming=naming)
    words = made.words(pairs.word_ids, pairs.lengths, pairs.states, naming)
    regions, mask = made.regions(pairs.features), pairs.region_mask
    scores = similarity(regions, words, mask, pairs.word_mask, made.config.scoring)
    logits = (scores / 0.1)[pairs.photo_of_pair]
    if mask_same_photo:
        others = not_negative(pairs.photo_of_pair) & ~torch.eye(8, dtype=torch.bool)
        logits = logits.masked_fill(others, -torch.inf)
    target = torch.arange(8)
    entropies = [torch.nn.functional.cross_entropy(x, target) for x in (logits, logits.T)]
    found = batch_loss(made, pairs, config)
    assert found.total.item() == pytest.approx(sum(entropies).item(), rel=1e-5)
    found.total.backward()
    assert made.words.weigh.weight.grad.any()
    assert made.regions.linear.weight.grad.any()

"""Batches of pairs: every caption once, photos once, states and words dropped in place."""

import numpy as np
import pytest
import torch

from regard.datasets.captions import Captions
from regard.training.batches import PairBatches
from regard.training.state_tables import StateTable
from regard.words.vocabulary import Vocabulary

SENTENCES = [[f"dog number {n} of {p}" for n in range(5)] for p in range(8)]


class Photos:
    """Eight photos of one region, whose feature is the photo's number; five captions each."""

    captions = Captions.of({f"{p}.jpg": s for p, s in enumerate(SENTENCES)})
    feature_dim, producer, skipped = 2, "test", None

    def gather(self, rows):
        rows = np.asarray(rows)
        features = np.repeat(rows[:, None, None], 2, axis=2).astype(np.float16)
        return features, np.ones(len(rows), np.int64)


class States:
    """A state of one number a word: the caption's own."""

    without = StateTable.without

    def gather(self, rows):
        return np.tile(np.asarray(rows)[:, None, None], (1, 7, 1)).astype(np.float16)


def batches(**settings):
    vocabulary = Vocabulary.build(Photos.captions.sentences, 1)
    return PairBatches(Photos(), vocabulary, 10, **settings)


@pytest.mark.parametrize("together", [1, 2, 3, 5])
def test_an_epoch_has_every_caption_once_and_its_own_order(together):
    pair_batches = batches(captions_per_photo=together)
    order = pair_batches.order(0, 0)
    assert order.shape == (4, 10)
    assert sorted(order.ravel()) == list(range(40))
    assert (order == pair_batches.order(0, 0)).all()
    assert (order != pair_batches.order(0, 1)).any()


def test_captions_that_stay_together_share_their_photo():
    pair_batches = batches(captions_per_photo=5)
    for rows in pair_batches.order(0, 0):
        assert len(pair_batches.batch(rows).features) == 2
    assert all(len(batches().batch(rows).features) > 2 for rows in batches().order(0, 0))


def test_every_pair_finds_its_photo():
    pair_batches = batches(captions_per_photo=2)
    rows = pair_batches.order(0, 0)[0]
    batch = pair_batches.batch(rows)
    assert len(batch.features) == len(set(rows // 5))
    assert batch.features[batch.photo_of_pair, 0, 0].tolist() == (rows // 5).tolist()


def test_words_and_states_are_dropped_apart_and_the_ends_stay():
    pair_batches = batches(states=States())
    plain = pair_batches.batch(np.arange(1, 11))
    augmented = pair_batches.augment(plain, 0.5, 0.0, torch.Generator().manual_seed(0))
    no_word = (augmented.word_ids != plain.word_ids) & (augmented.word_ids == 3)
    no_state = (augmented.states == 0)[..., 0]
    assert (no_word & ~no_state).any()
    assert (no_state & ~no_word).any()
    assert (no_state & no_word).any()
    for row, length in enumerate(plain.lengths):
        for end in (0, length - 1):
            assert augmented.word_ids[row, end] == plain.word_ids[row, end]
            assert not no_state[row, end]


def test_nothing_is_dropped_unless_asked_for():
    plain = batches().batch(np.arange(10))
    augmented = batches().augment(plain, 0.0, 0.0, torch.Generator())
    assert (augmented.word_ids == plain.word_ids).all()
    assert augmented.states is None

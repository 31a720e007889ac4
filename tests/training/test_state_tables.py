"""Word states of captions on disk: found by row and by sentence, made once."""

import numpy as np
import pytest

from regard.training.state_tables import StateTable
from regard.words import states as word_states
from regard.words.states import padded_states

WORDS = ["a", "snowmobiler", "'s", "husky", "jumps"]


def test_a_table_gives_rows_and_sentences_and_is_made_once(tmp_path, monkeypatch):
    captions = [["a", "dog"], WORDS, ["two", "cats"]]
    states = StateTable(captions, tmp_path, "states").gather(np.array([1, 0]))
    expected = padded_states([WORDS, ["a", "dog"]])
    np.testing.assert_allclose(states, expected, atol=2e-3)
    monkeypatch.setattr(word_states, "load_word_states", lambda: pytest.fail("made again"))
    again = StateTable(captions, tmp_path, "states")
    np.testing.assert_array_equal(again([WORDS, ["a", "dog"]]), states)


def test_a_table_of_other_captions_is_replaced(tmp_path):
    StateTable([["a", "dog"]], tmp_path, "states")
    states = StateTable([["a", "cat"]], tmp_path, "states").gather(np.array([0]))
    np.testing.assert_allclose(states, padded_states([["a", "cat"]]), atol=2e-3)


def test_a_table_of_another_encoder_is_replaced(tmp_path, monkeypatch):
    StateTable([["a", "dog"]], tmp_path / "tables", "states")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder/weights").write_bytes(b"other")
    monkeypatch.setattr(word_states, "ENCODER", tmp_path / "encoder")
    monkeypatch.setattr(word_states, "load_word_states", lambda: ones)
    assert (
        StateTable([["a", "dog"]], tmp_path / "tables", "states").gather(np.array([0])) == 1
    ).all()


def ones(captions):
    yield from ((row, np.ones((len(words) + 2, 384))) for row, words in enumerate(captions))

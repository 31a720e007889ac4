"""Vocabularies: built, saved, read and asked about unknown words."""

import json

import pytest

from regard.errors import DataError
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

SENTENCES = ["a dog runs", "a dog sits", "a cat sits", "a dog"]


def test_words_seen_often_enough_enter():
    assert Vocabulary.build(SENTENCES, 3).words == (*SPECIAL, "a", "dog")
    assert Vocabulary.build(SENTENCES, 2).words == (*SPECIAL, "a", "dog", "sits")


def test_captions_become_padded_ids():
    made = Vocabulary.build(SENTENCES, 2)
    found = made.encode([["a", "dog"], ["a", "zebra", "sits"]])
    assert found.ids.tolist() == [[1, 4, 5, 2, 0], [1, 4, 3, 6, 2]]
    assert found.lengths.tolist() == [4, 5]


def test_empty_caption_is_refused():
    with pytest.raises(DataError, match="caption 1 is empty"):
        Vocabulary.build(SENTENCES, 2).encode([["a"], []])


def test_round_trip_in_scans_form(tmp_path):
    made = Vocabulary.build(SENTENCES, 2)
    made.save(tmp_path / "vocab.json")
    assert Vocabulary.load(tmp_path / "vocab.json") == made
    tree = json.loads((tmp_path / "vocab.json").read_text())
    assert tree["idx"] == len(made)
    assert tree["idx2word"]["5"] == "dog"


@pytest.mark.parametrize("text", ["", "[]", '{"word2idx": {"<pad>": 1}}', '{"word2idx": 3}'])
def test_malformed_files_are_refused(tmp_path, text):
    (tmp_path / "vocab.json").write_text(text)
    with pytest.raises(DataError, match=r"cannot be read|have gaps"):
        Vocabulary.load(tmp_path / "vocab.json")


def test_a_file_that_can_be_read_and_is_wrong_is_not_said_to_be_unreadable(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text('{"word2idx": {"<pad>": 0, "<start>": 2}}')
    with pytest.raises(DataError, match=r"^ids of vocabulary .* have gaps"):
        Vocabulary.load(path)
    path.write_text('{"word2idx": {"a": 0}}')
    with pytest.raises(DataError, match=r"^vocabulary begins with"):
        Vocabulary.load(path)


def test_a_byte_order_mark_is_read_over(tmp_path):
    made = Vocabulary.build(SENTENCES, 2)
    made.save(tmp_path / "vocab.json")
    text = (tmp_path / "vocab.json").read_text(encoding="utf-8")
    (tmp_path / "vocab.json").write_text(text, encoding="utf-8-sig")
    assert Vocabulary.load(tmp_path / "vocab.json") == made


@pytest.mark.parametrize("words", [("a",), (*SPECIAL, "a", "a")])
def test_impossible_vocabularies_are_refused(words):
    with pytest.raises(DataError):
        Vocabulary(words)


def test_unknown_words_come_with_their_nearest():
    found = Vocabulary((*SPECIAL, "dog", "bicycle")).unknown(["dog", "bicylce", "qqq"])
    assert found == {"bicylce": ["bicycle"], "qqq": []}


def test_flickr30k_vocabulary_equals_the_official_one(flickr30k_text):
    sentences = [
        line
        for split in ("train", "dev")
        for line in (flickr30k_text / f"{split}_caps.txt").read_text("utf-8").splitlines()
    ]
    official = Vocabulary.load(flickr30k_text / "f30k_precomp_vocab.json")
    made = Vocabulary.build(sentences)
    assert len(made) == 8481
    assert set(made.words) == set(official.words)

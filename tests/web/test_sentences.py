"""Sentences for a photo: the server's own, and a reader's."""

import numpy as np
import pytest
from web.conftest import SENTENCES

from regard.errors import DataError
from regard.search import rank_captions
from regard.web.config import ServeConfig
from regard.web.context import Context
from regard.web.problems import ProblemError
from regard.web.sentences import MOST_SENTENCES, read_sentences, usable
from regard.words.tokens import tokenize


@pytest.fixture
def context(index):
    return Context(index, ServeConfig(), SENTENCES)


def test_the_built_in_list_is_fit_to_be_read():
    sentences = read_sentences()
    assert 200 <= len(sentences) <= 500
    assert len(set(sentences)) == len(sentences)
    assert all(2 <= len(tokenize(sentence)) <= 15 for sentence in sentences)


def test_a_list_of_ones_own(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("a dog\n\n  a   cat \na dog\n", encoding="utf-8")
    assert read_sentences(path) == ["a dog", "a cat"]
    path.write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match="0 sentences"):
        read_sentences(path)
    path.write_text("".join(f"dog {n}\n" for n in range(MOST_SENTENCES + 1)), encoding="utf-8")
    with pytest.raises(DataError, match="5001 sentences"):
        read_sentences(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_sentences(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_sentences(tmp_path / "missing.txt")


def test_only_lines_with_words_count():
    assert usable(["a dog", "", "   ", "a  dog", "cat"]) == ["a dog", "cat"]


@pytest.mark.parametrize("own", [None, ["a leash", "the blue cat", "a red beach", "dog"]])
def test_the_best_are_those_that_the_index_would_rank(context, placed, own):
    subject = context.subject(placed)
    answer = context.sentences.best(subject, 3, own)
    path = context.library.record(placed).path
    expected = rank_captions(context.model, path, own or SENTENCES, 3)
    assert answer.total == 4
    assert [caption.sentence for caption in answer.captions] == [
        caption.sentence for caption in expected
    ]
    for ours, theirs in zip(answer.captions, expected, strict=True):
        assert ours.similarity == pytest.approx(theirs.similarity, abs=2e-3)  # stored as float16
        assert sum(word.share for word in ours.maps.words) == pytest.approx(
            ours.similarity, abs=1e-4
        )
        assert np.array(ours.maps.heat).shape == (len(ours.words), len(ours.maps.boxes))


def test_sentences_without_words_are_refused(context, placed):
    with pytest.raises(ProblemError, match="none of the 2"):
        context.sentences.best(context.subject(placed), 3, ["", " "])

"""What an explanation tells of its words."""

import json

import numpy as np
import pytest

from regard.explain import Explanation, WordExplanation, strongest_words
from regard.explain.explanation import WordLabel

SIZE = (60, 40)
BOXES = np.array([[0, 0, 10, 20.123], [5, 5, 60, 40]])


def word(text, share, support=None):
    return WordExplanation(text, 0.5, share, np.array([0.75, 0.25]), np.zeros(2), support)


def explanation(*words, boxes=BOXES):
    return Explanation(sum(one.share for one in words), words, boxes, SIZE)


def test_sentence_ends_are_apart_from_the_words_a_reader_sees():
    whole = explanation(
        word("<start>", 0.1), word("dog", 0.4), word("the", -0.2), word("<end>", 0.05)
    )
    assert [one.word for one in whole.sentence_words] == ["dog", "the"]
    assert whole.sentence_ends_share == pytest.approx(0.15)
    assert whole.importance.tolist() == [1, 0]
    assert explanation(word("dog", -0.1)).importance.tolist() == [0]


def test_words_no_region_supports_are_named_once():
    words = [word("dog", 0, 0.1), word("cat", 0, 0.3), word("dog", 0, 0.15), word("the", 0)]
    assert explanation(*words).unsupported == ["dog"]


def test_words_found_by_what_a_region_looks_like_are_named_by_that():
    def labelled(text, part, support=None):
        cosines, label = np.array([0.1, 0.4]), WordLabel("espresso", 0.826, part)
        return WordExplanation(text, 0.5, 0.1, np.ones(2) / 2, cosines, support, None, label)

    by_label = labelled("cup", 0.3), labelled("coffee", 0.25), labelled("cup", 0.21)
    others = labelled("table", 0.1), labelled("moon", 0.3, 0.05), word("the", 0.1)
    one = explanation(*by_label, *others)
    assert one.words_by_label == {"espresso, 83 %": ["cup", "coffee"]}
    assert explanation(*others).words_by_label == {}


def test_the_strongest_words_name_something_and_come_once():
    one = explanation(
        word("<start>", 9), word("a", 0.5), word("dog", 0.2), word("cat", 0.3), word("dog", 0.4)
    )
    other = explanation(word("red", 0.1), word("cat", 0.6))
    strongest = strongest_words([one, other], 2)
    assert [(word.word, word.share) for word in strongest] == [("cat", 0.6), ("dog", 0.4)]
    assert [word.word for word in strongest_words([one, other], 9)] == ["cat", "dog", "red"]


def test_where_no_word_names_anything_any_is_strongest():
    nothing = explanation(word("<start>", 9), word("in", 0.1), word("the", 0.2))
    assert [word.word for word in strongest_words([nothing], 3)] == ["the", "in"]
    assert strongest_words([], 3) == []


def test_json_form_is_what_others_build_on():
    whole = explanation(word("<start>", 0.1), word("dog", 0.4, 0.1))
    tree = json.loads(json.dumps(whole.to_tree()))
    assert list(tree) == ["similarity", "words", "unsupported", "looks_like"]
    assert tree["unsupported"] == ["dog"]
    assert tree["words"][1] == {
        "word": "dog",
        "relevance": 0.5,
        "share": 0.4,
        "support": 0.1,
        "read": [],
        "label": None,
        "regions": [[0, 0, 10, 20.12, 0.75], [5, 5, 60, 40, 0.25]],
    }
    assert sum(word["share"] for word in tree["words"]) == pytest.approx(tree["similarity"])


def test_unknown_boxes_leave_the_numbers():
    nowhere = explanation(word("a", 0.1), boxes=np.zeros((0, 4)))
    assert [word["regions"] for word in nowhere.to_tree()["words"]] == [[]]

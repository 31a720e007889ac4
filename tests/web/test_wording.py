"""Words of a query, and similarities of whole queries taken apart."""

from dataclasses import replace

import numpy as np
import pytest

from regard.core.scoring import Scoring
from regard.explain.explanation import Label, WordLabel
from regard.explain.maps import region_scores
from regard.search.encoded_query import EncodedQuery
from regard.web import wording
from regard.web.problems import ProblemError


@pytest.mark.parametrize("text", ["", "   ", ";;", "-1: dog"])
def test_every_part_must_have_a_word(text):
    with pytest.raises((ProblemError, ValueError)):
        wording.parse(text)


def test_sentences_may_not_be_endless():
    wording.parse("dog " * 60)
    with pytest.raises(ProblemError, match="61 words"):
        wording.parse("dog " * 61)


def test_unknown_words_come_with_their_nearest(index):
    model = index.model
    words = wording.words_of(EncodedQuery.of(model, wording.parse("a grasss zebra")))
    assert [(word.text, word.marker, word.known) for word in words] == [
        ("start", True, True),
        ("a", False, True),
        ("grasss", False, False),
        ("zebra", False, False),
        ("end", True, True),
    ]
    assert words[2].nearest == ["grass"]
    assert words[3].nearest == []


def test_words_tell_what_their_sentence_counts(index):
    model = index.model
    words = wording.words_of(EncodedQuery.of(model, wording.parse("dog; -2: a leash")))
    assert [(word.text, word.sentence, word.weight) for word in words if not word.marker] == [
        ("dog", 0, 1.0),
        ("a", 1, -2.0),
        ("leash", 1, -2.0),
    ]


def test_shares_of_a_whole_query_sum_to_its_similarity(index):
    text = "a dog on the beach; 0.5: red; -1: a leash"
    hit = index.search(text, 1).hits[0]
    whole = hit.query.explain_whole(hit.regions)
    assert whole.similarity == pytest.approx(hit.similarity, abs=1e-4)
    assert sum(word.share for word in whole.words) == pytest.approx(whole.similarity, abs=1e-6)
    assert len(whole.words) == 7 + 3 + 4


def test_maps_tell_what_regions_look_like(index):
    explanation = index.search("a dog", 1).hits[0].explain()
    plain = wording.maps_of(explanation)
    assert plain.looks_like == []
    assert [word.label for word in plain.words] == [None] * 4
    words = list(explanation.words)
    best = float(words[2].cosines.max())
    words[2] = replace(words[2], label=WordLabel("golden retriever", 0.8261, 0.9 * best))
    looks = (Label("lawn", 0.3333),) * len(explanation.boxes)
    maps = wording.maps_of(replace(explanation, words=tuple(words), looks=looks))
    assert maps.looks_like[-1].model_dump() == {"name": "lawn", "probability": 0.333}
    assert len(maps.looks_like) == len(maps.boxes)
    assert maps.words[2].label.model_dump() == {"name": "golden retriever", "probability": 0.826}
    assert [word.by_label for word in maps.words] == [False, False, best > 0, False]


def test_maps_are_parts_of_the_photo(index):
    hit = index.search("a dog", 1).hits[0]
    maps = wording.maps_of(hit.explain())
    boxes = np.array(maps.boxes)
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    attention, heat = np.array(maps.attention), np.array(maps.heat)
    assert attention.shape == heat.shape == (4, len(boxes))
    np.testing.assert_allclose(attention.sum(1), 1, atol=0.01)
    np.testing.assert_allclose(heat.max(1), 1)
    for row, word in zip(heat, hit.explain().words, strict=True):
        scores = region_scores([word])
        np.testing.assert_allclose(row, scores / scores.max(), atol=0.001)
    assert heat.min() >= 0


def test_a_probability_is_said_of_what_was_calibrated_only(index, monkeypatch):
    model = index.model
    scoring = model.scoring
    texts = ("a dog", "a dog; a cat")
    one, two = (EncodedQuery.of(model, wording.parse(text)) for text in texts)
    photo = index.search("a dog", 1).hits[0].regions
    assert wording.probability(one, photo, 0.3, scoring) is None
    monkeypatch.setitem(model.info, "calibration", {"slope": 10.0, "intercept": -3.0})
    assert wording.probability(one, photo, 0.3, scoring) == pytest.approx(0.5)
    assert wording.probability(one, photo, 0.5, scoring) == pytest.approx(1 / (1 + np.exp(-2)))
    assert wording.probability(two, photo, 0.3, scoring) is None
    other = wording.rescored(scoring, "i2t", None)
    assert wording.probability(one, photo, 0.3, other) is None


def test_direction_and_temperature_may_be_others():
    own = Scoring(pooling="mean")
    assert wording.rescored(own, None, None) == own
    other = wording.rescored(own, "i2t", 4.0)
    assert (other.direction, other.lambda_softmax, other.pooling) == ("i2t", 4.0, "mean")

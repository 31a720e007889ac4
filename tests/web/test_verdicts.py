"""What answers are worth, as the API tells it: verdicts, probabilities, words no region shows."""

import json

import numpy as np
import pytest
from web.conftest import client_of, get

from regard.model.background import Background
from regard.search import rank_captions

TEXT = "a red dog on the grass"
VERDICT = {"best": 4.0, "among": -0.2, "mean": -1.0, "deviation": 0.0}


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def judge(index, monkeypatch):
    """Calibrates the model: a verdict's intercept, and whether words are supported."""
    model = index.model
    generator = np.random.default_rng(4)
    rows = [unit(generator.normal(size=(count, model.dim))) for count in (7, 5)]

    def calibrate(intercept, word=0.0):
        verdict = {**VERDICT, "intercept": intercept}
        monkeypatch.setattr(model, "background", Background.of(*rows))
        monkeypatch.setitem(model.info, "calibration", {"slope": 3.0, "intercept": 0.1})
        monkeypatch.setitem(model.info, "word_support", {"slope": 8.0, "intercept": word})
        monkeypatch.setitem(model.info, "verdict", {"photos": verdict, "sentences": verdict})
        return model

    return calibrate


@pytest.mark.parametrize(("intercept", "good"), [(9.0, True), (-9.0, False)])
def test_the_verdict_of_a_search_is_the_indexs(index, judge, intercept, good):
    judge(intercept)
    expected = index.search(TEXT, 40)
    with client_of(index) as client:
        answer = get(client, "search", q=TEXT)
        with client.stream("GET", "/api/v1/search/stream", params={"q": TEXT}) as response:
            head = json.loads(next(response.iter_lines()))
    assert answer["verdict"]["good"] is good is (expected.verdict == "match")
    assert answer["verdict"]["probability"] == pytest.approx(expected.match_probability)
    assert ("No sure match" in answer["verdict"]["text"]) is not good
    assert "othing found" not in answer["verdict"]["text"]  # that would be wrong too often
    assert head["verdict"] == answer["verdict"]


def test_hits_are_judged_as_the_verdict_is(index, judge):
    judge(0.0)
    with client_of(index) as client:
        answer = get(client, "search", q=TEXT)
        several = get(client, "search", q="a dog; grass")
        weighted = get(client, "search", q=TEXT, weights="1,0,1,1,1,1,1,1")
    chances = [hit["match_probability"] for hit in answer["hits"]]
    assert max(chances) == answer["verdict"]["probability"]
    assert len(set(chances)) > 5
    for other in (several, weighted):  # neither was calibrated
        assert other["verdict"] is None
        assert all(hit["match_probability"] is None for hit in other["hits"])


def test_without_calibration_nothing_is_claimed(client):
    answer = get(client, "search", q=TEXT, maps="true")
    assert answer["verdict"] is None
    assert answer["hits"][0]["match_probability"] is None
    assert answer["hits"][0]["maps"]["unsupported"] == []
    assert all(word["support"] is None for word in answer["hits"][0]["maps"]["words"])


def test_words_that_no_region_shows_are_those_of_the_index(index, judge):
    judge(0.0, word=-4.0)
    expected = index.search(TEXT, 40).hits
    assert {len(hit.unsupported) for hit in expected} > {0}  # some words of some photos
    with client_of(index) as client:
        for weights in (None, "1,1,2,1,1,1,1,1"):
            answer = get(client, "search", q=TEXT, maps="true", weights=weights)["hits"]
            maps = {hit["photo"]["id"]: hit["maps"] for hit in answer}
            unsupported = {hit["photo"]["id"]: hit["unsupported"] for hit in answer}
            plain = get(client, "search", q=TEXT, weights=weights)["hits"]
            assert {hit["photo"]["id"]: hit["unsupported"] for hit in plain} == unsupported
            for hit in expected:
                assert maps[hit.photo.id]["unsupported"] == hit.unsupported
                assert unsupported[hit.photo.id] == hit.unsupported
                for word, ours in zip(
                    hit.explain().words, maps[hit.photo.id]["words"], strict=True
                ):
                    assert ours["support"] == pytest.approx(word.support, abs=1e-3)


def test_unwanted_words_are_not_missed(index, judge, placed):
    judge(0.0, word=-90.0)
    with client_of(index) as client:
        answer = get(client, f"photos/{placed}/explain", q="a dog; -1: grass")
        assert get(client, "search", q="a dog; -1: grass")["hits"][0]["unsupported"] == ["dog"]
    assert answer["maps"]["unsupported"] == ["dog"]
    support = [word["support"] for word in answer["maps"]["words"]]
    assert support == [None, None, 0.0, None, None, None, None]


@pytest.mark.parametrize("intercept", [9.0, -9.0])
def test_sentences_are_judged_as_by_rank_captions(index, judge, placed, intercept):
    model = judge(intercept, word=-5.0)
    own = ["a red cat", "the blue beach", "a leash"]
    path = index.photo(placed).path
    expected = rank_captions(model, path, own, 3)
    with client_of(index) as client:
        body = {"sentences": own, "limit": 3}
        answer = client.post(f"/api/v1/photos/{placed}/captions", json=body).json()
        sent = client.post("/api/v1/uploads", content=path.read_bytes()).json()
    assert answer["verdict"]["good"] is (intercept > 0)
    assert answer["verdict"]["probability"] == pytest.approx(
        expected[0].match_probability, abs=1e-3
    )
    assert sent["verdict"]["good"] is (intercept > 0)
    unseen = {caption.sentence: list(caption.unsupported) for caption in expected}
    assert {c["sentence"]: c["maps"]["unsupported"] for c in answer["captions"]} == unseen
    assert any(unseen.values())

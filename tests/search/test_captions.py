"""Sentences for a photo, ranked as they are scored."""

import pytest

from regard.errors import ConfigError, DataError, PhotoError
from regard.search import captions as captions_module
from regard.search import rank_captions

SENTENCES = ["a dog", "the cat on the beach", "", "red grass", "a dog", "   ", "blue"]


def test_best_first_with_the_line_each_stands_in(model, photos):
    ranked = rank_captions(model, photos / "0.png", SENTENCES)
    distinct = [SENTENCES[n] for n in (0, 1, 3, 6)]
    scores = model.similarity(
        model.encode_images([photos / "0.png"]), model.encode_captions(distinct)
    )[0]
    wanted = sorted(zip(distinct, scores.tolist(), (1, 2, 4, 7), strict=True), key=lambda r: -r[1])
    assert [(r.sentence, r.line) for r in ranked] == [(s, line) for s, _, line in wanted]
    assert [r.similarity for r in ranked] == pytest.approx([v for _, v, _ in wanted], abs=1e-6)


def test_many_sentences_a_few_at_a_time(model, photos, monkeypatch):
    sentences = [f"a {a} {b} {c}" for a in ("red", "blue") for b in ("dog", "cat") for c in "xyz"]
    whole = rank_captions(model, photos / "0.png", sentences, 12)
    monkeypatch.setattr(captions_module, "_AT_ONCE", 5)
    progress_told = []
    parts = rank_captions(
        model,
        photos / "0.png",
        sentences,
        12,
        lambda done, total: progress_told.append((done, total)),
    )
    assert progress_told == [(5, 12), (10, 12), (12, 12)]
    assert [r.similarity for r in parts] == pytest.approx([r.similarity for r in whole], abs=1e-6)
    assert rank_captions(model, photos / "0.png", sentences, 3) == parts[:3]


def test_a_long_sentence_pads_no_short_ones(model, photos, monkeypatch):
    long = "a dog on the beach " * 50
    sentences = ["a dog", long, "red grass", "blue"]
    monkeypatch.setattr(captions_module, "_AT_ONCE", 3)
    widths = []
    encode = model.encode_captions
    monkeypatch.setattr(
        type(model),
        "encode_captions",
        lambda _self, some: widths.append(encode(some).vectors.shape[1]) or encode(some),
    )
    ranked = rank_captions(model, photos / "0.png", sentences, 4)
    assert widths[:2] == [4, 252]  # <start> and <end> among them
    assert {r.line for r in ranked if r.sentence == long.strip()} == {2}


def test_of_equal_scores_the_first_line_comes_first(model, photos):
    sentences = ["zork", "a dog", "blarg"]  # two words the vocabulary lacks are one to the model
    ranked = rank_captions(model, photos / "0.png", sentences, 3)
    same = [r.line for r in ranked if r.sentence != "a dog"]
    assert same == [1, 3]


def test_errors(model, photos):
    with pytest.raises(DataError, match="none has a word"):
        rank_captions(model, photos / "0.png", ["", "  "])
    with pytest.raises(ConfigError, match="k must be at least 1"):
        rank_captions(model, photos / "0.png", ["a dog"], 0)
    with pytest.raises(PhotoError, match="does not exist"):
        rank_captions(model, photos / "none.png", ["a dog"])

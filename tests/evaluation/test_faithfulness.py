"""The measure of explanations tells a true one from one that is not, and counts by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.model.test_model import model as small_model

from regard.datasets.captions import Captions
from regard.errors import ConfigError, DataError
from regard.evaluation.faithfulness import judge_explanations, judge_ways
from regard.evaluation.ways import OWN, WAYS
from regard.explain.explanation import Explanation, WordExplanation
from regard.store.shards import Regions
from regard.words.tokens import tokenize

NOUNS = ["dog", "cat", "bird", "horse", "boat", "tree"]


class Photos:
    """A photo for each noun; of eight regions only the third shows anything."""

    feature_dim, producer, skipped = 6, "", None
    captions = Captions.of({f"{n}.jpg": [f"a {n}", f"the {n}"] for n in NOUNS})

    def __init__(self, regions=8):
        self._features = np.zeros((6, regions, 6), np.float32)
        self._features[range(6), min(2, regions - 1), range(6)] = 1
        self._features += 0.01

    def gather(self, rows):
        return self._features[rows], np.full(len(rows), self._features.shape[1])


class Stub:
    """A similarity that is the largest feature of the noun; looks where it is told to."""

    ranks_wholes, extractor_identity = False, ""
    config = SimpleNamespace(feature_dim=6)

    def __init__(self, look, tells=True, error=0.0):
        self._look, self._tells, self._error = look, tells, error

    def encode_features(self, features, _counts):
        return features

    def encode_captions(self, sentences):
        (words,) = map(tokenize, sentences)
        one = SimpleNamespace(words=words, vectors=np.ones((len(words), 1)))
        vectors = one.vectors[None]
        return SimpleNamespace(caption=lambda _: one, words=(tuple(words),), vectors=vectors)

    def _column(self, words):
        return NOUNS.index(next(word for word in words if word in NOUNS))

    def similarity(self, images, captions, background):
        assert not background
        return images.vectors[..., self._column(captions.words[0])].max(1, keepdims=True)

    def explain(self, photo, caption):
        words = caption.words
        cosines = photo.vectors[:, self._column(words)]
        attention = self._look(cosines)
        similarity = float(cosines.max())
        support = (0.9 if similarity > 0.5 else 0.1) if self._tells else None
        told = [
            WordExplanation(
                word,
                similarity,
                (similarity + self._error) * (word in NOUNS),
                attention,
                cosines,
                support if word in NOUNS else None,
            )
            for word in words
        ]
        return Explanation(similarity, tuple(told), np.empty((0, 4)), (0, 0))


class Marked(Stub):
    """Its sentences begin with a word of their own, as those of models do."""

    def encode_captions(self, sentences):
        return super().encode_captions([f"xx {sentence}" for sentence in sentences])


def at_the_best(cosines):
    return np.eye(len(cosines))[cosines.argmax()]


def at_the_worst(cosines):
    return np.linspace(0, 1, len(cosines)) * (cosines < 0.5)


def test_a_true_explanation_wins_and_an_untrue_one_does_not():
    tree = judge_explanations(Stub(at_the_best), Photos(), 6)
    assert tree["pairs"] == 6
    assert tree["max_share_error"] == 0
    assert tree["deletion"]["0.1"]["explained"] == pytest.approx(1)  # nothing is left
    assert tree["deletion"]["0.1"]["wins"] == tree["insertion"]["0.1"]["wins"] == 100
    assert tree["insertion"]["0.1"]["explained"] == pytest.approx(1.01)
    assert 0 < tree["deletion"]["0.5"]["random"] < tree["deletion"]["0.5"]["explained"]
    assert tree["deletion"].keys() == {"0.1", "0.25", "0.5", "0.75"}
    untrue = judge_explanations(Stub(at_the_worst), Photos(), 6)
    assert untrue["deletion"]["0.75"]["wins"] == untrue["insertion"]["0.75"]["wins"] == 0


def test_words_put_in_place_of_others_are_told_and_true_ones_are_not():
    tree = judge_explanations(Stub(at_the_best), Photos(), 6)
    assert tree["exchanged"] == {"words": 6, "ranked": 100, "told": 100, "false_alarms": 0}
    exchanged = judge_explanations(Stub(at_the_best, tells=False), Photos(), 6)["exchanged"]
    assert exchanged == {"words": 6, "ranked": 100, "told": None, "false_alarms": None}


class Boxed(Photos):
    """Regions lie side by side; what is shown is in the third."""

    def regions_of(self, row):
        edges = np.arange(8) * 10
        boxes = np.stack([edges, 0 * edges, edges + 10, 0 * edges + 10], 1).astype(np.float32)
        return Regions(self._features[row], boxes, np.ones(8, np.float32), 80, 10)


def test_phrases_are_looked_for_where_each_way_says(tmp_path):
    lines = [
        {
            "file": f"{noun}.jpg",
            "captions": [
                {
                    "caption": f"a {noun}",
                    "phrases": [
                        {"id": "1", "types": ["x"], "phrase": f"a {noun}", "first_word": 0}
                    ],
                }
            ],
            "boxes_norm": {"1": [[0.25, 0, 0.375, 1]]},
        }
        for noun in NOUNS
    ]
    (tmp_path / "phrases.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def elsewhere(model, photo, caption):
        return WAYS["attention"](model, photo, caption)._replace(maps=lambda _: np.eye(8)[7])

    trees = judge_ways(
        Marked(at_the_best),
        Boxed(),
        {"attention": WAYS["attention"], "elsewhere": elsewhere},
        6,
        entities=tmp_path / "phrases.jsonl",
    )
    right = trees["attention"]["pointing"]
    assert (right["phrases"], right["pointing_accuracy"], right["box_recall@1"]) == (6, 100, 100)
    assert right["types"]["x"]["phrases"] == 6
    assert trees["elsewhere"]["pointing"]["pointing_accuracy"] == 0
    assert trees["attention"]["deletion"]["0.1"]["wins"] == 100
    unmarked = judge_ways(Stub(at_the_best), Boxed(), OWN, 6, entities=tmp_path / "phrases.jsonl")
    assert unmarked["shares"]["pointing"] is None  # its words stand elsewhere than phrases say


def test_shares_that_do_not_sum_to_the_similarity_are_found():
    tree = judge_explanations(Stub(at_the_best, error=0.125), Photos(), 6)
    assert tree["max_share_error"] == pytest.approx(0.125)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_a_model_of_its_own_sums_to_its_similarity(direction):
    matcher = small_model(direction=direction)
    matcher.extractor_identity = ""
    tree = judge_explanations(matcher, Photos(), 2)
    assert tree["pairs"] == 2
    assert tree["max_share_error"] < 1e-6
    assert tree["seconds"] > 0


def test_photos_of_one_region_and_models_of_wholes_are_refused():
    with pytest.raises(DataError, match="no photo has two regions"):
        judge_explanations(Stub(at_the_best), Photos(regions=1), 6)
    wholes = Stub(at_the_best)
    wholes.ranks_wholes = True
    with pytest.raises(ConfigError, match="ranks whole photos"):
        judge_explanations(wholes, Photos(), 6)

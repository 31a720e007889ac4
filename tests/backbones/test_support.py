"""Whether a photo shows what a word names, for backbones."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.tiny import SENTENCES
from tests.small import draw

import regard
from regard.backbones.fitted import Fitted, load_fitted, save_fitted
from regard.backbones.support import Support
from regard.datasets.captions import Captions
from regard.evaluation.calibration.support import fit_support
from regard.model.judgement import Calibration
from regard.search.captions import rank_captions

DIM = 8


def units(*shape):
    vectors = np.random.default_rng(1).standard_normal(shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def test_a_words_evidence_is_of_three_cosines():
    support = Support(units(DIM) / 2, 0.5, 2.0, -3.0)
    rows, words = units(6, DIM), units(4, DIM)
    cosines = words @ rows.T
    wanted = 0.5 * cosines[:, 1:].max(1) + 2 * cosines[:, 0] - 3 * words @ support.usual
    np.testing.assert_allclose((words @ support.moved(rows).T).max(1), wanted, atol=1e-5)


def test_it_is_kept_with_what_is_fitted(tmp_path):
    support = Support(units(DIM), 0.5, 2.0, -3.0)
    save_fitted(tmp_path, Fitted({"a": 1}, 0.5, support=support))
    kept = load_fitted(tmp_path).support
    np.testing.assert_allclose(kept.usual, support.usual, atol=1e-5)
    assert kept[1:] == support[1:]
    save_fitted(tmp_path, Fitted({}))
    assert load_fitted(tmp_path).support is None


class Scenes:
    """Photos whose whole shows their first colour, and a region their second."""

    COLOURS = ("red", "green", "blue", "white")

    def __init__(self, count, *, wrong=False):
        pairs = [(n % 4, (n // 4) % 4) for n in range(count)]
        told = {
            f"{n}.jpg": [f"a {self.COLOURS[a]} {self.COLOURS[b]}"] for n, (a, b) in enumerate(pairs)
        }
        self.captions = Captions.of(told)
        self.vectors = np.zeros((count, 3, DIM + 1), np.float32)
        for row, (whole, part) in enumerate(pairs):
            self.vectors[row, 0, whole] = 1
            self.vectors[row, 2, part] = -1 if wrong else 1

    def gather(self, rows):
        return self.vectors[rows], np.full(len(rows), 3)

    def encode_features(self, features, _counts):
        return features

    def encode_captions(self, sentences):
        words = [["<sentence>", *sentence.split()] for sentence in sentences]
        vectors = np.zeros((len(words), 4, DIM + 1), np.float32)
        for row, some in enumerate(words):
            for place, word in enumerate(some):
                if word in self.COLOURS:
                    vectors[row, place, self.COLOURS.index(word)] = 1
        return type("Embedded", (), {"directions": vectors})


def test_weights_are_fitted_to_captions_with_words_exchanged():
    scenes = Scenes(200)
    support = fit_support(scenes, scenes)
    assert support.region > 0
    assert support.whole > 0
    np.testing.assert_allclose(support.usual[:4], 0.25, atol=0.03)
    assert fit_support(scenes, Scenes(4)) is None
    misleading = Scenes(200, wrong=True)
    assert fit_support(misleading, misleading).region == 0


@pytest.mark.parametrize("family", ["siglip", "tipsv2"])
def test_words_have_the_support_that_was_fitted_wherever_it_is_told(tiny_folders, tmp_path, family):
    paths = []
    for seed in range(2):
        paths.append(tmp_path / f"{seed}.png")
        draw(paths[-1], seed, (90, 60))
    model = regard.load(tiny_folders[family])
    photo = model.encode_images(paths).photo(1)
    captions = model.encode_captions(SENTENCES)
    caption = captions.caption(0)
    lengths = np.linalg.norm(caption.directions, axis=1)
    np.testing.assert_allclose(lengths, lengths > 0.5, atol=1e-5)  # 0: a sign within a word's piece
    cosines = caption.directions @ photo.vectors.T
    model.info = {"word_support": {"slope": 2.0, "intercept": -1.0}}
    for shown in (cosines[:, 1:], None):
        if shown is None:
            model.support = Support(units(model.dim - 1), 1.0, 2.0, -1.0)
            shown = caption.directions @ model.shown(photo.vectors).T
        wanted = Calibration(2.0, -1.0).probability(shown.max(1))
        explanation = model.explain(photo, caption)
        told = [word.support is not None for word in explanation.words]
        assert told[:3] == [False, False, True]
        for word, probability, row in zip(explanation.words, wanted, cosines, strict=True):
            assert word.support is None or word.support == pytest.approx(probability, abs=1e-5)
            np.testing.assert_allclose(word.cosines, row, atol=1e-5)
    model.info = {"word_support": {"slope": 2.0, "intercept": -1.7 - np.median(2 * shown.max(1))}}
    named = model.unsupported(photo, captions)
    explained = [model.explain(photo, captions.caption(row)) for row in range(len(SENTENCES))]
    assert named == [explanation.unsupported for explanation in explained]
    assert any(named)
    ranked = {
        one.sentence: list(one.unsupported) for one in rank_captions(model, paths[1], SENTENCES)
    }
    assert ranked == dict(zip(SENTENCES, named, strict=True))

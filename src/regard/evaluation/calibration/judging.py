"""All that lets a model say what its similarities are worth: fitted, and measured apart.

Fitted on a split the weights were not trained on. What is measured is measured on every second
photo of it, with curves fitted to the others; what is kept is fitted to all. The background is
drawn from the photos and captions of training.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from regard.datasets.dataset import Dataset
from regard.evaluation.calibration import support, verdicts
from regard.evaluation.calibration.curve import Pairs, Reliability, draw_pairs, fit, reliability
from regard.evaluation.calibration.lengths import length_trend
from regard.evaluation.calibration.support import SupportReport
from regard.evaluation.calibration.verdicts import VerdictReport
from regard.evaluation.similarity import dataset_similarity, embed_photos
from regard.model.background import Background
from regard.model.judgement import Calibration, VerdictCurve
from regard.model.model import Model
from regard.progress import Progress, silent

BACKGROUND = 5000  # photos, and as many captions, at most
_PHOTOS_AT_ONCE = 256
_CAPTIONS_AT_ONCE = 1024
_MEASURED = "every second photo, fitted on the others"


class Measured(NamedTuple):
    """What calibration found."""

    pairs: Reliability
    photos: VerdictReport
    """Of sentences that ask for photos."""
    sentences: VerdictReport
    """Of photos that ask for sentences."""
    words: SupportReport | None
    """None where too few captions name anything."""

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            "pairs": self.pairs._asdict(),
            "verdict": {"photos": self.photos.tree(), "sentences": self.sentences.tree()},
            "word_support": None if self.words is None else self.words.tree(),
            "measured_on": _MEASURED,
        }


class Judged(NamedTuple):
    """What is to be recorded with the model."""

    info: dict[str, Any]
    background: Background
    measured: Measured


class _Material(NamedTuple):
    scores: Float[np.ndarray, "image cap"]
    owner: Int[np.ndarray, " cap"]
    vectors: Float[np.ndarray, "image region dim"]
    counts: Int[np.ndarray, " image"]


def judge_model(
    model: Model,
    held_out: Dataset,
    trained_on: Dataset,
    split: str,
    progress: Progress = silent,
) -> Judged:
    """Fit and measure everything.

    Args:
        held_out: what the curves are fitted to.
        trained_on: where the background is drawn from.
        split: name of `held_out`, to be recorded.
        progress: told how many captions are scored of how many.

    Raises:
        CheckpointError: the model was trained on features of another kind.
        ShapeError: there is only one photo.
    """
    captions = held_out.captions
    model.background = draw_background(model, trained_on)
    trend = length_trend(model, trained_on)
    background = model.background = model.background.with_trend(trend)
    scores = dataset_similarity(model, held_out, progress)
    vectors, counts = embed_photos(model, held_out)
    material = _Material(scores, captions.photo_of_caption, vectors, counts)
    fitting = np.arange(len(captions.photos)) % 2 == 0  # photos

    pair, of_pairs = _pairs(material, fitting)
    photos, of_photos = _verdict(
        _sentence_cases(model, held_out, material, background), fitting[material.owner], pair
    )
    sentences, of_sentences = _verdict(_photo_cases(material, background), fitting, pair)
    word, of_words = _words(model, held_out, material, fitting)
    measured = Measured(of_pairs, of_photos, of_sentences, of_words)
    info = {
        "calibration": {
            **pair._asdict(),
            "fitted_on": f"{split}, each caption with its photo and with another",
            "expected_calibration_error": of_pairs.expected_calibration_error,
        },
        "verdict": {"photos": photos._asdict(), "sentences": sentences._asdict()},
        "word_support": None if word is None else word._asdict(),
        "measured": measured.tree(),
    }
    return Judged(info, background, measured)


def draw_background(model: Model, dataset: Dataset) -> Background:
    """Mean vectors of photos and captions drawn at random, each photo and caption once."""
    generator = np.random.default_rng(0)
    captions = dataset.captions
    rows = generator.permutation(len(captions.photos))[:BACKGROUND]
    photos = [
        model.encode_features(*dataset.gather(rows[start : start + _PHOTOS_AT_ONCE])).sum(1)
        for start in range(0, len(rows), _PHOTOS_AT_ONCE)
    ]
    drawn = generator.permutation(len(captions.sentences))[:BACKGROUND]
    sentences = [
        model.encode_captions([captions.sentences[row] for row in part]).vectors.sum(1)
        for part in np.array_split(drawn, -(-len(drawn) // _CAPTIONS_AT_ONCE))
    ]
    return Background.of(np.concatenate(photos), np.concatenate(sentences))


def _pairs(
    material: _Material, fitting: Bool[np.ndarray, " image"]
) -> tuple[Calibration, Reliability]:
    pairs = draw_pairs(material.scores, material.owner)
    used = np.tile(fitting[material.owner], 2)
    curve = fit(Pairs(pairs.similarity[used], pairs.true[used]))
    said = curve.probability(pairs.similarity[~used])
    return fit(pairs), reliability(said, pairs.true[~used])


def _sentence_cases(
    model: Model, dataset: Dataset, material: _Material, background: Background
) -> verdicts.Cases:
    """Sentences that ask for photos."""
    sentences, spreads = dataset.captions.sentences, []
    for start in range(0, len(sentences), _CAPTIONS_AT_ONCE):
        part = model.encode_captions(sentences[start : start + _CAPTIONS_AT_ONCE])
        spreads += [
            background.spread(words[:length], "photos")
            for words, length in zip(part.vectors, part.lengths, strict=True)
        ]
    right = list(material.owner[:, None])
    return verdicts.draw_cases(material.scores.T, right, np.array(spreads))


def _photo_cases(material: _Material, background: Background) -> verdicts.Cases:
    """Photos that ask for sentences."""
    spreads = [
        background.spread(regions[:count], "sentences")
        for regions, count in zip(material.vectors, material.counts, strict=True)
    ]
    right = [np.flatnonzero(material.owner == photo) for photo in range(len(material.scores))]
    return verdicts.draw_cases(material.scores, right, np.array(spreads))


def _verdict(
    cases: verdicts.Cases, fitting: Bool[np.ndarray, " query"], pair: Calibration
) -> tuple[VerdictCurve, VerdictReport]:
    half = verdicts.fit_verdict(verdicts.part(cases, fitting))
    measured = verdicts.report(half, pair, verdicts.part(cases, ~fitting))
    return verdicts.fit_verdict(cases), measured


def _words(
    model: Model, dataset: Dataset, material: _Material, fitting: Bool[np.ndarray, " image"]
) -> tuple[Calibration, SupportReport] | tuple[None, None]:
    """Without words to exchange on both sides of the measuring, there is nothing to fit."""
    exchanges = support.draw_exchanges(dataset.captions)
    used = fitting[[exchange.photo for exchange in exchanges]]
    if not used.any() or used.all():
        return None, None
    used = np.tile(used, 2)
    pairs = support.word_pairs(model, material.vectors, material.counts, exchanges)
    half = fit(Pairs(pairs.similarity[used], pairs.true[used]))
    others = Pairs(pairs.similarity[~used], pairs.true[~used])
    return fit(pairs), support.report(half, others)

"""All that lets a model say what its similarities are worth: fitted, and measured apart.

Fitted on a split the weights were not trained on. What is measured is measured on every second
photo of it, with curves fitted to the others; what is kept is fitted to all. The background is
drawn from the photos and captions of training.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from regard.datasets.dataset import Dataset
from regard.evaluation import agreement
from regard.evaluation.calibration import support, verdicts
from regard.evaluation.calibration.curve import Pairs, Reliability, draw_pairs, fit, reliability
from regard.evaluation.calibration.lengths import length_trend
from regard.evaluation.calibration.names import Named, name_cases
from regard.evaluation.calibration.support import SupportReport
from regard.evaluation.calibration.verdicts import VerdictReport
from regard.evaluation.similarity import dataset_similarity, embed_photos, score_tile
from regard.model.background import Background
from regard.model.judgement import Calibration, VerdictCurve, WordCurve
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.shapes import Bool, Float, Int
from regard.store.region_store import RegionStore
from regard.words.gist import gist_of

BACKGROUND = 5000  # photos, and as many captions, at most
_PHOTOS_AT_ONCE = 256
_CAPTIONS_AT_ONCE = 1024
_ASKED = 2000  # captions at most that ask for photos
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
    agreement: dict[str, float] | None
    """Tau-c with people's captions, all that hubs are lowered by taken off and what is chosen;
    None where there are too few photos to choose."""

    def tree(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            "pairs": self.pairs._asdict(),
            "verdict": {"photos": self.photos.tree(), "sentences": self.sentences.tree()},
            "word_support": None if self.words is None else self.words.tree(),
            "agreement": self.agreement,
            "measured_on": _MEASURED,
        }


class Judged(NamedTuple):
    """What is to be recorded with the model."""

    info: dict[str, Any]
    background: Background
    measured: Measured


class Names(NamedTuple):
    """Things that photos show, and the photos' features."""

    sets: Sequence[Named]
    store: RegionStore


class _Material(NamedTuple):
    scores: Float[np.ndarray, "image cap"]
    agreements: Float[np.ndarray, "image cap"]
    owner: Int[np.ndarray, " cap"]
    vectors: Float[np.ndarray, "image region dim"]
    counts: Int[np.ndarray, " image"]


def judge_model(
    model: Model,
    held_out: Dataset,
    trained_on: Dataset,
    split: str,
    progress: Progress = silent,
    names: Names | None = None,
) -> Judged:
    """Fit and measure everything.

    Args:
        held_out: what the curves are fitted to.
        trained_on: where the background is drawn from.
        split: name of `held_out`, to be recorded.
        progress: told how many captions are scored of how many.
        names: things to ask for besides captions.

    Raises:
        CheckpointError: the model was trained on features of another kind.
        ShapeError: there is only one photo.
        DataError: a photo with names was not extracted.
    """
    captions = held_out.captions
    model.background = draw_background(model, trained_on)
    trend = length_trend(model, trained_on)
    background = model.background = model.background.with_trend(trend)
    scores = dataset_similarity(model, held_out, progress)
    vectors, counts = embed_photos(model, held_out)
    of_agreement = agreement.choose(model, held_out)
    lowered = 1.0 if of_agreement is None else of_agreement["lowered"]
    agreements = scores
    if lowered != 1:
        agreements = scores + (1 - lowered) * _discounts(model, held_out, vectors)
    material = _Material(scores, agreements, captions.photo_of_caption, vectors, counts)
    fitting = np.arange(len(captions.photos)) % 2 == 0  # photos

    pair, of_pairs = _pairs(material, fitting)
    asked = _sentence_cases(model, held_out, material, background)
    halves = [verdicts.part(asked, half[material.owner]) for half in (fitting, ~fitting)]
    kinds: dict[str, tuple[verdicts.Cases, ...]] = {"captions": (halves[0], halves[1])}
    kinds |= {} if names is None else _named_cases(model, names)
    flat = fit(draw_pairs(scores, material.owner))
    photos, of_photos = _verdict(kinds, flat)
    answered = _photo_cases(material, background)
    halves = [verdicts.part(answered, half) for half in (fitting, ~fitting)]
    sentences, of_sentences = _verdict({"photos": (halves[0], halves[1])}, flat)
    word, of_words = _words(model, held_out, material, fitting)
    measured = Measured(of_pairs, of_photos, of_sentences, of_words, of_agreement)
    info = {
        "agreement": of_agreement or {"lowered": lowered},
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
    pairs = draw_pairs(material.agreements, material.owner)
    used = np.tile(fitting[material.owner], 2)
    curve = fit(Pairs(pairs.similarity[used], pairs.true[used]))
    said = curve.probability(pairs.similarity[~used])
    return fit(pairs), reliability(said, pairs.true[~used])


def _sentence_cases(
    model: Model, dataset: Dataset, material: _Material, background: Background
) -> verdicts.Cases:
    """Sentences that ask for photos, by their gists; the number of a query is the sentence's."""
    chosen = np.random.default_rng(0).permutation(len(material.owner))[:_ASKED]
    scores, spreads, words = [], [], []
    for rows in np.array_split(chosen, -(-len(chosen) // _CAPTIONS_AT_ONCE)):
        part = model.encode_captions([gist_of(dataset.captions.sentences[row]) for row in rows])
        scores.append(score_tile(model, material.vectors, material.counts, part).T)
        spreads.append(verdicts.spreads_of(background, part))
        words.append(part.counted)
    known = np.concatenate(spreads), np.concatenate(words)
    right = list(material.owner[chosen, None])
    cases = verdicts.draw_cases(np.concatenate(scores), right, *known)
    return cases._replace(query=chosen[cases.query])


def _named_cases(model: Model, names: Names) -> dict[str, tuple[verdicts.Cases, ...]]:
    """Names that ask for photos, set by set; sets with none to ask for in a half are left out."""
    cases = {f"names, {some.title}": name_cases(model, names.store, some) for some in names.sets}
    return {kind: both for kind, both in cases.items() if all(len(half.query) for half in both)}


def _photo_cases(material: _Material, background: Background) -> verdicts.Cases:
    """Photos that ask for sentences."""
    spreads = [
        background.spread(regions[:count], "sentences")
        for regions, count in zip(material.vectors, material.counts, strict=True)
    ]
    right = [np.flatnonzero(material.owner == photo) for photo in range(len(material.scores))]
    return verdicts.draw_cases(material.scores, right, np.array(spreads), np.zeros(len(right), int))


def _verdict(
    kinds: dict[str, tuple[verdicts.Cases, ...]], flat: Calibration
) -> tuple[VerdictCurve, VerdictReport]:
    """A curve for queries of all kinds, measured on half of the first with one for the other half.

    Args:
        kinds: cases of every second photo, and of the others.
        flat: curve of pairs, which a flat cut-off takes instead.
    """
    half = verdicts.fit_verdict([fitting for fitting, _ in kinds.values()])
    told = [verdicts.told(kind, half, others) for kind, (_, others) in kinds.items()]
    measured = verdicts.report(half, flat, next(iter(kinds.values()))[1])
    whole = verdicts.fit_verdict([cases for both in kinds.values() for cases in both])
    return whole, measured._replace(kinds=told)


def _discounts(
    model: Model, dataset: Dataset, vectors: Float[np.ndarray, "image region dim"]
) -> Float[np.ndarray, "image cap"]:
    """What was taken off similarities to rank by them."""
    sums, discounts = vectors.sum(1), []
    for start in range(0, len(dataset.captions.sentences), _CAPTIONS_AT_ONCE):
        part = model.encode_captions(dataset.captions.sentences[start : start + _CAPTIONS_AT_ONCE])
        discounts.append(model.discounts_of_sums(sums, part.vectors.sum(1), part.counted))
    return np.concatenate(discounts, axis=1)


def _words(
    model: Model, dataset: Dataset, material: _Material, fitting: Bool[np.ndarray, " image"]
) -> tuple[WordCurve, SupportReport] | tuple[None, None]:
    """Without words to exchange on both sides of the measuring, there is nothing to fit."""
    exchanges = support.draw_exchanges(dataset.captions)
    used = fitting[[exchange.photo for exchange in exchanges]]
    if not used.any() or used.all():
        return None, None
    used = np.tile(used, 2)
    cases = support.word_cases(model, material.vectors, material.counts, exchanges)
    half = support.fit_words(support.WordCases(*(part[used] for part in cases)))
    others = support.WordCases(*(part[~used] for part in cases))
    return support.fit_words(cases), support.report(half, others)

"""Are explanations true of the model? Judged on pairs of a split, way by way (`evaluation.ways`).

shares     the shares of all words must sum to the similarity; the largest error is told
deletion   the regions that count most are taken away: the similarity must fall further than
           without as many regions taken at random
insertion  they alone are kept: the similarity must stay higher than with random ones
exchange   a word that names something gives way to one that no caption of the photo has: the photo
           should show less of that; it should be told as shown by no region, and words that were
           there should not
pointing   phrases with boxes, where there are any, must be found there (`evaluation.grounding`)

Similarities are those of attention, without a background. Knows nothing of figures.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from regard.datasets.dataset import BoxedDataset, Dataset
from regard.errors import ConfigError, DataError
from regard.evaluation.grounding import Grounding, Phrase, read_phrases
from regard.evaluation.similarity import check_features
from regard.evaluation.ways import OWN, Explains, Told, Way, from_map
from regard.model.encoded import EncodedCaptions, EncodedImages
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.shapes import Float, Int
from regard.store.shards import Regions
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

PAIRS = 500
FRACTIONS = (0.1, 0.25, 0.5, 0.75)
_RANDOM = 8  # draws of as many regions


def judge_explanations(
    model: Explains, dataset: Dataset, pairs: int = PAIRS, progress: Progress = silent
) -> dict[str, Any]:
    """Whether explanations are true of a model: all measures, as plain values.

    Args:
        model: a `Model`, or a `VectorModel` of somebody else's vectors.
        dataset: captions with the features that the model was trained on (`open_dataset`).
        pairs: photos, spread over the split, each with its first caption.

    Returns:
        Those of its own explanations, as in `judge_ways`.

    Raises:
        ConfigError, DataError, CheckpointError: as for `judge_ways`.
    """
    (tree,) = judge_ways(model, dataset, OWN, pairs, progress=progress).values()
    return tree


def judge_ways(
    model: Explains,
    dataset: Dataset,
    ways: Mapping[str, Way],
    pairs: int = PAIRS,
    *,
    entities: Path | None = None,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """All measures of each way, as plain values.

    Args:
        pairs: photos, spread over the split, each with its first caption.
        entities: file of phrases, see `read_phrases`; the data set must have boxes then.

    Returns:
        Of each way: pairs; max_share_error, None without shares; seconds (one explanation);
        deletion and insertion, each by the fraction of regions: explained and random (mean fall of
        the similarity, or mean of what is left), wins (per cent of pairs where the explained beats
        the mean of the random); exchanged: words, ranked (per cent of pairs in which the photo
        shows more of the word that was there), told and false_alarms (per cent of words, None of
        ways that never tell); pointing: as of `Grounding.tree`, None without phrases.

    Raises:
        ConfigError: the model ranks whole photos, so that regions do not make its score.
        DataError: no photo has two regions, or the phrases cannot be read or are of other photos.
        CheckpointError: the model was trained on features of another kind.
    """
    if model.ranks_wholes:
        raise ConfigError(
            "the model ranks whole photos, and its words are no part of the score; explanations "
            "are judged of models that rank by regions. Name one of `regard train`."
        )
    if isinstance(model, Model):
        check_features(model, dataset)
    photos = dataset.captions.photos
    rows = np.unique(np.linspace(0, len(photos) - 1, pairs).astype(np.int64)).tolist()
    phrases = read_phrases(entities, {photos[row] for row in rows}) if entities else None
    judged = {name: _Judged() for name in ways}
    grounding = Grounding({})
    for done, (row, foreign) in enumerate(zip(rows, _foreign_words(dataset, rows), strict=True), 1):
        pair = _pair(model, dataset, row, boxed=bool(phrases))
        told = _ask(pair, ways, judged)
        for name, found in _taken_apart(pair, told, row).items():
            judged[name].note(found)
        if foreign is not None:
            _exchange(pair, foreign, row, ways, told, judged)
        if phrases is not None:
            _point(pair, phrases.get(photos[row], []), told, grounding)
        progress(done, len(rows))
    return {
        name: {**one.tree(), "pointing": grounding.tree(name) if grounding.phrases else None}
        for name, one in judged.items()
    }


class _Pair(NamedTuple):
    """A photo and a sentence."""

    model: Explains
    photo: Regions
    sentence: str
    captions: EncodedCaptions
    """The one."""


def _pair(model: Explains, dataset: Dataset, row: int, *, boxed: bool) -> _Pair:
    captions = dataset.captions
    sentence = captions.sentences[int(np.flatnonzero(captions.photo_of_caption == row)[0])]
    features, counts = dataset.gather([row])
    photo = _photo(model.encode_features(features, counts)[0, : counts[0]])
    if boxed:
        own = cast(BoxedDataset, dataset).regions_of(row)
        photo = own._replace(vectors=photo.vectors)
    return _Pair(model, photo, sentence, model.encode_captions([sentence]))


def _ask(pair: _Pair, ways: Mapping[str, Way], judged: "dict[str, _Judged]") -> dict[str, Told]:
    """What every way says, with how long it takes and how far its shares are off."""
    told = {}
    for name, way in ways.items():
        began = time.perf_counter()
        told[name] = one = way(pair.model, pair.photo, pair.captions.caption(0))
        judged[name].seconds.append(time.perf_counter() - began)
        if one.shares is not None:
            judged[name].errors.append(abs(float(one.shares.sum()) - one.similarity))
        judged[name].alarms += [found for found in one.unsupported if found is not None]
    return told


class _Judged:
    """What was found of a way, pair by pair."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.seconds: list[float] = []
        self.curves: dict[str, list[Float[np.ndarray, "fraction two"]]] = {}
        self.ranked: list[float] = []
        self.told: list[bool] = []
        self.alarms: list[bool] = []

    def note(self, found: Mapping[str, Float[np.ndarray, "fraction two"]]) -> None:
        """Keep the curves of a pair."""
        for name, one in found.items():
            self.curves.setdefault(name, []).append(one)

    def tree(self) -> dict[str, Any]:
        if not self.curves:
            raise DataError(
                "no photo has two regions; there must be some to take away. Name features of "
                "several regions a photo."
            )
        shares = (self.ranked, self.told, self.alarms)
        ranked, told, alarms = (100 * float(np.mean(one)) if one else None for one in shares)
        words = {"words": len(self.ranked), "ranked": ranked}
        return {
            "pairs": len(self.seconds),
            "max_share_error": max(self.errors, default=None),
            "seconds": float(np.median(self.seconds)),
            **{name: _curve(np.stack(found)) for name, found in self.curves.items()},
            "exchanged": {**words, "told": told, "false_alarms": alarms if told else None},
        }


def _curve(found: Float[np.ndarray, "pair fraction two"]) -> dict[str, dict[str, float]]:
    wins = 100 * (found[..., 0] > found[..., 1]).mean(0)
    means = found.mean(0)
    return {
        f"{fraction:g}": {"explained": float(a), "random": float(b), "wins": float(w)}
        for fraction, (a, b), w in zip(FRACTIONS, means, wins, strict=True)
    }


def _photo(vectors: Float[np.ndarray, "region dim"]) -> Regions:
    return Regions(vectors, np.empty((0, 4), np.float32), np.ones(len(vectors), np.float32), 0, 0)


def _taken_apart(
    pair: _Pair, told: Mapping[str, Told], row: int
) -> dict[str, dict[str, Float[np.ndarray, "fraction two"]]]:
    """Falls of the similarity and what is left of it: by each way, and at random."""
    regions, random = len(pair.photo.vectors), np.random.default_rng(row)
    if regions < 2:
        return {}
    best = [np.argsort(-one.regions, kind="stable") for one in told.values()]
    orders = np.stack([*best, *(random.permutation(regions) for _ in range(_RANDOM))])
    taken = [min(max(1, round(fraction * regions)), regions - 1) for fraction in FRACTIONS]
    kept = {
        "deletion": [[order[count:] for order in orders] for count in taken],
        "insertion": [[order[:count] for order in orders] for count in taken],
    }
    whole = _similarities(pair, [np.arange(regions)])[0]
    found: dict[str, dict[str, Float[np.ndarray, "fraction two"]]] = {name: {} for name in told}
    for what, choices in kept.items():
        flat = [rows for choice in choices for rows in choice]
        left = _similarities(pair, flat).reshape(len(taken), -1)
        measured = whole - left if what == "deletion" else left
        by_chance = measured[:, len(told) :].mean(1)
        for column, name in enumerate(told):
            found[name][what] = np.stack([measured[:, column], by_chance], 1)
    return found


def _similarities(
    pair: _Pair, choices: Sequence[Int[np.ndarray, " kept"]]
) -> Float[np.ndarray, " choice"]:
    """Similarities of the caption with a photo of which only some regions are there."""
    vectors = pair.photo.vectors
    images = EncodedImages.of([_photo(vectors[np.sort(rows)]) for rows in choices])
    similarities: np.ndarray = pair.model.similarity(images, pair.captions, background=False)
    return similarities[:, 0]


def _exchange(
    pair: _Pair,
    foreign: str,
    row: int,
    ways: Mapping[str, Way],
    told: Mapping[str, Told],
    judged: Mapping[str, _Judged],
) -> None:
    """Ask again with one of the words that name something given up for another."""
    words = tokenize(pair.sentence)
    places = [place for place, word in enumerate(words) if names_something(word)]
    if not places:
        return
    place = int(np.random.default_rng(row).choice(places))
    there, words[place] = words[place], foreign
    changed = pair.model.encode_captions([" ".join(words)])
    told_of = list(pair.captions.words[0]), list(changed.words[0])
    if there not in told_of[0] or foreign not in told_of[1]:
        return  # the model cuts sentences otherwise
    own = told_of[0].index(there), told_of[1].index(foreign)
    for name, way in ways.items():
        answer = way(pair.model, pair.photo, changed.caption(0))
        before, after = told[name].evidence[own[0]], answer.evidence[own[1]]
        judged[name].ranked.append(float(before > after) + 0.5 * float(before == after))
        lacking = answer.unsupported[own[1]]
        if lacking is not None:
            judged[name].told.append(lacking)


def _point(
    pair: _Pair, phrases: Sequence[Phrase], told: Mapping[str, Told], grounding: Grounding
) -> None:
    """Judge the phrases of this sentence, if the model cuts it as phrases are."""
    vectors, own = pair.captions.vectors[0], tokenize(pair.sentence)
    if list(pair.captions.words[0][1 : 1 + len(own)]) != own:
        return
    boxes, size = pair.photo.boxes, pair.photo.size
    for phrase in phrases:
        if tokenize(phrase.caption) == own:
            places = [place for place in phrase.words if vectors[place].any()] or [*phrase.words]
            answers = {name: from_map(one.maps(places), boxes, size) for name, one in told.items()}
            grounding.judge(phrase, boxes, size, answers)


def _foreign_words(dataset: Dataset, rows: Sequence[int]) -> list[str | None]:
    """For each photo a word that names something and that none of its captions has."""
    captions = dataset.captions
    own: dict[int, set[str]] = {row: set() for row in rows}
    for sentence, row in zip(captions.sentences, captions.photo_of_caption.tolist(), strict=True):
        if row in own:
            own[row] |= set(tokenize(sentence))
    named = sorted({word for words in own.values() for word in words if names_something(word)})
    random = np.random.default_rng(0)
    found: list[str | None] = []
    for row in rows:
        order = random.permutation(len(named))
        found.append(next((named[n] for n in order if named[n] not in own[row]), None))
    return found

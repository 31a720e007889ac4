"""Are explanations true of the model? Judged without anybody's boxes, on pairs of a split.

shares     the shares of all words must sum to the similarity; the largest error is told
deletion   the regions that words looked at most, by share and attention, are taken away: the
           similarity must fall further than without as many regions taken at random
insertion  they alone are kept: the similarity must stay higher than with random ones
exchange   a word that names something gives way to one that no caption of the photo has: it should
           be told as shown by no region, and words that were there should not

Similarities are those of attention, without a background. Knows nothing of figures.
"""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, Int

from regard.datasets.dataset import Dataset
from regard.errors import ConfigError, DataError
from regard.evaluation.similarity import check_features
from regard.explain.explanation import Explanation
from regard.model.encoded import EncodedCaption, EncodedCaptions, EncodedImages
from regard.model.model import Model
from regard.progress import Progress, silent
from regard.store.shards import Regions
from regard.words.function_words import names_something
from regard.words.tokens import tokenize

PAIRS = 500
FRACTIONS = (0.1, 0.25, 0.5, 0.75)
_RANDOM = 8  # draws of as many regions


class Explains(Protocol):
    """What can be judged: a `Model`, a `VectorModel`, or anything else that does this much."""

    @property
    def ranks_wholes(self) -> bool:
        """Whether it ranks by whole photos, so that regions do not make its score."""

    def encode_features(
        self, features: Float[np.ndarray, "image region feature"], counts: Int[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image region dim"]:
        """Vectors of regions."""

    def encode_captions(self, sentences: list[str], /) -> EncodedCaptions:
        """Words and their vectors."""

    def similarity(
        self, images: EncodedImages, captions: EncodedCaptions, *, background: bool
    ) -> Float[np.ndarray, "image cap"]:
        """By attention alone, without a background."""

    def explain(self, photo: Regions, caption: EncodedCaption, /) -> Explanation:
        """A similarity taken apart."""


def judge_explanations(
    model: Explains, dataset: Dataset, pairs: int = PAIRS, progress: Progress = silent
) -> dict[str, Any]:
    """Whether explanations are true of a model: all measures, as plain values.

    Args:
        model: a `Model`, or a `VectorModel` of somebody else's vectors.
        dataset: captions with the features that the model was trained on (`open_dataset`).
        pairs: photos, spread over the split, each with its first caption.

    Returns:
        pairs; max_share_error; seconds (one explanation); deletion and insertion, each by the
        fraction of regions: explained and random (mean fall of the similarity, or mean of what is
        left), wins (per cent of pairs where the explained beats the mean of the random); exchanged:
        told and false_alarms (per cent of words), None for models that never tell.

    Raises:
        ConfigError: the model ranks whole photos, so that regions do not make its score.
        DataError: no photo has two regions.
        CheckpointError: the model was trained on features of another kind.
    """
    if model.ranks_wholes:
        raise ConfigError(
            "the model ranks whole photos, and its words are no part of the score; explanations "
            "are judged of models that rank by regions. Name one of `regard train`."
        )
    if isinstance(model, Model):
        check_features(model, dataset)
    judged = _Judged()
    rows = np.unique(np.linspace(0, len(dataset.captions.photos) - 1, pairs).astype(np.int64))
    foreign = _foreign_words(dataset, rows)
    for done, row in enumerate(rows, 1):
        _judge(model, dataset, int(row), foreign[done - 1], judged)
        progress(done, len(rows))
    return judged.tree()


class _Judged:
    """What was found, pair by pair."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.seconds: list[float] = []
        self.curves: dict[str, list[Float[np.ndarray, "fraction two"]]] = {}
        self.told: list[bool] = []
        self.alarms: list[bool] = []

    def tree(self) -> dict[str, Any]:
        if not self.curves:
            raise DataError(
                "no photo has two regions; there must be some to take away. Name features of "
                "several regions a photo."
            )
        exchanged = None
        if self.told:
            told, alarms = (100 * float(np.mean(one)) for one in (self.told, self.alarms))
            exchanged = {"words": len(self.told), "told": told, "false_alarms": alarms}
        return {
            "pairs": len(self.errors),
            "max_share_error": max(self.errors),
            "seconds": float(np.median(self.seconds)),
            **{name: _curve(np.stack(found)) for name, found in self.curves.items()},
            "exchanged": exchanged,
        }


def _curve(found: Float[np.ndarray, "pair fraction two"]) -> dict[str, dict[str, float]]:
    wins = 100 * (found[..., 0] > found[..., 1]).mean(0)
    means = found.mean(0)
    return {
        f"{fraction:g}": {"explained": float(a), "random": float(b), "wins": float(w)}
        for fraction, (a, b), w in zip(FRACTIONS, means, wins, strict=True)
    }


def _judge(model: Explains, dataset: Dataset, row: int, foreign: str | None, into: _Judged) -> None:
    features, counts = dataset.gather([row])
    vectors = model.encode_features(features, counts)[0, : counts[0]]
    captions = dataset.captions
    sentence = captions.sentences[int(np.flatnonzero(captions.photo_of_caption == row)[0])]
    photo = _photo(vectors)
    caption = model.encode_captions([sentence])
    began = time.perf_counter()
    why = model.explain(photo, caption.caption(0))
    into.seconds.append(time.perf_counter() - began)
    into.errors.append(abs(sum(word.share for word in why.words) - why.similarity))
    if len(vectors) > 1:
        for name, found in _taken_apart(model, photo, caption, why, row).items():
            into.curves.setdefault(name, []).append(found)
    into.alarms += [word.is_unsupported for word in why.words if word.support is not None]
    changed = None if foreign is None else _exchanged(sentence, foreign, row)
    if changed is not None:
        answer = model.explain(photo, model.encode_captions([changed]).caption(0))
        there = [word for word in answer.words if word.word == foreign]
        into.told += [word.is_unsupported for word in there[:1] if word.support is not None]


def _photo(vectors: Float[np.ndarray, "region dim"]) -> Regions:
    return Regions(vectors, np.empty((0, 4), np.float32), np.ones(len(vectors), np.float32), 0, 0)


def _taken_apart(
    model: Explains, photo: Regions, caption: EncodedCaptions, why: Explanation, row: int
) -> dict[str, Float[np.ndarray, "fraction two"]]:
    """Falls of the similarity and what is left of it: by the explanation, and at random."""
    looked = sum(max(word.share, 0.0) * word.attention for word in why.words)
    regions, random = len(photo.vectors), np.random.default_rng(row)
    best = np.argsort(-np.asarray(looked), kind="stable")
    orders = np.stack([best, *(random.permutation(regions) for _ in range(_RANDOM))])
    taken = [min(max(1, round(fraction * regions)), regions - 1) for fraction in FRACTIONS]
    kept = {
        "deletion": [[order[count:] for order in orders] for count in taken],
        "insertion": [[order[:count] for order in orders] for count in taken],
    }
    whole = _similarities(model, photo, [np.arange(regions)], caption)[0]
    found = {}
    for name, choices in kept.items():
        flat = [rows for choice in choices for rows in choice]
        left = _similarities(model, photo, flat, caption).reshape(len(taken), -1)
        told = whole - left if name == "deletion" else left
        found[name] = np.stack([told[:, 0], told[:, 1:].mean(1)], 1)
    return found


def _similarities(
    model: Explains,
    photo: Regions,
    choices: Sequence[Int[np.ndarray, " kept"]],
    caption: EncodedCaptions,
) -> Float[np.ndarray, " choice"]:
    """Similarities of the caption with a photo of which only some regions are there."""
    images = EncodedImages.of([_photo(photo.vectors[np.sort(rows)]) for rows in choices])
    similarities: np.ndarray = model.similarity(images, caption, background=False)[:, 0]
    return similarities


def _foreign_words(dataset: Dataset, rows: Int[np.ndarray, " photo"]) -> list[str | None]:
    """For each photo a word that names something and that none of its captions has."""
    captions = dataset.captions
    own: dict[int, set[str]] = {int(row): set() for row in rows}
    for sentence, row in zip(captions.sentences, captions.photo_of_caption.tolist(), strict=True):
        if row in own:
            own[row] |= set(tokenize(sentence))
    named = sorted({word for words in own.values() for word in words if names_something(word)})
    random = np.random.default_rng(0)
    found: list[str | None] = []
    for row in rows:
        order = random.permutation(len(named))
        found.append(next((named[n] for n in order if named[n] not in own[int(row)]), None))
    return found


def _exchanged(sentence: str, foreign: str, row: int) -> str | None:
    """The sentence with one of the words that name something given up for another."""
    words = tokenize(sentence)
    places = [place for place, word in enumerate(words) if names_something(word)]
    if not places:
        return None
    words[np.random.default_rng(row).choice(places)] = foreign
    return " ".join(words)
